import { ExporterError } from "../errors.ts";

/**
 * What a step does. `next`: find the next day; `open`: look at the archive; `plan`, `read`: ask Kore about a day; `build`:
 * write parts; `publish`: end the day; `release`: give a source up, which a run also does when it has come to its end.
 */
export type StepKind = "next" | "plan" | "read" | "open" | "build" | "publish" | "release";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/**
 * How long a step may take, and the least time that is worth beginning it for. A request with all its retries takes five
 * and a half minutes at most; publishing has a deadline of five by itself; another publisher is waited for for six.
 */
export const STEP_TIMES: Readonly<Record<StepKind, { readonly mostMs: number; readonly leastMs: number }>> = {
  next: { mostMs: 6.5 * MINUTE_MS, leastMs: 5 * SECOND_MS },
  plan: { mostMs: 6.5 * MINUTE_MS, leastMs: 5 * SECOND_MS },
  read: { mostMs: 6.5 * MINUTE_MS, leastMs: 5 * SECOND_MS },
  open: { mostMs: 6.5 * MINUTE_MS, leastMs: 5 * SECOND_MS },
  build: { mostMs: 5 * MINUTE_MS, leastMs: MINUTE_MS },
  publish: { mostMs: 7 * MINUTE_MS, leastMs: 3 * MINUTE_MS },
  release: { mostMs: 20 * SECOND_MS, leastMs: Number.NEGATIVE_INFINITY },
};

/** Steps that ask Kore. */
export type AskingKind = Extract<StepKind, "next" | "plan" | "read">;

/** One step: what it does, the name by which people know it, and what lets it begin. */
export interface Step {
  readonly kind: StepKind;
  readonly name: string;
  /** Runs the work once there is room for it; the time of the step begins then. */
  readonly gate: <T>(work: () => Promise<T>) => Promise<T>;
}

/**
 * Carries out the steps of an export one by one. What a step returns is JSON of at most 10,000 characters, and may
 * have been returned to an earlier process that died since.
 *
 * Both throw `ERR_INTERRUPTED` where the run has come to its end, and another one goes on.
 */
export interface Steps {
  /** Does the work, within the time of its kind, after which the signal is aborted; or gives back what it returned. */
  run<T>(step: Step, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Lets time pass in which nothing runs. */
  wait(name: string, ms: number): Promise<void>;
}

/** What a step that has heard of its end is given to come to it. */
const GRACE_MS = 20_000;

/**
 * Does a step's work within a time, after which its signal is aborted. Throws `ERR_STEP_DEADLINE` if the work does not
 * end for that; it is then no longer waited for, and whatever it still does must be harmless.
 */
export async function withinTime<T>(
  ms: number,
  name: string,
  work: (signal: AbortSignal) => Promise<T>,
  graceMs: number = GRACE_MS,
): Promise<T> {
  const end = new AbortController();
  const soft = setTimeout(() => end.abort(new DOMException("the step's time is over", "TimeoutError")), ms);
  const hard = Promise.withResolvers<never>();
  const message = `The step "${name}" took longer than ${Math.round(ms / 1000)} s. Run again; what was read is kept.`;
  const last = setTimeout(() => hard.reject(new ExporterError("ERR_STEP_DEADLINE", message)), ms + graceMs);
  try {
    return await Promise.race([work(end.signal), hard.promise]);
  } finally {
    clearTimeout(soft);
    clearTimeout(last);
  }
}
