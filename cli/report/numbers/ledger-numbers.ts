import { daysIn } from "../../status/report.ts";
import type { SourceSummary } from "../../status/source-summary.ts";
import { summaryOf } from "../../status/source-summary.ts";
import type { DayBytes, ReportRange } from "./numbers.ts";

/** Sources with the days of a range, and totals over these; without sources that have none of them. */
export function sourcesIn(sources: readonly SourceSummary[], range: ReportRange, nowMs: number): SourceSummary[] {
  return sources
    .map((source) => summaryOf({ source: source.source, days: daysIn(source, range) }, nowMs))
    .filter(({ days }) => days.length > 0);
}

/** Bytes of each day of `days`, and how they add up since the archive's first day, by the ledgers of all sources. */
export function storageOf(sources: readonly SourceSummary[], days: readonly string[]): DayBytes[] {
  const byDay = new Map<string, number>();
  for (const { dt, record } of sources.flatMap((source) => source.days)) {
    const bytes = record?.files.reduce((sum, file) => sum + file.bytes, 0) ?? 0;
    byDay.set(dt, (byDay.get(dt) ?? 0) + bytes);
  }
  const [first = ""] = days;
  let cumulative = [...byDay].reduce((sum, [dt, bytes]) => (dt < first ? sum + bytes : sum), 0);
  return days.map((dt) => {
    const bytes = byDay.get(dt) ?? 0;
    cumulative += bytes;
    return { dt, bytes, cumulative };
  });
}
