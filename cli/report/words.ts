import type { PartitionType } from "../../functions/exporter/contract.ts";
import type { Day } from "../../functions/exporter/export/calendar.ts";
import type { NameCount } from "./numbers/numbers.ts";
import type { Period, PeriodUnit } from "./numbers/periods.ts";

/** Containment types in the order in which they are stacked, from the bottom, as people read them. */
export const TYPE_NAMES: Readonly<Record<PartitionType, string>> = {
  selfService: "self-service",
  agent: "agent",
  dropOff: "drop-off",
  unclassified: "unclassified",
};

/** The containment types from the bottom of a stack to its top; `unclassified` only where there is any. */
export function stackedTypes(totals: Readonly<Record<PartitionType, number>>): PartitionType[] {
  const types = Object.keys(TYPE_NAMES) as PartitionType[];
  return types.filter((type) => type !== "unclassified" || totals[type] > 0);
}

/** A number with a comma at each thousand. */
export function exact(number: number): string {
  return number.toLocaleString("en", { maximumFractionDigits: 0 });
}

/** A part of a whole, such as `45%`; small parts with a decimal, `0.3%`. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return "–";
  const share = (100 * part) / whole;
  if (share > 0 && share < 0.05) return "<0.1%";
  return `${share.toLocaleString("en", { maximumFractionDigits: share > 0 && share < 9.95 ? 1 : 0 })}%`;
}

const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const FULL_DATE = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: "UTC" });
const MONTH = new Intl.DateTimeFormat("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });

/** `5 Jan`. */
export function shortDate(day: Day): string {
  return DATE.format(new Date(`${day}T00:00:00Z`));
}

/** `5 Jan 2026`. */
export function longDate(day: Day): string {
  return FULL_DATE.format(new Date(`${day}T00:00:00Z`));
}

/** `January 2026`, of any day in it. */
export function monthName(day: Day): string {
  return MONTH.format(new Date(`${day}T00:00:00Z`));
}

/** The days of a period, such as `2026-01-05` or `2026-01-05 to 2026-01-11`. */
export function periodText({ from, to }: Period<unknown>): string {
  return from === to ? from : `${from} to ${to}`;
}

/** A period in a sentence: `5 Jan 2026`, `the week of 5 Jan 2026`, `January 2026`. */
export function periodName({ from }: Period<unknown>, unit: PeriodUnit): string {
  if (unit === "month") return monthName(from);
  return unit === "week" ? `the week of ${longDate(from)}` : longDate(from);
}

/** A span of seconds in at most two units: `42 s`, `12 min 5 s`, `2 h 3 min`. */
export function durationText(seconds: number): string {
  const units: [number, string][] = [
    [86_400, "d"],
    [3_600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const first = units.findIndex(([unit]) => seconds >= unit);
  if (first === -1) return "0 s";
  const parts = units.slice(first, first + 2).map(([unit, name], index) => {
    const amount = Math.floor(index === 0 ? seconds / unit : (seconds % (units[first]?.[0] ?? 1)) / unit);
    return amount === 0 ? [] : [`${amount} ${name}`];
  });
  return parts.flat().join(" ");
}

/** A span of seconds for a headline: whole minutes from ten of them on. */
export function roughDuration(seconds: number): string {
  return durationText(seconds < 600 ? seconds : Math.round(seconds / 60) * 60);
}

/** A name as it was counted; what is absent or empty is said in words. */
export function nameText(name: NameCount["name"], absent: string): string {
  if (name === null) return absent;
  return name.trim() === "" ? "(blank)" : name;
}
