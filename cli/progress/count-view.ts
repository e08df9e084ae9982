import { counted } from "../amounts.ts";
import type { CommandIo } from "../io.ts";
import { duration, rate } from "./duration.ts";
import { bar, openTerminalLine } from "./terminal-line.ts";

const TOLD_EVERY_MS = 60_000;

/** Shows how many of so many things are done. */
export interface CountView {
  /** Counts in words, such as `day` and `checked`; others begin a new count. `all` is null where nobody knows. */
  count(noun: string, deed: string, done: number, all: number | null): void;
  stop(): void;
}

/** A bar where stderr is a terminal; else a message a minute, told as the log's options say. */
export async function openCountView(io: CommandIo, first: string): Promise<CountView> {
  const { clock, log, stderr } = io;
  const line = stderr.isTTY ? await openTerminalLine(io, first) : null;
  let begun: { readonly things: string | null; readonly at: number } = { things: null, at: clock.now() };
  let toldAt = clock.now();
  return {
    count: (noun, deed, done, all) => {
      const things = `${noun}s ${deed}`;
      if (things !== begun.things) begun = { things, at: begun.things === null ? begun.at : clock.now() };
      const text = () => `${countText(noun, done, all)} ${deed}${speedText(done, all, clock.now() - begun.at)}`;
      line?.show(() => (all === null ? text() : `${bar(done / Math.max(1, all), io)} ${text()}`));
      if (line !== null || clock.now() - toldAt < TOLD_EVERY_MS) return;
      toldAt = clock.now();
      log.info("progress", text(), { things, done, all });
    },
    stop: () => line?.stop(),
  };
}

/** `3 of 10 days`, `1 file`. */
function countText(noun: string, done: number, all: number | null): string {
  return all === null ? counted(done, noun) : `${done.toLocaleString("en")} of ${counted(all, noun)}`;
}

/** ` · 1.5/s · about 5 s left`; the time left by how fast it went so far. */
function speedText(done: number, all: number | null, passedMs: number): string {
  if (done === 0 || passedMs < 1_000) return "";
  const left = all === null || done >= all ? "" : ` · about ${duration((passedMs / done) * (all - done))} left`;
  return ` · ${rate(done, passedMs)}${left}`;
}
