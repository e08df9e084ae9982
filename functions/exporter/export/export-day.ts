import { ledgerKey } from "../archive/layout.ts";
import { type LedgerEntry, type LedgerRecord, writeLedger } from "../archive/ledger.ts";
import type { PastReader } from "../archive/past.ts";
import type { ArchiveStore } from "../archive/store.ts";
import type { Clock } from "../clock.ts";
import { ACCOUNT_SOURCE } from "../contract.ts";
import { asExporterError, type ErrorCode, ExporterError, isFailure } from "../errors.ts";
import type { Source } from "../kore/wire.ts";
import { restoredRecord, type Standing, soundSessions, standingOf } from "./adoption.ts";
import { type Day, dayWindow, sameZone } from "./calendar.ts";
import { type ErasedUsers, type FoundErasure, notVouchedFailure, unitedErasures } from "./erased-users.ts";
import { holdsRows, type PublishPorts, publish, type RowProtection } from "./publish.ts";
import { type DayReading, dayReading, readDay } from "./read-day.ts";
import {
  blankRecord,
  isMark,
  keptRecord,
  type NextRecord,
  publishedRecord,
  type RunFacts,
  readingFacts,
} from "./record.ts";
import { changedMeanwhile, settledLedger } from "./replace-day.ts";
import type { Totals } from "./totals.ts";
import { type Finding, judgeFailure, judgeReading, type Keep, type Publish, sessionsLost } from "./verdict.ts";
import type { Attempt, Bench, DayWork, SourceWork } from "./work.ts";

/** How often a day is exported again because another run was faster. */
const MOST_ATTEMPTS = 5;

/** What the export of a day needs from the world, and the settings it follows. */
export interface ExportPorts {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  readonly runId: string;
  readonly exporterVersion: string;
  readonly timeZone: string;
  readonly sliceBudget: number;
  readonly personalData: RowProtection;
  /** Users whose sessions are left out, as the archive has them now. */
  readonly erasedUsers: () => Promise<ErasedUsers>;
  /** What digests vouch for. */
  readonly past: PastReader;
  /** Lets a day shrink to what Kore still holds. */
  readonly acceptFewer: boolean;
  readonly signal?: AbortSignal;
  /** Hears of each day that is done, for better or worse, and of the source's days before it in this run. */
  readonly onDay?: (result: DayResult, before: readonly DayResult[]) => void | Promise<void>;
}

/** How far the reading of a day has come. */
export interface Progress {
  readonly source: string;
  readonly dt: Day;
  /** Sessions received since the last report. */
  readonly received: number;
  /** Sessions that the API promises for the day, once known. */
  readonly expected: number | null;
}

/** The part of a day's record that is told when the day is done. */
export type RecordSummary = Pick<
  LedgerRecord,
  "status" | "revision" | "reported" | "archived" | "rejected" | "problems" | "adopted"
>;

/** What became of one day of one source. */
export interface DayResult {
  readonly source: string;
  readonly dt: Day;
  /** True if the day is complete or provisional, and nothing failed. */
  readonly ok: boolean;
  /** Of the day's record as it now lies in the archive; null if it could not be read or written. */
  readonly record: RecordSummary | null;
  /** SHA-256 of that record, as this run wrote it. */
  readonly ledgerSha256: string | null;
  readonly filesWritten: number;
  /** Requests that this export of the day sent to Kore, retries included. */
  readonly requests: number;
  /** What ended the reading, if something did. */
  readonly error: ExporterError | null;
}

/** The name of a source in keys and records: the bot's id, or `account`. */
export function sourceName(source: Source): string {
  return source.kind === "bot" ? source.botId : ACCOUNT_SOURCE;
}

/** These are no failure of the day: the run ends, and the day is as it was. */
const ENDS_THE_RUN: ReadonlySet<ErrorCode> = new Set(["ERR_INTERRUPTED", "ERR_SOURCE_BUSY", "ERR_TIME_ZONE_DIFFERS"]);

/**
 * Exports one day of one source: reads it, proves it, publishes it, and records what happened. If another run publishes
 * the day meanwhile, the day is exported again.
 *
 * Whatever goes wrong is part of the result, and recorded if it can be. Thrown are an interrupt, which leaves the day as
 * it was, `ERR_TIME_ZONE_DIFFERS`, and `ERR_SOURCE_BUSY`.
 */
export async function exportDay(dt: Day, sourceWork: SourceWork, ports: ExportPorts): Promise<DayResult> {
  const source = sourceName(sourceWork.source);
  return sourceWork.day(dt, async (work) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await exportDayOnce(source, dt, work, ports);
      } catch (thrown) {
        ports.signal?.throwIfAborted();
        const error = asExporterError(thrown);
        if (ENDS_THE_RUN.has(error.code)) throw error;
        if (error.code === "ERR_ARCHIVE_CHANGED" && attempt < MOST_ATTEMPTS) continue;
        const failed = { source, dt, ok: false, record: null, ledgerSha256: null, filesWritten: 0, error };
        return work.finish(async ({ requests }) => told({ ...failed, requests }, ports));
      }
    }
  });
}

async function exportDayOnce(source: string, dt: Day, work: DayWork, ports: ExportPorts): Promise<DayResult> {
  const { exporterVersion, timeZone } = ports;
  const attempt = await work.open((left) => begin(source, dt, left, ports));
  const window = dayWindow(dt, timeZone);
  const run = { source, dt, exporterVersion, timeZone, window, personalData: ports.personalData.spelling, ...attempt };
  const reported = await readOrFail(work, run, ports);
  return work.finish(async (bench) => {
    const dayPorts = { ...ports, scratch: bench.folder };
    const entry = await settledLedger(dayPorts, run, run.runId);
    const error = reported instanceof ExporterError ? reported : null;
    if (entry !== null && entry.record.run_id === run.runId && entry.version !== run.seen && !isMark(entry.record)) {
      // The process that wrote the last record died before it could say so.
      return told({ ...resultOf(run, entry, 0, bench), error }, ports);
    }
    const ownMark = entry !== null && entry.record.run_id === run.runId && isMark(entry.record);
    if (!ownMark && (entry?.version ?? null) !== run.seen) throw changedMeanwhile(ports.store, ledgerKey(dt, source));
    const found = await foundRecord(entry, run, dayPorts);
    if (reported instanceof ExporterError) {
      const verdict = judgeFailure(reported, found.record, run.startedAt);
      return told({ ...(await keep(ports, run, found, verdict, bench, null)), error }, ports);
    }
    return told(await conclude(dayPorts, run, dayReading(bench.slices, reported), found, bench), ports);
  });
}

/** An attempt starts from the record as it is now, and goes on from what another process left if nothing came between. */
async function begin(source: string, dt: Day, left: Attempt | null, ports: ExportPorts): Promise<Attempt> {
  const entry = await settledLedger(ports, { dt, source }, left?.runId ?? null);
  if (entry !== null) refuseOtherZone(entry.record, ports.timeZone, ports.store);
  const seen = entry?.version ?? null;
  if (left !== null && (left.seen === seen || entry?.record.run_id === left.runId)) return { ...left, seen };
  return { runId: ports.runId, startedAt: ports.clock.now(), seen };
}

async function told(result: DayResult, { onDay }: ExportPorts): Promise<DayResult> {
  await onDay?.(result, []);
  return result;
}

/** The day's record as the run found it, and how that stands with the digests. */
interface FoundRecord extends Standing {
  readonly entry: LedgerEntry | null;
  /** What the run goes by: that record, or one that was made again from digests; null if there is none. */
  readonly record: NextRecord | null;
}

async function foundRecord(
  entry: LedgerEntry | null,
  run: RunFacts,
  ports: ExportPorts & PublishPorts,
): Promise<FoundRecord> {
  const standing = await standingOf(entry, run, ports.past);
  const restored = await restoredRecord(entry, standing, run, ports, ports.clock.now());
  return { entry, ...standing, record: restored ?? entry?.record ?? null };
}

/**
 * Throws `ERR_TIME_ZONE_DIFFERS` if a record's day is that of another zone: with two zones in one archive, sessions would
 * be in two days or in none.
 */
export function refuseOtherZone(record: LedgerRecord, timeZone: string, { location }: ArchiveStore): void {
  if (sameZone(record.time_zone, timeZone)) return;
  const message = `The days of ${location} are those of ${record.time_zone}, not ${timeZone}. Use that zone, or another archive.`;
  throw new ExporterError("ERR_TIME_ZONE_DIFFERS", message);
}

async function readOrFail(work: DayWork, run: RunFacts, ports: ExportPorts): Promise<Totals | null | ExporterError> {
  try {
    return await readDay(work, run.window, ports.sliceBudget);
  } catch (thrown) {
    ports.signal?.throwIfAborted();
    const error = asExporterError(thrown);
    if (ENDS_THE_RUN.has(error.code)) throw error;
    return error;
  }
}

async function conclude(
  ports: ExportPorts & PublishPorts,
  run: RunFacts,
  reading: DayReading,
  found: FoundRecord,
  bench: Bench,
): Promise<DayResult> {
  const { store, clock } = ports;
  const { entry: seen, record: known } = found;
  const erased = await ports.erasedUsers();
  const finding = findingOf(run, reading, erased, store);
  const unrecorded = (known?.archived.total ?? 0) === 0 && finding.sessions === 0 && !ports.acceptFewer;
  if (unrecorded && (await holdsRows(ports, run))) throw forgottenRows(run, store);
  const verdict = judgeReading(finding, known, run.window, ports.acceptFewer);
  if (verdict.action === "keep") return keep(ports, run, found, verdict, bench, reading);
  const base = baseOf(found, run, clock.now());
  const erasures = unitedErasures(finding.leftOut, rejectedErasures(reading, erased));
  const shrunk = ports.acceptFewer ? null : shrunkBelowSound(verdict, finding, found);
  const { requests } = bench;
  const { entry, filesWritten } = await publish(ports, run, reading, seen, base, (files) =>
    publishedRecord(
      base,
      run,
      reading,
      { ...verdict, adopted: null, ...shrunk, files, requests, erasures },
      clock.now(),
    ),
  );
  return resultOf(run, entry, filesWritten, bench);
}

function findingOf(run: RunFacts, reading: DayReading, erased: ErasedUsers, store: ArchiveStore): Finding {
  const { archived, active } = readingFacts(reading);
  const leftOut = reading.slices.flatMap((slice) => slice.erased.leftOut);
  const isNotVouched = [...leftOut, ...rejectedErasures(reading, erased)].some(({ isVouched }) => !isVouched);
  const failure = isNotVouched ? notVouchedFailure(erased, store) : null;
  const notVouched = failure && { code: failure.code, message: failure.message };
  return {
    sessions: archived.total,
    active,
    problems: reading.problems,
    startedAt: run.startedAt,
    leftOut,
    notVouched,
  };
}

function rejectedErasures(reading: DayReading, erased: ErasedUsers): FoundErasure[] {
  return reading.rejected.flatMap(({ raw }) => erased.inJson(raw) ?? []);
}

/** Of a record that nothing vouches for, nothing is kept where a reading replaces the day: not what it says of erasures, either. */
function baseOf({ record, isVouched }: FoundRecord, run: RunFacts, now: number): NextRecord {
  if (record === null) return blankRecord(run, now);
  return isVouched ? record : { ...record, erasures: [] };
}

/** A day of which digests vouched for more sessions stays adopted: to publish fewer does not make it sound. */
function shrunkBelowSound(
  verdict: Publish,
  finding: Finding,
  { sound, adopted }: FoundRecord,
): (Pick<Standing, "adopted"> & Pick<Publish, "problems">) | null {
  const gone = sound && sessionsLost(finding, soundSessions(sound));
  const isTold = verdict.problems.some(({ code }) => code === gone?.code);
  return gone && { adopted, problems: isTold ? verdict.problems : [...verdict.problems, gone] };
}

/** A record was lost, and Kore has forgotten the day: to go by Kore would throw away what only the files still hold. */
function forgottenRows(run: RunFacts, store: ArchiveStore): ExporterError {
  const message =
    `${store.location} has files with sessions of ${run.dt}, ${run.source}, but no record of them, and Kore holds none. ` +
    "Restore the ledger record. To empty the files all the same, export the day with --accept-fewer.";
  return new ExporterError("ERR_SESSIONS_GONE", message);
}

/** Records what happened and leaves the day's files alone. */
async function keep(
  { store, clock }: ExportPorts,
  run: RunFacts,
  { entry: seen, record, adopted }: FoundRecord,
  verdict: Keep,
  bench: Bench,
  reading: DayReading | null,
): Promise<DayResult> {
  const base = record ?? blankRecord(run, clock.now());
  const outcome = { ...verdict, requests: bench.requests, adopted };
  const next = keptRecord(base, run, verdict.proven ? reading : null, outcome, clock.now());
  const entry = await writeLedger(store, ledgerKey(run.dt, run.source), next, seen);
  return resultOf(run, entry, 0, bench);
}

function resultOf(
  run: RunFacts,
  { record, sha256 }: LedgerEntry,
  filesWritten: number,
  { requests }: Bench,
): DayResult {
  const { status, revision, reported, archived, rejected, problems, adopted } = record;
  const summary = { status, revision, reported, archived, rejected, problems, adopted };
  const ok = status !== "incomplete" && !problems.some(({ code }) => isFailure(code));
  const written = { record: summary, ledgerSha256: sha256, filesWritten };
  return { source: run.source, dt: run.dt, ok, ...written, requests, error: null };
}
