import { clearLine, cursorTo, moveCursor } from "node:readline";
import { Writable } from "node:stream";
import { styleText } from "node:util";
import type { CommandIo, Output } from "../io.ts";

const BAR_WIDTH = 24;
const REDRAW_MS = 1_000;
const USUAL_COLUMNS = 80;

/** One line of a terminal that is drawn anew whenever it changes. */
export interface TerminalLine {
  /** Draws what `text` gives, now and every second, so that times in it run. */
  show(text: () => string): void;
  stop(): void;
}

/** Opens the line on stderr, which must be a terminal. Only one may be open at a time. */
export async function openTerminalLine({ stderr }: CommandIo, first: string): Promise<TerminalLine> {
  const { default: ora } = await import("ora");
  // ora's own Ctrl-C handling would end the process before the command could stop cleanly.
  const spinner = ora({ stream: terminalOf(stderr), isEnabled: true, discardStdin: false, color: false, text: first });
  let latest = () => first;
  const draw = () => {
    spinner.text = latest();
    spinner.render();
  };
  spinner.start();
  const ticker = setInterval(draw, REDRAW_MS);
  return {
    show: (text) => {
      latest = text;
      draw();
    },
    stop: () => {
      clearInterval(ticker);
      spinner.stop();
    },
  };
}

/** A bar of fixed width; `done` from 0 to 1. In colour unless NO_COLOR is set (https://no-color.org). */
export function bar(done: number, { env }: Pick<CommandIo, "env">): string {
  const filled = Math.round(Math.max(0, Math.min(1, done)) * BAR_WIDTH);
  const full = "█".repeat(filled);
  const isPlain = (env.NO_COLOR ?? "") !== "" || full === "";
  return `${isPlain ? full : styleText("cyan", full, { validateStream: false })}${"░".repeat(BAR_WIDTH - filled)}`;
}

/** What ora needs of a terminal's stream, over an output that may not be the process's own. */
function terminalOf(output: Output): NodeJS.WriteStream {
  const plain = new Writable({ decodeStrings: false });
  plain.write = (chunk: unknown) => {
    output.write(String(chunk));
    return true;
  };
  const terminal = Object.assign(plain, {
    isTTY: true,
    // A terminal may not know its width, and say 0.
    columns: output.columns || USUAL_COLUMNS,
    cursorTo: (column: number) => cursorTo(plain, column),
    moveCursor: (columns: number, rows: number) => moveCursor(plain, columns, rows),
    clearLine: (direction: -1 | 0 | 1) => clearLine(plain, direction),
  });
  return terminal as unknown as NodeJS.WriteStream;
}
