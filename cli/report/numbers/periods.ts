import { PARTITION_TYPES, type PartitionType } from "../../../functions/exporter/contract.ts";
import type { Day } from "../../../functions/exporter/export/calendar.ts";
import type { DaySessions } from "./numbers.ts";

/** What a column of a chart over time stands for. */
export type PeriodUnit = "day" | "week" | "month";

/** Days that a chart shows as one column: of one week, month, or a single one. */
export interface Period<T> {
  readonly from: Day;
  readonly to: Day;
  readonly days: readonly T[];
}

const MOST_DAYS = 100;
const MOST_WEEKS_DAYS = 2 * 366;

/** The finest unit in which so many days are still told apart. */
export function unitFor(days: number): PeriodUnit {
  if (days <= MOST_DAYS) return "day";
  return days <= MOST_WEEKS_DAYS ? "week" : "month";
}

/** Puts days, which have to be in order, into their periods; weeks begin on Monday. The first and the last may be cut. */
export function periodsOf<T extends { readonly dt: Day }>(days: readonly T[], unit: PeriodUnit): Period<T>[] {
  const grouped = Map.groupBy(days, ({ dt }) => startOf(dt, unit));
  return [...grouped.values()].map((ofPeriod) => ({
    from: ofPeriod[0]?.dt ?? "",
    to: ofPeriod.at(-1)?.dt ?? "",
    days: ofPeriod,
  }));
}

/** Sessions of some days by containment type. */
export function typesOf({ days }: Pick<Period<DaySessions>, "days">): Record<PartitionType, number> {
  const sums = PARTITION_TYPES.map((type) => [type, days.reduce((sum, { byType }) => sum + byType[type], 0)]);
  return Object.fromEntries(sums) as Record<PartitionType, number>;
}

function startOf(day: Day, unit: PeriodUnit): string {
  if (unit === "day") return day;
  if (unit === "month") return day.slice(0, 7);
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  return date.toISOString().slice(0, 10);
}
