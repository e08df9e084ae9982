import { ASCII } from "../ascii.ts";

const { MINUS, POINT, COLON, UPPER_T, UPPER_Z } = ASCII;

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

/**
 * The instant that a part of a text tells as Kore writes instants, `yyyy-mm-ddThh:mm:ss.mssZ`: the same as `parseInstant`
 * makes of it. NaN for any other form, and where it takes a calendar to know whether there is such a day.
 */
export function instantAt(text: Uint8Array, start: number, end: number): number {
  const hasForm =
    end - start === 24 &&
    text[start + 4] === MINUS &&
    text[start + 7] === MINUS &&
    text[start + 10] === UPPER_T &&
    text[start + 13] === COLON &&
    text[start + 16] === COLON &&
    text[start + 19] === POINT &&
    text[start + 23] === UPPER_Z;
  if (!hasForm) return Number.NaN;
  const year = digitsAt(text, start, 4);
  const month = digitsAt(text, start + 5, 2);
  const day = digitsAt(text, start + 8, 2);
  const hours = digitsAt(text, start + 11, 2);
  const minutes = digitsAt(text, start + 14, 2);
  const seconds = digitsAt(text, start + 17, 2);
  const isInEveryMonth = year >= 100 && month >= 1 && month <= 12 && day >= 1 && day <= 28;
  if (!isInEveryMonth || !(hours < 24 && minutes < 60 && seconds < 60)) return Number.NaN;
  return Date.UTC(year, month - 1, day, hours, minutes, seconds, digitsAt(text, start + 20, 3));
}

/** NaN where there is something else than digits. */
function digitsAt(text: Uint8Array, start: number, count: number): number {
  let number = 0;
  for (let at = start; at < start + count; at++) {
    const digit = (text[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}
