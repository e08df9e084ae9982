import { rm } from "node:fs/promises";
import { ledgerKey } from "../archive/layout.ts";
import { type LedgerEntry, type LedgerRecord, writeLedger } from "../archive/ledger.ts";
import type { ArchiveStore } from "../archive/store.ts";
import type { Clock } from "../clock.ts";
import { ACCOUNT_SOURCE } from "../contract.ts";
import { asExporterError, ExporterError } from "../errors.ts";
import type { KoreClient } from "../kore/client.ts";
import type { Source } from "../kore/wire.ts";
import { makeScratch } from "../scratch.ts";
import { type Day, dayWindow, sameZone } from "./calendar.ts";
import { holdsRows, publish, settledLedger } from "./publish.ts";
import { type DayReading, readDay } from "./read-day.ts";
import { blankRecord, keptRecord, type NextRecord, publishedRecord, type RunFacts, readingFacts } from "./record.ts";
import type { Room } from "./room.ts";
import { judgeFailure, judgeReading, type Keep } from "./verdict.ts";

/** How often a day is exported again because another run was faster. */
const MOST_ATTEMPTS = 5;

/** What the export of a day needs from the world, and the settings it follows. */
export interface ExportPorts {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  /** A local folder for temporary files. */
  readonly scratch: string;
  readonly runId: string;
  readonly exporterVersion: string;
  readonly timeZone: string;
  readonly pageSize: number;
  readonly sliceBudget: number;
  /** Shared by all sources of a run. */
  readonly room: Room;
  /** Lets a day shrink to what Kore still holds. */
  readonly acceptFewer: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
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

/** What became of one day of one source. */
export interface DayResult {
  readonly source: string;
  readonly dt: Day;
  /** True if the day is complete or provisional, and nothing failed. */
  readonly ok: boolean;
  /** The day's record as it now lies in the archive; null if it could not be read or written. */
  readonly record: LedgerRecord | null;
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

/**
 * Exports one day of one source: reads it, proves it, publishes it, and records what happened. If another run publishes
 * the day meanwhile, the day is exported again.
 *
 * Whatever goes wrong is part of the result, and recorded if it can be. Thrown are an interrupt, which leaves the day as
 * it was, and `ERR_TIME_ZONE_DIFFERS`.
 */
export async function exportDay(source: Source, dt: Day, client: KoreClient, ports: ExportPorts): Promise<DayResult> {
  const requestsBefore = client.attempts;
  for (let attempt = 1; ; attempt++) {
    try {
      return await exportDayOnce(source, dt, client, ports, requestsBefore);
    } catch (thrown) {
      ports.signal?.throwIfAborted();
      const error = asExporterError(thrown);
      if (error.code === "ERR_TIME_ZONE_DIFFERS") throw error;
      if (error.code === "ERR_ARCHIVE_CHANGED" && attempt < MOST_ATTEMPTS) continue;
      const requests = client.attempts - requestsBefore;
      return { source: sourceName(source), dt, ok: false, record: null, filesWritten: 0, requests, error };
    }
  }
}

async function exportDayOnce(
  source: Source,
  dt: Day,
  client: KoreClient,
  ports: ExportPorts,
  requestsBefore: number,
): Promise<DayResult> {
  const scratch = await makeScratch(ports.scratch);
  const own = { ...ports, scratch };
  try {
    const { clock, timeZone, store } = ports;
    const name = sourceName(source);
    const seen = await settledLedger(own, { dt, source: name });
    if (seen !== null) refuseOtherZone(seen.record, timeZone, store);
    const run = { ...ports, source: name, dt, window: dayWindow(dt, timeZone), startedAt: clock.now() };
    const requests = () => client.attempts - requestsBefore;
    const reading = await readOrFail(source, run, client, own);
    if (reading instanceof ExporterError) {
      const verdict = judgeFailure(reading, seen?.record ?? null, run.startedAt);
      return { ...(await keep(ports, run, seen, verdict, requests(), null)), error: reading };
    }
    return await conclude(own, run, reading, seen, requests());
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
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

async function readOrFail(
  source: Source,
  run: RunFacts,
  client: KoreClient,
  ports: ExportPorts,
): Promise<DayReading | ExporterError> {
  const { pageSize, sliceBudget, room, scratch, signal, onProgress } = ports;
  let expected: number | null = null;
  const tell = (received: number) => onProgress?.({ source: run.source, dt: run.dt, received, expected });
  const onExpected = (sessions: number) => {
    expected = sessions;
    tell(0);
  };
  try {
    const reader = {
      client,
      source,
      pageSize,
      sliceBudget,
      room,
      onExpected,
      onReceived: tell,
      ...(signal && { signal }),
    };
    return await readDay(reader, run.window, scratch);
  } catch (error) {
    signal?.throwIfAborted();
    return asExporterError(error);
  }
}

async function conclude(
  ports: ExportPorts,
  run: RunFacts,
  reading: DayReading,
  seen: LedgerEntry | null,
  requests: number,
): Promise<DayResult> {
  const { store, clock } = ports;
  const { archived, active } = readingFacts(reading);
  const finding = { sessions: archived.total, active, problems: reading.problems, startedAt: run.startedAt };
  const known = seen?.record ?? null;
  const unrecorded = (known?.archived.total ?? 0) === 0 && finding.sessions === 0 && !ports.acceptFewer;
  if (unrecorded && (await holdsRows(ports, run))) throw forgottenRows(run, store);
  const verdict = judgeReading(finding, known, run.window, ports.acceptFewer);
  if (verdict.action === "keep") return keep(ports, run, seen, verdict, requests, reading);
  const base = known ?? blankRecord(run, clock.now());
  const { entry, filesWritten } = await publish(ports, run, reading, seen, base, (files) =>
    publishedRecord(base, run, reading, { ...verdict, files, requests }, clock.now()),
  );
  const ok = verdict.status !== "incomplete";
  return { source: run.source, dt: run.dt, ok, record: entry.record, filesWritten, requests, error: null };
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
  ports: ExportPorts,
  run: RunFacts,
  seen: LedgerEntry | null,
  verdict: Keep,
  requests: number,
  reading: DayReading | null,
): Promise<DayResult> {
  const { store, clock } = ports;
  const base: NextRecord = seen?.record ?? blankRecord(run, clock.now());
  const outcome = { ...verdict, requests };
  const next = keptRecord(base, run, verdict.proven ? reading : null, outcome, clock.now());
  const entry = await writeLedger(store, ledgerKey(run.dt, run.source), next, seen);
  return {
    source: run.source,
    dt: run.dt,
    ok: verdict.ok,
    record: entry.record,
    filesWritten: 0,
    requests,
    error: null,
  };
}
