import type { QuotaLimits } from "../../functions/exporter/kore/quota.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** So many requests are followed one by one; later ones keep the pace of the quota. */
const FOLLOWED = 4_000;

/** What is known of a source's requests. */
export interface RequestPast {
  /** When the requests of the last hour ended, ascending, in milliseconds since 1970. */
  readonly ended: readonly number[];
  /** How long a request takes, in milliseconds. */
  readonly requestMs: number;
}

/**
 * Milliseconds until so many further requests, one after another from `from` on, have been answered: as fast as Kore
 * answers, and as both rolling quotas allow after what has been used of them.
 */
export function timeForRequests(
  requests: number,
  { perMinute, perHour }: QuotaLimits,
  { ended, requestMs }: RequestPast,
  from: number,
): number {
  const times = [...ended];
  const freeAt = (limit: number, windowMs: number) => {
    const blocking = limit > 0 ? times[times.length - limit] : undefined;
    return blocking === undefined ? from : blocking + windowMs;
  };
  const followed = Math.min(requests, FOLLOWED);
  let now = from;
  for (let count = 0; count < followed; count++) {
    now = Math.max(now, freeAt(perMinute, MINUTE_MS), freeAt(perHour, HOUR_MS)) + requestMs;
    times.push(now);
  }
  const paceMs = Math.max(requestMs, perMinute > 0 ? MINUTE_MS / perMinute : 0, perHour > 0 ? HOUR_MS / perHour : 0);
  return now - from + (requests - followed) * paceMs;
}
