import type { SourceStatus } from "../../functions/exporter/export/archive-status.ts";
import { addDays, type Day } from "../../functions/exporter/export/calendar.ts";
import { counted, size } from "../amounts.ts";
import { personalDataLines } from "../personal-data-lines.ts";
import { calendar, legend } from "./calendar.ts";
import { freshnessText, overview, statusCounts } from "./overview.ts";
import type { Runs } from "./runs.ts";
import { isArchived, type SourceSummary } from "./source-summary.ts";
import { troubleLines } from "./troubles.ts";

/** Months that are shown if nobody says which days. */
const MONTHS_SHOWN = 12;

const REMEDY = `A run with --repair, as every night's is, exports missing and incomplete days
of its look-back again; export --from DAY --to DAY exports older ones.
`;

/** Everything that `status` knows. */
export interface ArchiveSight {
  readonly location: string;
  /** Every source, with all its days. */
  readonly sources: readonly SourceSummary[];
  readonly runs: Runs;
  readonly nowMs: number;
}

/** Days to look at; an end that is not given is open. */
export interface DayRange {
  readonly from?: Day | undefined;
  readonly to?: Day | undefined;
}

/** Days of a source that lie in a range. */
export function daysIn({ days }: SourceStatus, { from, to }: DayRange): SourceStatus["days"] {
  return days.filter(({ dt }) => (from === undefined || dt >= from) && (to === undefined || dt <= to));
}

/** How the text is to look. */
export interface TextStyle {
  readonly range: DayRange;
  readonly isColoured: boolean;
  /** The rules for personal data that are set; null: not known. */
  readonly personalData: string | null;
}

/** For people: an overview, then a calendar and the troubles of each source. */
export function statusText({ location, sources, runs, nowMs }: ArchiveSight, style: TextStyle): string {
  if (sources.length === 0) return `No day is archived in ${location} yet.\n`;
  const range = shownRange(sources, style.range);
  const parts = sources.map((source) => sourceText(source, range, style.isColoured));
  const isWell = sources.every(({ days }) => days.every(({ status }) => isArchived(status)));
  return [
    overview(sources, runs, nowMs),
    archiveLine(runs),
    "\n",
    `${parts.join("\n")}\n`,
    legend(style.isColoured),
    isWell ? "" : REMEDY,
    personalDataLines(sources, style.personalData),
  ].join("");
}

/** By this, `verify --archive-id` tells the archive from another one that was put in its place. */
function archiveLine({ last }: Runs): string {
  return last === null || last.archiveId === null ? "" : `archive ${last.archiveId}\n`;
}

/** The last twelve months of the archive, if nobody says which days. */
function shownRange(sources: readonly SourceSummary[], range: DayRange): DayRange {
  if (range.from !== undefined || range.to !== undefined) return range;
  const newest = sources
    .flatMap(({ days }) => days.at(-1)?.dt ?? [])
    .sort()
    .at(-1);
  if (newest === undefined) return {};
  const [year = 0, month = 1] = newest.split("-").map(Number);
  const first = new Date(Date.UTC(year, month - MONTHS_SHOWN, 1));
  return { from: first.toISOString().slice(0, 10) };
}

function sourceText(summary: SourceSummary, range: DayRange, isColoured: boolean): string {
  const { source, totals, freshness } = summary;
  const days = daysIn(summary, range);
  const heading = `${source}: ${counted(totals.sessions, "session")} in ${counted(totals.days, "day")}, ${size(totals.bytes)}`;
  const state = `  ${freshnessText(freshness)}\n  ${statusCounts(totals)}`;
  return `${heading}\n${state}\n${calendar(days, isColoured)}${troubleLines(days)}${earlierLine(summary, range)}`;
}

/** Tells of days that lie before those shown. */
function earlierLine(summary: SourceSummary, { from }: DayRange): string {
  const first = summary.days[0]?.dt;
  if (from === undefined || first === undefined || first >= from) return "";
  const earlier = daysIn(summary, { to: addDays(from, -1) });
  const bad = earlier.filter(({ status }) => !isArchived(status)).length;
  const told = bad === 0 ? "all archived" : `${bad.toLocaleString("en")} of them not archived`;
  return `  ${counted(earlier.length, "earlier day")}, ${told}: --from ${first} shows them\n`;
}

/** For programs: every source, with the days of the range. */
export function statusJson({ location, sources, runs }: ArchiveSight, range: DayRange): object {
  return {
    archive: location,
    archive_id: runs.last?.archiveId ?? null,
    last_run: runs.last && { digest: runs.last.digest, ended_at: isoOf(runs.last.endedAt) },
    next_run_expected_at: isoOf(runs.nextExpectedAt),
    sources: sources.map((summary) => ({
      source: summary.source,
      time_zone: summary.timeZone,
      newest_archived_day: summary.freshness.newest,
      days_behind: summary.freshness.daysBehind,
      totals: {
        sessions: summary.totals.sessions,
        days: summary.totals.days,
        bytes: summary.totals.bytes,
        by_status: summary.totals.byStatus,
      },
      days: daysIn(summary, range).map(({ dt, status, record }) => ({
        dt,
        status,
        archived: record?.archived ?? null,
        personal_data: record?.personal_data ?? null,
        problems: record?.problems ?? [],
      })),
    })),
  };
}

function isoOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
