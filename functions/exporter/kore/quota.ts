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

/** What a quota has to remember from one process to the next. */
export interface QuotaState {
  /** When the requests of the last hour ended, ascending, in milliseconds since 1970. */
  readonly ended: readonly number[];
  /** Requests of the current batch that have not been sent yet. */
  readonly granted: number;
  /** Requests that the work at hand will still send; null if that cannot be told. */
  readonly expected: number | null;
}

/** The state of a quota of which nothing has been used. */
export const UNUSED: QuotaState = { ended: [], granted: 0, expected: null };

/**
 * Keeps one source's requests inside both rolling quotas, as long as whoever asks for it does so through this quota, or
 * goes on from its state.
 *
 * A request counts from the moment its answer ended: the server saw it no later than that, so the server's own count
 * can never be above ours. The first half of the hour's quota may be used as fast as the minute allows, and so may the
 * rest by work that it is enough for. Otherwise what is left is spread over the rest of the hour, so that a long job
 * keeps moving instead of standing still for most of an hour; in the long run that costs it nothing.
 *
 * Whoever works in steps asks in batches: the hour has room for the whole batch before it begins, and within it only the
 * minute is waited for. Batches are not spread: between steps nothing runs that could stand still, and places that
 * become free one by one, as they were used, would never all be filled.
 */
export class Quota {
  readonly #limits: QuotaLimits;
  readonly #clock: Clock;
  readonly #batch: number;
  readonly #ended: number[];
  #running = 0;
  #granted: number;
  #expected: number;

  constructor(limits: QuotaLimits, clock: Clock, batch = 1, { ended, granted, expected }: QuotaState = UNUSED) {
    this.#limits = limits;
    this.#clock = clock;
    this.#batch = batch;
    this.#ended = [...ended];
    this.#granted = granted;
    this.#expected = expected ?? Number.POSITIVE_INFINITY;
  }

  /** What another quota needs to go on from here. */
  get state(): QuotaState {
    this.#forget();
    const expected = Number.isFinite(this.#expected) ? Math.max(0, this.#expected) : null;
    return { ended: [...this.#ended], granted: this.#granted, expected };
  }

  /** Says how many requests the work at hand will still send, as far as can be told. Until then it counts as endless. */
  expect(requests: number): void {
    this.#expected = requests;
  }

  /** Waits for a free place, then sends. `onWait` hears how long, in milliseconds, whenever there is a wait. */
  async run<T>(send: () => Promise<T>, onWait: (ms: number) => void, signal?: AbortSignal): Promise<T> {
    for (let wait = this.wait(); wait > 0; wait = this.wait()) {
      onWait(wait);
      await this.#clock.sleep(wait, signal);
    }
    if (this.#granted === 0) this.#granted = this.#nextBatch();
    this.#granted--;
    this.#running++;
    this.#expected--;
    try {
      return await send();
    } finally {
      this.#running--;
      this.#ended.push(this.#clock.now());
    }
  }

  /** Milliseconds until the next request may be sent; 0 if it may be now. */
  wait(): number {
    const now = this.#clock.now();
    this.#forget();
    const minute = this.#freeAt(this.#limits.perMinute, MINUTE_MS, now, 1);
    if (this.#granted > 0) return minute - now;
    const places = this.#nextBatch();
    const hour = this.#freeAt(this.#limits.perHour, HOUR_MS, now, places);
    return Math.max(minute, hour, this.#batch > 1 ? now : this.#spreadAt(now)) - now;
  }

  #nextBatch(): number {
    return Math.max(1, Math.min(this.#batch, this.#expected));
  }

  #forget(): void {
    const window = this.#limits.perHour > 0 ? HOUR_MS : MINUTE_MS;
    const before = this.#clock.now() - window - MARGIN_MS;
    const first = this.#ended.findIndex((at) => at > before);
    this.#ended.splice(0, first === -1 ? this.#ended.length : first);
  }

  /** When the window has so many free places. Requests that still run are taken to end now. */
  #freeAt(limit: number, windowMs: number, now: number, wanted: number): number {
    if (limit === 0) return now;
    const places = limit - this.#running - wanted + 1;
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
