import ora from "ora";
import type { Clock } from "../functions/exporter/clock.ts";
import type { Progress } from "../functions/exporter/export/export-day.ts";
import type { KoreEvent } from "../functions/exporter/kore/client.ts";
import type { CommandIo } from "./io.ts";

const BAR_WIDTH = 24;

/** Shows how a run gets on. */
export interface ProgressView {
  progress(progress: Progress): void;
  koreEvent(source: string, event: KoreEvent): void;
  stop(): void;
}

/** A bar on stderr if that is a terminal; otherwise nothing, so that logs stay readable. */
export function progressView(io: CommandIo): ProgressView {
  return io.stderr.isTTY ? new ProgressBar(io.clock) : { progress() {}, koreEvent() {}, stop() {} };
}

class ProgressBar implements ProgressView {
  // ora's own Ctrl-C handling would end the process before the run could stop cleanly.
  readonly #spinner = ora({ stream: process.stderr, discardStdin: false, text: "Asking Kore …" }).start();
  readonly #expected = new Map<string, number>();
  readonly #clock: Clock;
  readonly #startedAt: number;
  #received = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  progress({ source, dt, received, expected }: Progress): void {
    this.#received += received;
    if (expected !== null) this.#expected.set(`${source} ${dt}`, expected);
    const all = this.#expected.values().reduce((sum, count) => sum + count, 0);
    const share = all === 0 ? 0 : Math.min(1, this.#received / all);
    const filled = Math.round(share * BAR_WIDTH);
    const bar = `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)}`;
    const seconds = Math.max(1, (this.#clock.now() - this.#startedAt) / 1000);
    const rate = Math.round(this.#received / seconds);
    this.#spinner.text = `${bar} ${this.#received} of ${all} sessions, ${rate}/s · ${source} ${dt}`;
  }

  koreEvent(source: string, event: KoreEvent): void {
    if (event.kind !== "waiting" || event.ms < 1_000) return;
    const seconds = Math.ceil(event.ms / 1000);
    const why = event.reason === "quota" ? "quota reached" : (event.error?.message ?? "failed");
    this.#spinner.text = `${source}: ${why} Next request in ${seconds} s.`;
  }

  stop(): void {
    this.#spinner.stop();
  }
}
