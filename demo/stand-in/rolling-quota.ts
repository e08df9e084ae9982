const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Counts requests per source over the last 60 seconds and the last hour. */
export class RollingQuota {
  readonly #perMinute: number;
  readonly #perHour: number;
  readonly #instants = new Map<string, number[]>();

  /** A limit of 0 is none. */
  constructor(perMinute: number, perHour: number) {
    this.#perMinute = perMinute;
    this.#perHour = perHour;
  }

  /** Counts a request, and says whether it stays within both limits. One that does not counts all the same. */
  admits(source: string, nowMs: number): boolean {
    if (this.#perMinute === 0 && this.#perHour === 0) return true;
    const earlier = (this.#instants.get(source) ?? []).filter((instant) => instant > nowMs - HOUR_MS);
    this.#instants.set(source, [...earlier, nowMs]);
    const lastMinute = earlier.filter((instant) => instant > nowMs - MINUTE_MS).length;
    return below(lastMinute, this.#perMinute) && below(earlier.length, this.#perHour);
  }
}

function below(count: number, limit: number): boolean {
  return limit === 0 || count < limit;
}
