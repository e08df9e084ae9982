import { Temporal } from "temporal-polyfill";

/** A half-open span of instants, `from` ≤ t < `to`, in milliseconds since 1970-01-01T00:00:00Z. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** A calendar day, `yyyy-mm-dd`: the value of the partition key `dt`. */
export type Day = string;

/** True for a date that exists, written `yyyy-mm-dd`. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  try {
    return Temporal.PlainDate.from(text, { overflow: "reject" }).toString() === text;
  } catch {
    return false;
  }
}

/**
 * The zone's name in the spelling of the time zone database, or null if there is no such zone. Bare offsets such as
 * `+02:00` are no zones: days would stop following the people who live by them.
 */
export function zoneName(text: string): string | null {
  if (!/^[A-Za-z]/.test(text)) return null;
  try {
    return Temporal.PlainDate.from("2000-01-01").toZonedDateTime(text).timeZoneId;
  } catch {
    return null;
  }
}

/** True if two names mean the same zone, such as `UTC` and `Etc/UTC`. */
export function sameZone(one: string, other: string): boolean {
  const id = (zone: string) => new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
  return id(one) === id(other);
}

/**
 * The day's window in a zone: from its first existing instant to the next day's. Where clocks are put forward at
 * midnight, a day begins later than 00:00 (Cairo, 2026-04-24: 01:00); days of 23 and 25 hours follow from it.
 */
export function dayWindow(day: Day, timeZone: string): Window {
  const date = Temporal.PlainDate.from(day);
  return { from: startOf(date, timeZone), to: startOf(date.add({ days: 1 }), timeZone) };
}

function startOf(date: Temporal.PlainDate, timeZone: string): number {
  return date.toZonedDateTime(timeZone).epochMilliseconds;
}

/** The day that an instant falls on. */
export function dayOf(ms: number, timeZone: string): Day {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(timeZone).toPlainDate().toString();
}

/** The day `count` days after (before, if negative). */
export function addDays(day: Day, count: number): Day {
  return Temporal.PlainDate.from(day).add({ days: count }).toString();
}

/** Every day from the first to the last, both included; none if the last lies before the first. */
export function daysFromTo(first: Day, last: Day): Day[] {
  const days: Day[] = [];
  for (let day = first; day <= last; day = addDays(day, 1)) days.push(day);
  return days;
}
