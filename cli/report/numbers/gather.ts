import { openStore } from "../../../functions/exporter/archive/open-store.ts";
import type { ArchiveStore } from "../../../functions/exporter/archive/store.ts";
import type { Clock } from "../../../functions/exporter/clock.ts";
import { ExporterError } from "../../../functions/exporter/errors.ts";
import { archiveStatus } from "../../../functions/exporter/export/archive-status.ts";
import { daysFromTo } from "../../../functions/exporter/export/calendar.ts";
import type { Log } from "../../log.ts";
import { openViews } from "../../sql/archive-views.ts";
import type { ArchiveViews } from "../../sql/duckdb.ts";
import type { DayRange } from "../../status/report.ts";
import { type SourceSummary, summaryOf } from "../../status/source-summary.ts";
import { sourcesIn, storageOf } from "./ledger-numbers.ts";
import type { ReportContents, ReportNumbers, ReportRange, SessionNumbers } from "./numbers.ts";
import { reportRange } from "./range.ts";
import { askSessions } from "./session-queries.ts";

/** What a report is about, and what is needed to find it out. */
export interface ReportQuestion {
  readonly location: string;
  readonly asked: DayRange;
  readonly isWithTagValues: boolean;
  readonly clock: Clock;
  /** An empty folder for what is only needed meanwhile. */
  readonly scratch: string;
  readonly log: Pick<Log, "warn">;
  readonly signal: AbortSignal;
}

/**
 * Reads the ledger, and counts the sessions of the days asked for. Throws `ERR_ARCHIVE_UNREACHABLE` if the archive or a
 * file in it cannot be read.
 */
export async function gatherNumbers(question: ReportQuestion): Promise<ReportNumbers> {
  const madeAtMs = question.clock.now();
  const store = await openStore(question.location, { clock: question.clock });
  try {
    const all = (await archiveStatus(store, madeAtMs)).map((source) => summaryOf(source, madeAtMs));
    const range = reportRange(all, question.asked);
    const contents = range && (await contentsOf(store, all, range, question, madeAtMs));
    return { archive: question.location, madeAtMs, contents };
  } finally {
    store.close();
  }
}

async function contentsOf(
  store: ArchiveStore,
  all: readonly SourceSummary[],
  range: ReportRange,
  question: ReportQuestion,
  nowMs: number,
): Promise<ReportContents> {
  const timeZone = all[0]?.timeZone ?? "UTC";
  return {
    range,
    timeZone,
    sessions: await sessionsIn(store, range, timeZone, question),
    sources: sourcesIn(all, range, nowMs),
    storage: storageOf(all, daysFromTo(range.from, range.to)),
  };
}

async function sessionsIn(
  store: ArchiveStore,
  range: ReportRange,
  timeZone: string,
  { location, scratch, isWithTagValues, log, signal }: ReportQuestion,
): Promise<SessionNumbers> {
  let views: ArchiveViews | undefined;
  try {
    views = await openViews(store, location, range, { scratch, log, signal });
    return await askSessions(views, { range, timeZone, isWithTagValues, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw asUnreadable(error, location);
  } finally {
    views?.closeSync();
  }
}

/** The queries are ours, so if DuckDB fails, the files are to blame. */
function asUnreadable(error: unknown, location: string): unknown {
  if (error instanceof ExporterError && error.code !== "ERR_QUERY") return error;
  const said = error instanceof Error ? error.message.trim() : String(error);
  const message = `The session files of ${location} could not be read. ${said}\n\`kore-sessions verify\` tells which of them are damaged.`;
  return new ExporterError("ERR_ARCHIVE_UNREACHABLE", message, { cause: error });
}
