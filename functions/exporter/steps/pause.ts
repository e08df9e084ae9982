import type { Clock } from "../clock.ts";

/** Thrown through a question to Kore that cannot go on now: it is put again later, and given the answers it had. */
export class Pause extends Error {
  override readonly name = "Pause";
  readonly waitMs: number;

  constructor(waitMs: number) {
    super(`nothing is to be asked for ${waitMs} ms`);
    this.waitMs = waitMs;
  }
}

/** The longest wait between two attempts of a request, unless the server asks for a longer one. */
const LONGEST_SLEEP_MS = 30_000;

/**
 * A clock on which nobody sleeps for long: longer waits are pauses, in which nothing has to run. So is any wait once the
 * step's requests are used up: a request that has to be repeated is repeated by the next step.
 */
export function pausingClock(clock: Clock, isUsedUp: () => boolean): Clock {
  return {
    now: () => clock.now(),
    sleep: async (ms, signal) => {
      if (ms > LONGEST_SLEEP_MS || isUsedUp()) throw new Pause(ms);
      await clock.sleep(ms, signal);
    },
  };
}
