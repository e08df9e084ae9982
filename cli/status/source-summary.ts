import type { DayStatus, SourceStatus } from "../../functions/exporter/export/archive-status.ts";
import { addDays, type Day, dayOf, daysFromTo, dayWindow } from "../../functions/exporter/export/calendar.ts";

/** What a source has, over all its days. */
export interface Totals {
  readonly sessions: number;
  readonly days: number;
  /** Of the files that the ledger lists. */
  readonly bytes: number;
  readonly byStatus: Readonly<Record<DayStatus, number>>;
}

/** How new a source's newest archived day is. */
export interface Freshness {
  /** The newest day that is complete or provisional; null if none is. */
  readonly newest: Day | null;
  /** Days from that one to yesterday; null if there is none. */
  readonly daysBehind: number | null;
  /** Since the end of the newest day; null if there is none. */
  readonly ageMs: number | null;
}

/** A source at a glance. */
export interface SourceSummary extends SourceStatus {
  readonly timeZone: string;
  readonly totals: Totals;
  readonly freshness: Freshness;
}

/** True for a day that lies in the archive as Kore had it. */
export function isArchived(status: DayStatus): boolean {
  return status === "complete" || status === "provisional";
}

/** Sums a source up, by the days of its archive's time zone. */
export function summaryOf({ source, days }: SourceStatus, nowMs: number): SourceSummary {
  const timeZone = days.find(({ record }) => record !== null)?.record?.time_zone ?? "UTC";
  return { source, days, timeZone, totals: totalsOf(days), freshness: freshnessOf(days, timeZone, nowMs) };
}

function totalsOf(days: SourceStatus["days"]): Totals {
  const byStatus = { complete: 0, provisional: 0, incomplete: 0, missing: 0, unreadable: 0 };
  let [sessions, bytes] = [0, 0];
  for (const { status, record } of days) {
    byStatus[status]++;
    sessions += record?.archived.total ?? 0;
    bytes += record?.files.reduce((sum, file) => sum + file.bytes, 0) ?? 0;
  }
  return { sessions, days: days.length, bytes, byStatus };
}

function freshnessOf(days: SourceStatus["days"], timeZone: string, nowMs: number): Freshness {
  const newest = days.findLast(({ status }) => isArchived(status))?.dt ?? null;
  if (newest === null) return { newest, daysBehind: null, ageMs: null };
  const yesterday = addDays(dayOf(nowMs, timeZone), -1);
  const daysBehind = daysFromTo(newest, yesterday).slice(1).length;
  return { newest, daysBehind, ageMs: Math.max(0, nowMs - dayWindow(newest, timeZone).to) };
}
