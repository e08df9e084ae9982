import type { Clock } from "../functions/exporter/clock.ts";
import { type ErrorCode, type ExporterError, SettingsError } from "../functions/exporter/errors.ts";
import { describe } from "./describe.ts";
import type { Output } from "./io.ts";

/** How messages on stderr are written: lines for people, or one JSON object a line. */
export const LOG_FORMATS = ["text", "json"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Further members of a message as JSON. */
export type Facts = Readonly<Record<string, unknown>>;

/** What a command says on stderr besides its results. Every message is told at once; nothing is kept. */
export interface Log {
  /** For `--verbose` only: `tell` is not asked otherwise. */
  debug(event: string, tell: () => { readonly message: string; readonly facts: Facts }): void;
  /** How the work gets on: for a terminal, and for `--verbose`. */
  info(event: string, message: string, facts?: Facts): void;
  /** What a person has to know although nothing is wrong; told always, and in plain words. */
  say(event: string, message: string): void;
  /** What a person should look at although nothing failed. */
  warn(event: string, message: string, facts?: Facts): void;
  /** A failure; each problem of a `SettingsError` is a message of its own. */
  error(error: ExporterError): void;
  /** A problem that has a code and is no thrown error. */
  problem(code: ErrorCode, message: string, facts?: Facts): void;
}

type Level = "debug" | "info" | "warn" | "error";

/** The log of one command line, on stderr. Its options are set while the command line is read. */
export class StderrLog implements Log {
  readonly #stderr: Output;
  readonly #clock: Clock;
  readonly #isTerminal: boolean;
  #format: LogFormat = "text";
  #isVerbose = false;

  /** `isTerminal`: a person looks on. */
  constructor(stderr: Output, isTerminal: boolean, clock: Clock) {
    this.#stderr = stderr;
    this.#isTerminal = isTerminal;
    this.#clock = clock;
  }

  set isVerbose(isVerbose: boolean) {
    this.#isVerbose = isVerbose;
  }

  set format(format: LogFormat) {
    this.#format = format;
  }

  /**
   * Stderr as commands have it: whatever is written to it keeps to the format. It counts as a terminal only where a bar
   * may be drawn.
   */
  get output(): Output {
    const log = this;
    return {
      write: (text) => log.#raw(text),
      get isTTY() {
        return log.#isTerminal && log.#format === "text" && !log.#isVerbose;
      },
      get columns() {
        return log.#stderr.columns;
      },
    };
  }

  debug(event: string, tell: Parameters<Log["debug"]>[1]): void {
    if (!this.#isVerbose) return;
    const { message, facts } = tell();
    this.#tell("debug", { event }, message, facts);
  }

  info(event: string, message: string, facts: Facts = {}): void {
    if (this.#isVerbose || this.#isTerminal) this.#tell("info", { event }, message, facts);
  }

  say(event: string, message: string): void {
    if (this.#format === "text") this.#stderr.write(`${message}\n`);
    else this.#tell("info", { event }, message, {});
  }

  warn(event: string, message: string, facts: Facts = {}): void {
    this.#tell("warn", { event }, message, facts);
  }

  error(error: ExporterError): void {
    if (this.#format === "text") {
      this.#stderr.write(describe(error));
      return;
    }
    const messages = error instanceof SettingsError ? error.problems : [error.message];
    const cause = error.cause instanceof Error ? error.cause.stack : error.stack;
    const facts = error.code === "ERR_INTERNAL" ? { stack: cause } : {};
    for (const message of messages) this.problem(error.code, message, facts);
  }

  problem(code: ErrorCode, message: string, facts: Facts = {}): void {
    this.#tell("error", { code }, message, facts);
  }

  /** What commander says of a wrong command line, as it words it. */
  usage(text: string): void {
    if (this.#format === "text") this.#stderr.write(text);
    else this.problem("ERR_SETTINGS", text.replace(/^error: /, "").trim());
  }

  /** Text that somebody wrote to stderr without saying what it is. */
  #raw(text: string): void {
    if (this.#format === "text") this.#stderr.write(text);
    else if (text.trim() !== "") this.#tell("info", { event: "message" }, text.trim(), {});
  }

  #tell(level: Level, name: { event: string } | { code: ErrorCode }, message: string, facts: Facts): void {
    const time = new Date(this.#clock.now()).toISOString();
    if (this.#format === "json") {
      this.#stderr.write(`${JSON.stringify({ time, level, ...name, message, ...facts })}\n`);
      return;
    }
    if ("code" in name) this.#stderr.write(`error ${name.code}: ${message}\n`);
    else if (level === "warn") this.#stderr.write(`warning: ${message}\n`);
    else this.#stderr.write(this.#isVerbose ? `${time} ${message}\n` : `${message}\n`);
  }
}
