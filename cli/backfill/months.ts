import { type Day, daysFromTo } from "../../functions/exporter/export/calendar.ts";

/** Days of one calendar month, both ends included. */
export interface Month {
  readonly from: Day;
  readonly to: Day;
}

/** A range's days by calendar month, the most recent month first; the first and last may be parts of one. */
export function monthsOf(days: readonly Day[]): Month[] {
  const byMonth = Map.groupBy(days.toSorted(), (day) => day.slice(0, 7));
  return [...byMonth.values()].map((ofMonth) => ({ from: ofMonth[0] ?? "", to: ofMonth.at(-1) ?? "" })).reverse();
}

/** The month's days, the most recent first. */
export function daysOfMonth({ from, to }: Month): Day[] {
  return daysFromTo(from, to).reverse();
}

/** What a month is called where the range is known: `2026-01`. */
export function monthLabel({ from }: Month): string {
  return from.slice(0, 7);
}
