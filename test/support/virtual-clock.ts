import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../functions/exporter/clock.ts";

/** A clock that stands still until somebody sleeps, and then is past the wait at once. */
export class VirtualClock implements Clock {
  #nowMs: number;
  /** Every wait, in milliseconds. */
  readonly slept: number[] = [];

  constructor(now: string) {
    this.#nowMs = Date.parse(now);
  }

  now(): number {
    return this.#nowMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.slept.push(ms);
    this.#nowMs += Math.ceil(ms);
    await setImmediate();
    signal?.throwIfAborted();
  }

  /** Lets time pass without anybody waiting for it. */
  advance(ms: number): void {
    this.#nowMs += ms;
  }
}
