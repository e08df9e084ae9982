import type { Day } from "../../functions/exporter/export/calendar.ts";
import { counted, minuteOf, size, span } from "../amounts.ts";
import { isOverdue, type Runs } from "./runs.ts";
import type { Freshness, SourceSummary, Totals } from "./source-summary.ts";

/** The archive in three lines: whether all is well, what it holds, and when it was and will be worked on. */
export function overview(sources: readonly SourceSummary[], runs: Runs, nowMs: number): string {
  return `${verdict(sources)}\n${holdings(sources)}\n${runsLine(runs, nowMs)}\n`;
}

/** How new the newest archived day is, for people. */
export function freshnessText({ newest, daysBehind, ageMs }: Freshness): string {
  if (newest === null || daysBehind === null || ageMs === null) return "no day is archived yet";
  if (daysBehind === 0) return `up to date: ${newest} is archived`;
  return `${counted(daysBehind, "day")} behind: the newest archived day, ${newest}, ended ${span(ageMs)} ago`;
}

/** Days of a source by how they stand, such as `363 complete, 2 missing`. */
export function statusCounts({ byStatus }: Totals): string {
  const counts = Object.entries(byStatus).filter(([, days]) => days > 0);
  return counts.map(([status, days]) => `${days.toLocaleString("en")} ${status}`).join(", ");
}

function verdict(sources: readonly SourceSummary[]): string {
  const bad = sources.reduce((sum, { totals }) => sum + badDays(totals), 0);
  if (bad === 0) return `All is well: every day up to ${newestOf(sources)} is archived.`;
  const whose = sources.length === 1 ? "" : ` of ${sources.length} sources`;
  return `${counted(bad, "day")}${whose} ${bad === 1 ? "needs" : "need"} attention.`;
}

/** The latest day that every source has. */
function newestOf(sources: readonly SourceSummary[]): Day {
  return sources.flatMap(({ freshness }) => freshness.newest ?? []).sort()[0] ?? "";
}

function badDays({ byStatus: { incomplete, missing, unreadable } }: Totals): number {
  return incomplete + missing + unreadable;
}

function holdings(sources: readonly SourceSummary[]): string {
  const sum = (pick: (totals: Totals) => number) => sources.reduce((all, { totals }) => all + pick(totals), 0);
  const sessions = counted(
    sum((totals) => totals.sessions),
    "session",
  );
  return `${counted(sources.length, "source")}, ${sessions}, ${size(sum((totals) => totals.bytes))}.`;
}

function runsLine({ last, nextExpectedAt }: Runs, nowMs: number): string {
  if (last === null) return "No run has ended yet.";
  const latest = `Last run: ${minuteOf(last.endedAt)}, ${span(Math.max(0, nowMs - last.endedAt))} ago`;
  if (nextExpectedAt === null) return `${latest}; the next is not known here.`;
  const next = minuteOf(nextExpectedAt);
  return isOverdue(nextExpectedAt, nowMs) ? `${latest}; one was due ${next}.` : `${latest}; next: likely ${next}.`;
}
