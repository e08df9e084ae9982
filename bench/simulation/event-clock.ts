import type { Clock } from "../../functions/exporter/clock.ts";

interface Sleeper {
  readonly wakeAt: number;
  readonly wake: () => void;
}

/**
 * A clock for several tasks side by side, on which no time passes while any of them works: once all live tasks sleep, it
 * moves to the first of them to wake. Tasks are counted, so that files and packing in between may take as long as they do.
 */
export class EventClock implements Clock {
  #nowMs: number;
  #live = 0;
  #isDue = false;
  readonly #sleepers: Sleeper[] = [];

  constructor(now: string) {
    this.#nowMs = Date.parse(now);
  }

  now(): number {
    return this.#nowMs;
  }

  /** Does work as a live task. Whoever sleeps has to be one. */
  async task<T>(work: () => Promise<T>): Promise<T> {
    this.#live++;
    try {
      return await work();
    } finally {
      this.#live--;
      this.#moveOnIfAllSleep();
    }
  }

  /** Does several things as tasks of their own, while the calling task waits for them. */
  async sideBySide<T>(works: readonly (() => Promise<T>)[]): Promise<T[]> {
    const all = Promise.all(works.map((work) => this.task(work)));
    this.#live--;
    this.#moveOnIfAllSleep();
    try {
      return await all;
    } finally {
      this.#live++;
    }
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper = { wakeAt: this.#nowMs + Math.max(0, Math.ceil(ms)), wake: resolve };
    const abort = () => {
      const at = this.#sleepers.indexOf(sleeper);
      if (at !== -1) this.#sleepers.splice(at, 1);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    this.#sleepers.push(sleeper);
    this.#moveOnIfAllSleep();
    await promise.finally(() => signal?.removeEventListener("abort", abort));
  }

  /** Behind everything that is under way without sleeping: a task that has just been woken may wake others in turn. */
  #moveOnIfAllSleep(): void {
    if (this.#isDue || !this.#allSleep()) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (this.#allSleep()) this.#moveOn();
    });
  }

  #allSleep(): boolean {
    return this.#sleepers.length > 0 && this.#sleepers.length >= this.#live;
  }

  /** Those that wake at the same instant do so in the order in which they fell asleep. */
  #moveOn(): void {
    let first = 0;
    for (const [index, { wakeAt }] of this.#sleepers.entries()) {
      if (wakeAt < (this.#sleepers[first]?.wakeAt ?? 0)) first = index;
    }
    const [sleeper] = this.#sleepers.splice(first, 1);
    if (sleeper === undefined) return;
    this.#nowMs = Math.max(this.#nowMs, sleeper.wakeAt);
    sleeper.wake();
    this.#moveOnIfAllSleep();
  }
}
