import ora from "ora";
import type { Clock } from "../functions/exporter/clock.ts";
import type { Progress } from "../functions/exporter/export/export-day.ts";
import type { KoreEvent } from "../functions/exporter/kore/client.ts";
import type { CommandIo } from "./io.ts";

const BAR_WIDTH = 24;
/** Shorter waits come and go too fast to be read. */
const SHOWN_WAIT_MS = 1_000;

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
  readonly #ticker = setInterval(() => this.#draw(), 1_000);
  readonly #clock: Clock;
  readonly #startedAt: number;
  /** Sessions that Kore promises, by source and day. */
  readonly #expected = new Map<string, number>();
  /** Why a source waits, and until when. */
  readonly #waits = new Map<string, { readonly why: string; readonly until: number }>();
  #received = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  progress({ source, dt, received, expected }: Progress): void {
    this.#received += received;
    if (expected !== null) this.#expected.set(`${source} ${dt}`, expected);
    this.#draw();
  }

  koreEvent(source: string, event: KoreEvent): void {
    this.#waits.delete(source);
    if (event.kind === "waiting" && event.ms >= SHOWN_WAIT_MS) {
      const why = event.reason === "quota" ? "quota reached" : (event.error?.code ?? "failed");
      this.#waits.set(source, { why, until: this.#clock.now() + event.ms });
    }
    this.#draw();
  }

  stop(): void {
    clearInterval(this.#ticker);
    this.#spinner.stop();
  }

  #draw(): void {
    const now = this.#clock.now();
    const all = this.#expected.values().reduce((sum, count) => sum + count, 0);
    const filled = Math.round(Math.min(1, all === 0 ? 0 : this.#received / all) * BAR_WIDTH);
    const bar = `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)}`;
    const rate = Math.round(this.#received / Math.max(1, (now - this.#startedAt) / 1_000));
    const waits = [...this.#waits].map(([source, { why, until }]) => {
      const seconds = Math.max(1, Math.ceil((until - now) / 1_000));
      return ` · ${source}: ${why}, next request in ${seconds} s`;
    });
    const counts = `${this.#received.toLocaleString("en")} of ${all.toLocaleString("en")} sessions, ${rate}/s`;
    this.#spinner.text = `${bar} ${counts}${waits.join("")}`;
  }
}
