import type { Around } from "./durable-run.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** How often a folder's lock is asked for, on the clock of its store. */
const LOCK_POLL_MS = 100;

/**
 * Lets time pass as it would if steps took some. The wait of one run counts only once no other run's step is under way,
 * which takes no time here and would seem to have taken all of it; and whoever waits for a folder's lock, which another
 * one holds for a moment, waits for no longer than that.
 */
export class Pace {
  readonly #jump: (ms: number) => void;
  readonly #clock: VirtualClock;
  #underWay = 0;
  #until = 0;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
    this.#jump = clock.advance.bind(clock);
    clock.advance = (ms) => {
      this.#until = Math.max(this.#until, clock.now() + ms);
      this.#settle();
    };
    const sleep = clock.sleep.bind(clock);
    clock.sleep = (ms, signal) => sleep(ms === LOCK_POLL_MS ? 1 : ms, signal);
  }

  /** Counts the steps of a run as under way. */
  around(disturb: Around = (_name, work) => work()): Around {
    return async (name, work) => {
      this.#underWay++;
      try {
        return await disturb(name, work);
      } finally {
        this.#underWay--;
        this.#settle();
      }
    };
  }

  #settle(): void {
    const ms = this.#until - this.#clock.now();
    if (this.#underWay === 0 && ms > 0) this.#jump(ms);
  }
}
