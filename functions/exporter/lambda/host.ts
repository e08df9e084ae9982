import type { Steps } from "../steps/steps.ts";

/** Where a deployed run is carried out: as a durable execution, or within one invocation. */
export interface Host {
  /** Names this run, to people too; the same in each of its invocations. */
  readonly runId: string;
  /** True if a run that throws is carried out again, with the same id. */
  readonly isTriedAgain: boolean;
  /** Does work of the run as a whole, once. Its result is JSON, and small. */
  once<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Does the same with several things side by side, each in steps of its own. Results in order; `work` throws nothing. */
  forEach<I, T>(
    items: readonly I[],
    nameOf: (item: I) => string,
    work: (item: I, steps: Steps) => Promise<T>,
  ): Promise<T[]>;
}
