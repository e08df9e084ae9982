import ora from "ora";
import type { CommandIo } from "../io.ts";
import { type Month, monthLabel } from "./months.ts";

/** Shows how the months of each source get on. */
export interface FollowView {
  change(source: string, month: Month, text: string): void;
  stop(): void;
}

/** On a terminal one line with the latest of each source; otherwise a line on stderr for each change. */
export function followView(io: CommandIo): FollowView {
  return io.stderr.isTTY ? new SpinnerLine() : new ChangeLines(io);
}

class SpinnerLine implements FollowView {
  // ora's own Ctrl-C handling would end the process before the command could say that the executions go on.
  readonly #spinner = ora({ stream: process.stderr, discardStdin: false, text: "Asking AWS …" }).start();
  readonly #latest = new Map<string, string>();

  change(source: string, month: Month, text: string): void {
    this.#latest.set(source, `${source} ${monthLabel(month)}: ${text}`);
    this.#spinner.text = [...this.#latest.values()].join(" · ");
  }

  stop(): void {
    this.#spinner.stop();
  }
}

class ChangeLines implements FollowView {
  readonly #io: CommandIo;
  readonly #latest = new Map<string, string>();

  constructor(io: CommandIo) {
    this.#io = io;
  }

  change(source: string, month: Month, text: string): void {
    const line = `${monthLabel(month)} ${source}: ${text}\n`;
    if (this.#latest.get(source) === line) return;
    this.#latest.set(source, line);
    this.#io.stderr.write(line);
  }

  stop(): void {}
}
