/** Date, and optionally: hours and minutes, seconds, fraction, offset. */
const DATE_TIME =
  /^(\d{4}-\d\d-(\d\d))(?:T(\d\d:\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?:Z|([+-])([01]\d|2[0-3])(?::?([0-5]\d))?)?)?$/;

const MS_PER_MINUTE = 60_000;

/**
 * Milliseconds since 1970-01-01T00:00:00Z of an ISO 8601 date and time in the extended format, such as
 * `2026-01-02T03:04:05.678Z`; null for any other text, and for a day that no calendar has (`2026-02-30`).
 *
 * Without an offset it is GMT: "The time format is considered as a GMT zone in the API endpoint" (Kore, Sessions
 * History API). A date alone is its midnight. What is finer than a millisecond is cut off, towards the past.
 */
export function parseInstant(text: string): number | null {
  const match = DATE_TIME.exec(text);
  if (!match) return null;
  const [, date, day, time = "00:00", seconds = "00", fraction = "", sign, hours, minutes = "00"] = match;
  const local = Date.parse(`${date}T${time}:${seconds}.${fraction.slice(0, 3).padEnd(3, "0")}Z`);
  // Date.parse takes 30 February as 2 March, and 24:00 as the next day.
  if (Number.isNaN(local) || new Date(local).getUTCDate() !== Number(day)) return null;
  if (sign === undefined) return local;
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * MS_PER_MINUTE;
  return sign === "+" ? local - offsetMs : local + offsetMs;
}
