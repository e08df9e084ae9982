import { Writable } from "node:stream";
import type { CommandIo, Input, Output } from "../io.ts";

/** A question with a line of text for an answer. */
export interface Question {
  readonly message: string;
  /** What Enter alone answers. */
  readonly fallback?: string | undefined;
  /** What is wrong with an answer, as a sentence; null if nothing is. */
  readonly problem: (answer: string) => string | null;
}

/** A person at a terminal. */
export interface Questions {
  text(question: Question): Promise<string>;
  /** The answer is not shown; with a fallback, an empty one is allowed and means it. */
  secret(question: Question): Promise<string>;
  confirm(message: string): Promise<boolean>;
}

/** Thrown when the person ends the questions instead of answering: Ctrl-C, Ctrl-D, or a terminal that is closed. */
export class QuestionsEnded extends Error {}

/** True if somebody can be asked: stdin and stderr are a terminal. */
export function canAsk({ stdin, stderr }: CommandIo): boolean {
  return stderr.isTTY && stdin?.().isTTY === true;
}

/** Opens the questions, on stderr. */
export async function openQuestions({ stderr, signal, stdin }: CommandIo): Promise<Questions> {
  const { confirm, input, password } = await import("@inquirer/prompts");
  const terminal = stdin?.();
  if (terminal === undefined) throw new QuestionsEnded();
  const ask = async <T>(prompt: (context: object) => Promise<T>): Promise<T> => {
    const ended = endOf(terminal);
    try {
      const asked = AbortSignal.any([signal, ended.signal]);
      return await prompt({ input: terminal, output: streamOf(stderr), signal: asked });
    } catch (error) {
      throw isEnd(error) ? new QuestionsEnded() : error;
    } finally {
      ended.forget();
    }
  };
  return {
    text: ({ message, fallback, problem }) => {
      const validate = (answer: string) => problem(answer) ?? true;
      return ask((context) => input({ message, validate, ...(fallback && { default: fallback }) }, context));
    },
    secret: async ({ message, fallback, problem }) => {
      const validate = (answer: string) => (answer === "" && fallback ? true : (problem(answer) ?? true));
      const answer = await ask((context) => password({ message, mask: "*", toggleMask: false, validate }, context));
      return answer === "" && fallback ? fallback : answer;
    },
    confirm: (message) => ask((context) => confirm({ message, default: false }, context)),
  };
}

/** A prompt ends its stream, so each has one of its own. */
function streamOf(output: Output): Writable {
  return new Writable({
    write: (chunk, _, done) => {
      output.write(String(chunk));
      done();
    },
  });
}

/** The prompts do not notice that their terminal is at its end, and would wait for ever. */
function endOf(terminal: Input): { readonly signal: AbortSignal; forget(): void } {
  const ended = new AbortController();
  const onKey = (_: unknown, key: { ctrl?: boolean; name?: string } | undefined) => {
    if (key?.ctrl && key.name === "d") ended.abort();
  };
  const onEnd = () => ended.abort();
  terminal.on("keypress", onKey).once("end", onEnd).once("close", onEnd);
  return {
    signal: ended.signal,
    forget: () => void terminal.off("keypress", onKey).off("end", onEnd).off("close", onEnd),
  };
}

function isEnd(error: unknown): boolean {
  return error instanceof Error && ["ExitPromptError", "AbortPromptError"].includes(error.name);
}
