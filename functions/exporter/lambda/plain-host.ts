import type { Clock } from "../clock.ts";
import { ExporterError } from "../errors.ts";
import { STEP_TIMES, type Step, type Steps, withinTime } from "../steps/steps.ts";
import type { Host } from "./host.ts";

/** Carries a run out within one invocation, which has to end at an instant. What is not done then, another run does. */
export class PlainHost implements Host {
  readonly runId: string;
  readonly isTriedAgain = true;
  readonly #steps: Steps;

  constructor(runId: string, clock: Clock, endMs: number) {
    this.runId = runId;
    this.#steps = new PlainSteps(clock, endMs);
  }

  once<T>(_name: string, work: () => Promise<T>): Promise<T> {
    return work();
  }

  forEach<I, T>(items: readonly I[], _nameOf: unknown, work: (item: I, steps: Steps) => Promise<T>): Promise<T[]> {
    return Promise.all(items.map((item) => work(item, this.#steps)));
  }
}

/** Steps that are done at once; waits are slept through. */
class PlainSteps implements Steps {
  readonly #clock: Clock;
  readonly #endMs: number;

  constructor(clock: Clock, endMs: number) {
    this.#clock = clock;
    this.#endMs = endMs;
  }

  run<T>({ kind, name, gate }: Step, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { mostMs, leastMs } = STEP_TIMES[kind];
    return gate(async () => {
      const leftMs = this.#endMs - this.#clock.now();
      if (leftMs < leastMs) throw outOfTime();
      return withinTime(Math.max(0, Math.min(leftMs, mostMs)), name, work);
    });
  }

  async wait(_name: string, ms: number): Promise<void> {
    if (this.#clock.now() + ms >= this.#endMs) throw outOfTime();
    await this.#clock.sleep(ms);
  }
}

function outOfTime(): ExporterError {
  const message = "The function's time was over before the work was. The next run goes on where this one ended.";
  return new ExporterError("ERR_INTERRUPTED", message);
}
