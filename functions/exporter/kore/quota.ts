import type { Clock } from "../clock.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Kore's clock need not tick with ours: a window is taken to be this much longer than it is. */
const MARGIN_MS = 100;

/**
 * Requests per rolling minute and per rolling hour; 0 is no limit.
 * Source: "Rate limit" in Kore's documentation: both windows are checked, and every request counts.
 */
export interface QuotaLimits {
  readonly perMinute: number;
  readonly perHour: number;
}

/**
 * Keeps one source's requests inside both rolling quotas, for as long as this process is the only one that asks.
 *
 * A request counts from the moment its answer ended: the server saw it no later than that, so the server's own count
 * can never be above ours. The first half of the hour's quota may be used as fast as the minute allows, and so may the
 * rest by work that it is enough for. Otherwise what is left is spread over the rest of the hour, so that a long job
 * keeps moving instead of standing still for most of an hour; in the long run that costs it nothing.
 */
export class Quota {
  readonly #limits: QuotaLimits;
  readonly #clock: Clock;
  /** When the requests of the last hour ended, ascending. */
  readonly #ended: number[] = [];
  #running = 0;
  #expected = Number.POSITIVE_INFINITY;

  constructor(limits: QuotaLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Says how many requests the work at hand will still send, as far as can be told. Until then it counts as endless. */
  expect(requests: number): void {
    this.#expected = requests;
  }

  /** Waits for a free place, then sends. `onWait` hears how long, in milliseconds, whenever there is a wait. */
  async run<T>(send: () => Promise<T>, onWait: (ms: number) => void, signal?: AbortSignal): Promise<T> {
    for (let wait = this.#wait(); wait > 0; wait = this.#wait()) {
      onWait(wait);
      await this.#clock.sleep(wait, signal);
    }
    this.#running++;
    this.#expected--;
    try {
      return await send();
    } finally {
      this.#running--;
      this.#ended.push(this.#clock.now());
    }
  }

  #wait(): number {
    const now = this.#clock.now();
    this.#forget(now - HOUR_MS - MARGIN_MS);
    const minute = this.#freeAt(this.#limits.perMinute, MINUTE_MS, now);
    const hour = this.#freeAt(this.#limits.perHour, HOUR_MS, now);
    return Math.max(minute, hour, this.#spreadAt(now)) - now;
  }

  #forget(before: number): void {
    const first = this.#ended.findIndex((at) => at > before);
    this.#ended.splice(0, first === -1 ? this.#ended.length : first);
  }

  /** When the window has a free place. Requests that still run are taken to end now. */
  #freeAt(limit: number, windowMs: number, now: number): number {
    if (limit === 0) return now;
    const places = limit - this.#running;
    if (places <= 0) return now + windowMs + MARGIN_MS;
    const blocking = this.#ended[this.#ended.length - places];
    // Never longer than the window: the clock may have been set back.
    return blocking === undefined ? now : Math.min(blocking, now) + windowMs + MARGIN_MS;
  }

  /** When the next request is due, if the rest of the hour's quota is to last until the oldest place is free again. */
  #spreadAt(now: number): number {
    const limit = this.#limits.perHour;
    const left = limit - this.#ended.length - this.#running;
    const oldest = this.#ended[0];
    const latest = this.#ended.at(-1);
    if (
      limit === 0 ||
      left <= 0 ||
      left > limit / 2 ||
      this.#expected <= left ||
      oldest === undefined ||
      latest === undefined
    )
      return now;
    return Math.min(latest + (oldest + HOUR_MS + MARGIN_MS - latest) / left, now + HOUR_MS);
  }
}
