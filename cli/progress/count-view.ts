import type { CommandIo } from "../io.ts";
import { duration, rate } from "./duration.ts";
import { bar, openTerminalLine } from "./terminal-line.ts";

const TOLD_EVERY_MS = 60_000;

/** Shows how many of so many things are done. */
export interface CountView {
  /** `things` in words, such as `days checked`; another one begins a new count. `all` is null where nobody knows. */
  count(things: string, done: number, all: number | null): void;
  stop(): void;
}

/** A bar where stderr is a terminal; else a message a minute, told as the log's options say. */
export async function openCountView(io: CommandIo, first: string): Promise<CountView> {
  const { clock, log, stderr } = io;
  const line = stderr.isTTY ? await openTerminalLine(io, first) : null;
  let begun: { readonly things: string | null; readonly at: number } = { things: null, at: clock.now() };
  let toldAt = clock.now();
  return {
    count: (things, done, all) => {
      if (things !== begun.things) begun = { things, at: begun.things === null ? begun.at : clock.now() };
      const text = () => countText(things, done, all, clock.now() - begun.at);
      line?.show(() => (all === null ? text() : `${bar(done / Math.max(1, all), io)} ${text()}`));
      if (line !== null || clock.now() - toldAt < TOLD_EVERY_MS) return;
      toldAt = clock.now();
      log.info("progress", text(), { things, done, all });
    },
    stop: () => line?.stop(),
  };
}

/** `3 of 10 days checked · 1.5/s · about 5 s left`; the time left by how fast it went so far. */
function countText(things: string, done: number, all: number | null, passedMs: number): string {
  const counts = [...(all === null ? [done] : [done, all])].map((count) => count.toLocaleString("en")).join(" of ");
  if (done === 0 || passedMs < 1_000) return `${counts} ${things}`;
  const left = all === null || done >= all ? "" : ` · about ${duration((passedMs / done) * (all - done))} left`;
  return `${counts} ${things} · ${rate(done, passedMs)}${left}`;
}
