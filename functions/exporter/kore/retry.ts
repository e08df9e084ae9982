import type { FailureKind, KoreFailure } from "./failure.ts";

/**
 * Waits between attempts are at most 1, 2, 4, 8, 16, 30, 30 and 30 s, and half of that at least: together always longer
 * than the minute that a quota used up by somebody else needs to be free again.
 */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

const RETRIES: Readonly<Record<FailureKind, number>> = { passing: 8, strange: 2, unauthorized: 1, final: 0 };

/** A server that asks for a longer pause than the longest quota window is treated as unavailable. */
export const LONGEST_RETRY_AFTER_MS = 3_600_000;

/**
 * Decides over the failures of one request, which it counts by kind.
 *
 * Returns the milliseconds to wait before the next attempt, or null if there must be none. The server's own
 * Retry-After wins and gets no jitter; without one, the wait doubles up to a cap, half of it random, so that many
 * exporters that failed together do not return together. `random` gives numbers in [0, 1).
 */
export function retryPolicy(random: () => number): (failure: KoreFailure) => number | null {
  const seen: Record<FailureKind, number> = { passing: 0, strange: 0, unauthorized: 0, final: 0 };
  return (failure) => {
    const count = seen[failure.kind]++;
    if (count >= RETRIES[failure.kind]) return null;
    if (failure.kind === "unauthorized") return 0;
    if (failure.retryAfterMs !== null) {
      return failure.retryAfterMs <= LONGEST_RETRY_AFTER_MS ? failure.retryAfterMs : null;
    }
    const cap = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** count);
    return cap / 2 + (cap / 2) * random();
  };
}

/**
 * Milliseconds to wait according to a Retry-After header, in both its forms: seconds, or an HTTP date (RFC 9110,
 * section 10.2.3). Null where the header is absent or makes no sense; never negative.
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  const text = header?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  if (!/^[A-Z][a-z]{2},? /.test(text)) return null;
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
}
