import type { ArchivedTotals, LedgerFile, LedgerRecord, LedgerStatus, Problem, TypeTotals } from "../archive/ledger.ts";
import { PARTITION_TYPES, type PartitionType } from "../contract.ts";
import type { BuiltSlice, ListCounts } from "./build-slice.ts";
import type { Window } from "./calendar.ts";
import { type Erasure, unitedErasures } from "./erased-users.ts";
import type { DayReading } from "./read-day.ts";
import type { Total, Totals } from "./totals.ts";

/** Who exports, and what: the members of a record that a run knows before it starts. */
export interface RunFacts {
  readonly source: string;
  readonly dt: string;
  readonly timeZone: string;
  readonly window: Window;
  readonly runId: string;
  readonly exporterVersion: string;
  readonly startedAt: number;
  /** How personal data is treated, in the one spelling of its rules. */
  readonly personalData: string;
}

/** A day read less than this after its end may still get sessions: some appear minutes after their start. */
export const SETTLING_MS = 3_600_000;

export type NextRecord = Omit<LedgerRecord, "version" | "revision" | "previous_sha256">;

/** What a record is about, and who writes it: always this run's, whatever the record before it said. */
function runMembers(run: RunFacts, now: number) {
  return {
    source: run.source,
    dt: run.dt,
    time_zone: run.timeZone,
    window_from: iso(run.window.from),
    window_to: iso(run.window.to),
    run_id: run.runId,
    exporter_version: run.exporterVersion,
    finished_at: iso(now),
  };
}

/** A record for a day of which nothing is archived yet. */
export function blankRecord(run: RunFacts, now: number): NextRecord {
  const unknown: TypeTotals = { drop_off: null, self_service: null, agent: null, total: null };
  return {
    ...runMembers(run, now),
    status: "incomplete",
    started_at: iso(run.startedAt),
    requests: 0,
    reported: unknown,
    edges: unknown,
    archived: { drop_off: 0, self_service: 0, agent: 0, unclassified: 0, total: 0 },
    active: 0,
    duplicates: 0,
    rejected: 0,
    coerced: {},
    personal_data: run.personalData,
    erasures: [],
    oldest_start_time: null,
    newest_start_time: null,
    problems: [],
    files: [],
    adopted: null,
  };
}

/** The members of a record that follow from a reading. */
export function readingFacts(reading: DayReading) {
  const { slices } = reading;
  const starts = slices.flatMap(({ oldest, newest }) => (oldest === null || newest === null ? [] : [oldest, newest]));
  return {
    ...reportedFacts(reading),
    archived: archivedTotals((type) => sum(slices.map((slice) => slice.archived[type]))),
    active: sum(slices.map((slice) => slice.active)),
    duplicates: sum(slices.map((slice) => slice.duplicates)),
    rejected: reading.rejected.length,
    coerced: coercedTotals(slices),
    oldest_start_time: starts.length === 0 ? null : iso(Math.min(...starts)),
    newest_start_time: starts.length === 0 ? null : iso(Math.max(...starts)),
  };
}

/** What the API reported for the day, and the neighbours' rows in it. */
function reportedFacts({ slices, reported }: DayReading): Pick<NextRecord, "reported" | "edges"> {
  return { reported: typeTotals(reported), edges: edgeTotals(slices) };
}

/** The record that stands while the day's files are replaced. It vouches for nothing, and forgets none of them. */
export function markRecord(base: NextRecord, run: RunFacts, files: readonly LedgerFile[], now: number): NextRecord {
  const message = "The files of this day are being replaced. If this stays, the run died; the next one repairs it.";
  return {
    ...base,
    ...runMembers(run, now),
    status: "incomplete",
    problems: [{ code: "ERR_EXPORT_UNFINISHED", message }],
    files: [...files],
  };
}

/** True for a record that a publisher left while it replaces files. */
export function isMark({ problems: [first, second] }: LedgerRecord): boolean {
  return first?.code === "ERR_ERASURE_UNFINISHED" || (first?.code === "ERR_EXPORT_UNFINISHED" && second === undefined);
}

/** True for the record of a day some of whose files may still hold rows of erased users. */
export function isErasing(record: Pick<LedgerRecord, "problems">): boolean {
  return record.problems.some(({ code }) => code === "ERR_ERASURE_UNFINISHED");
}

/** How many sessions that Kore reports are not archived; null if it does not say. Less than 0: it has forgotten some. */
export function missingSessions(
  record: Pick<LedgerRecord, "reported" | "edges" | "archived" | "rejected">,
): number | null {
  const { reported, edges, archived, rejected } = record;
  const types = [reported.drop_off, reported.self_service, reported.agent];
  if (types.includes(null)) return null;
  const total = reported.total ?? types.reduce((sum: number, count) => sum + (count ?? 0), 0);
  return total - (edges.total ?? 0) - archived.total - rejected;
}

/** The final record of a day whose files are those of the reading. */
export function publishedRecord(
  base: NextRecord,
  run: RunFacts,
  reading: DayReading,
  outcome: {
    readonly status: LedgerStatus;
    readonly problems: readonly Problem[];
    readonly files: readonly LedgerFile[];
    readonly requests: number;
    readonly erasures: readonly Erasure[];
    readonly adopted: LedgerRecord["adopted"];
  },
  now: number,
): NextRecord {
  return {
    ...base,
    ...runMembers(run, now),
    ...readingFacts(reading),
    personal_data: run.personalData,
    status: outcome.status,
    started_at: iso(run.startedAt),
    requests: outcome.requests,
    erasures: unitedErasures(base.erasures, outcome.erasures),
    problems: [...outcome.problems],
    files: [...outcome.files],
    adopted: outcome.adopted,
  };
}

/**
 * The record of a day whose files stay as they are, after a reading that was not to replace them; `reading` is null if
 * what it reported is not worth recording. `started_at` stays that of the reading which the files come from.
 */
export function keptRecord(
  base: NextRecord,
  run: RunFacts,
  reading: DayReading | null,
  outcome: {
    readonly status: LedgerStatus;
    readonly problems: readonly Problem[];
    readonly requests: number;
    readonly adopted: LedgerRecord["adopted"];
  },
  now: number,
): NextRecord {
  return {
    ...base,
    ...runMembers(run, now),
    ...(reading === null ? {} : reportedFacts(reading)),
    status: outcome.status,
    problems: [...outcome.problems],
    requests: outcome.requests,
    adopted: outcome.adopted,
  };
}

function typeTotals(totals: Totals): TypeTotals {
  const known = (total: Total) => (typeof total === "number" ? total : null);
  return {
    drop_off: known(totals.dropOff),
    self_service: known(totals.selfService),
    agent: known(totals.agent),
    total: known(totals.all),
  };
}

function edgeTotals(slices: readonly BuiltSlice[]): TypeTotals {
  const none: ListCounts = { dropOff: 0, selfService: 0, agent: 0, all: 0 };
  const before = slices[0]?.before ?? none;
  const after = slices.at(-1)?.after ?? none;
  return {
    drop_off: before.dropOff + after.dropOff,
    self_service: before.selfService + after.selfService,
    agent: before.agent + after.agent,
    total: before.all + after.all,
  };
}

/** Returns what a day's files hold, from the rows of each containment type. */
export function archivedTotals(rowsOf: (type: PartitionType) => number): ArchivedTotals {
  const [dropOff, selfService, agent, unclassified] = PARTITION_TYPES.map(rowsOf) as [number, number, number, number];
  return {
    drop_off: dropOff,
    self_service: selfService,
    agent,
    unclassified,
    total: dropOff + selfService + agent + unclassified,
  };
}

function coercedTotals(slices: readonly BuiltSlice[]): Record<string, number> {
  const totals: Record<string, number> = {};
  for (const { coerced } of slices) {
    for (const [column, count] of coerced) totals[column] = (totals[column] ?? 0) + count;
  }
  return sorted(Object.entries(totals));
}

/** Counts by name, in the order of the names. */
export function sorted(counts: Iterable<readonly [string, number]>): Record<string, number> {
  return Object.fromEntries([...counts].sort(([one], [other]) => (one < other ? -1 : 1)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** ISO 8601, UTC. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
