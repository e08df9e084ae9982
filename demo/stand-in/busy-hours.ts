/** How busy each hour of the day (UTC) is: quiet nights, a peak before noon, another in the afternoon. */
const WEIGHTS = [2, 1, 1, 1, 1, 2, 4, 8, 14, 19, 21, 19, 15, 16, 19, 20, 18, 14, 10, 8, 6, 5, 4, 3] as const;

const HOUR_MS = 3_600_000;
const TOTAL = WEIGHTS.reduce((sum, weight) => sum + weight, 0);

/** The time of day, in milliseconds after midnight, by which `share` (0 to 1) of a day's sessions have started. */
export function timeOfDay(share: number): number {
  let left = share * TOTAL;
  for (const [hour, weight] of WEIGHTS.entries()) {
    if (left < weight) return Math.floor((hour + left / weight) * HOUR_MS);
    left -= weight;
  }
  return WEIGHTS.length * HOUR_MS - 1;
}
