import type { QuotaLimits } from "./quota.ts";

const MINUTE_MS = 60_000;
const MINUTES_OF_AN_HOUR = 60;

/**
 * The least time, in milliseconds, until the last of so many requests can be sent if nothing but both rolling windows
 * holds them back: as many as fit go out at the start of each minute, until the hour's are used up.
 */
export function shortestTimeMs(requests: number, { perMinute, perHour }: QuotaLimits): number {
  const last = Math.max(0, requests - 1);
  const minutes = (count: number) => (perMinute === 0 ? 0 : Math.floor(count / perMinute));
  // Minutes as large as these never use up the hour.
  const hourBinds = perHour > 0 && (perMinute === 0 || perHour < perMinute * MINUTES_OF_AN_HOUR);
  if (!hourBinds) return minutes(last) * MINUTE_MS;
  return (Math.floor(last / perHour) * MINUTES_OF_AN_HOUR + minutes(last % perHour)) * MINUTE_MS;
}
