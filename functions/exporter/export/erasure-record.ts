import type { ArchivedTotals, LedgerFile, LedgerRecord } from "../archive/ledger.ts";
import { isFailure } from "../errors.ts";
import type { Erasure } from "./erased-users.ts";
import { isErasing, iso, type NextRecord, SETTLING_MS, sorted } from "./record.ts";
import type { Tally } from "./tally.ts";

/** Who carries out an erasure. */
export interface EraserFacts {
  readonly runId: string;
  readonly exporterVersion: string;
}

function eraserMembers({ runId, exporterVersion }: EraserFacts, now: number) {
  return { run_id: runId, exporter_version: exporterVersion, finished_at: iso(now) };
}

/** The record that stands while rows are erased from the day's files; it keeps the problems that there were. */
export function erasureMark(
  base: NextRecord,
  eraser: EraserFacts,
  files: readonly LedgerFile[],
  erasures: readonly Erasure[],
  now: number,
): NextRecord {
  const message =
    "Rows are being erased from the files of this day. If this stays, it was broken off: run the same `erase` again.";
  return {
    ...base,
    ...eraserMembers(eraser, now),
    status: "incomplete",
    erasures: [...erasures],
    problems: [{ code: "ERR_ERASURE_UNFINISHED", message }, ...othersIn(base)],
    files: [...files],
  };
}

/**
 * The final record of a day from whose files rows were erased: status and problems stay as they were. After an erasure
 * that was broken off the status follows from the problems.
 */
export function erasedRecord(
  base: LedgerRecord,
  eraser: EraserFacts,
  files: readonly LedgerFile[],
  facts: {
    readonly archived: ArchivedTotals;
    readonly tally: Tally;
    readonly erasures: readonly Erasure[];
    readonly adopted: LedgerRecord["adopted"];
  },
  now: number,
): NextRecord {
  const { archived, tally, erasures, adopted } = facts;
  const { version: _version, revision: _revision, previous_sha256: _previous, ...members } = base;
  return {
    ...members,
    ...eraserMembers(eraser, now),
    ...(isErasing(base) ? standingOf(base, tally) : {}),
    archived,
    active: tally.active,
    coerced: sorted(tally.coerced),
    oldest_start_time: tally.oldest === null ? null : iso(tally.oldest),
    newest_start_time: tally.newest === null ? null : iso(tally.newest),
    erasures: [...erasures],
    files: [...files],
    adopted,
  };
}

/** Status and problems of a day whose erasure was broken off: what was a problem before is one still. */
function standingOf(base: LedgerRecord, tally: Tally): Pick<NextRecord, "status" | "problems"> {
  const problems = othersIn(base);
  if (problems.some(({ code }) => isFailure(code))) return { status: "incomplete", problems };
  const settled = tally.active === 0 && Date.parse(base.started_at) >= Date.parse(base.window_to) + SETTLING_MS;
  return { status: settled ? "complete" : "provisional", problems };
}

function othersIn({ problems }: Pick<NextRecord, "problems">): NextRecord["problems"] {
  return problems.filter(({ code }) => code !== "ERR_ERASURE_UNFINISHED");
}
