/** Times of day that exist on every day of a time zone, so that no night is skipped when the clocks go forward. */
import { Temporal } from "temporal-polyfill";

/** Tried in this order; a gap is an hour long or less wherever clocks still change. */
const CANDIDATES = ["02:15", "03:15", "04:15"] as const;

const YEARS_AHEAD = 2;

/** True for a name of the IANA list that this Node knows; an offset such as +02:00 is no name. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * The first date within two years on which the time of day (`HH:MM`) does not exist in the time zone, or undefined.
 *
 * EventBridge Scheduler skips an invocation whose local time does not exist
 * (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html, "Daylight savings time").
 */
export function missingOn(time: string, timeZone: string, today: string): string | undefined {
  const clock = Temporal.PlainTime.from(time);
  let date = Temporal.PlainDate.from(today);
  const end = date.add({ years: YEARS_AHEAD });
  for (; Temporal.PlainDate.compare(date, end) < 0; date = date.add({ days: 1 })) {
    const local = date.toZonedDateTime({ timeZone, plainTime: clock }).toPlainTime();
    if (!local.equals(clock)) return date.toString();
  }
  return undefined;
}

/** 02:15, or an hour or two later where 02:15 does not exist on some night. */
export function firstTimeThatAlwaysExists(timeZone: string, today: string): string {
  return CANDIDATES.find((time) => !missingOn(time, timeZone, today)) ?? CANDIDATES[0];
}
