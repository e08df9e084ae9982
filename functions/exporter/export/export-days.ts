import { parseLedgerKey } from "../archive/layout.ts";
import { readableRecord } from "../archive/ledger.ts";
import { listEntries } from "../archive/listing.ts";
import type { ArchiveStore } from "../archive/store.ts";
import { PREFIXES } from "../contract.ts";
import { type ErrorCode, ExporterError } from "../errors.ts";
import { KoreRefusal } from "../kore/refusal.ts";
import type { Agenda } from "./agenda.ts";
import type { Day } from "./calendar.ts";
import { type DayResult, type ExportPorts, exportDay, refuseOtherZone, sourceName } from "./export-day.ts";
import type { SourceWork } from "./work.ts";

/** After these the source's other days would fail alike. */
const SOURCE_FAILED: ReadonlySet<ErrorCode> = new Set([
  "ERR_SECRET_UNREADABLE",
  "ERR_KORE_UNAUTHORIZED",
  "ERR_KORE_RATE_LIMITED",
  "ERR_KORE_UNAVAILABLE",
  "ERR_KORE_REDIRECTED",
  "ERR_KORE_NOT_THE_API",
  "ERR_KORE_ENCRYPTED",
  "ERR_ARCHIVE_UNREACHABLE",
  "ERR_SCRATCH_NOT_WRITABLE",
]);

/** True if the source's other days would fail alike; a refusal may be about one day's window, unless it is of the bot. */
function stopsSource(error: ExporterError | null): boolean {
  if (error === null) return false;
  return SOURCE_FAILED.has(error.code) || (error instanceof KoreRefusal && [403, 404, 405].includes(error.status));
}

/** What became of one source. */
export interface SourceResult {
  readonly source: string;
  readonly days: readonly DayResult[];
  /** Days that were not come to: the source had failed, or the run had come to its end. */
  readonly left: readonly Day[];
  /** True if days are left because the run came to its end, not because the source failed. */
  readonly isCutShort: boolean;
  /** What ended the source, if it was not one of its days. */
  readonly error: ExporterError | null;
}

/** Exports the days of an agenda one after another, until it is done, a failure stops the source, or the run ends. */
export async function exportSource(agenda: Agenda, work: SourceWork, ports: ExportPorts): Promise<SourceResult> {
  const source = sourceName(work.source);
  const days: DayResult[] = [];
  const latest = () => days.at(-1) ?? null;
  const endedBy = (error: ExporterError | null, isCutShort = false) => {
    return { source, days, left: agenda.left(latest()?.dt ?? null), isCutShort, error };
  };
  try {
    while (!stopsSource(latest()?.error ?? null)) {
      const next = await work.next((reader) => agenda.next(latest()?.dt ?? null, reader));
      if (next.kind === "none") return { source, days, left: [], isCutShort: false, error: null };
      if (next.kind === "stopped") return endedBy(null, true);
      const onDay = (result: DayResult) => ports.onDay?.(result, days);
      days.push(await exportDay(next.dt, work, { ...ports, onDay }));
    }
    return endedBy(null);
  } catch (error) {
    ports.signal?.throwIfAborted();
    if (!(error instanceof ExporterError)) throw error;
    return error.code === "ERR_INTERRUPTED" ? endedBy(null, true) : endedBy(error);
  }
}

/** What is to be done of one source, and how. The signal ends its work when another source's work has to end the run. */
export type SourceTask = (signal: AbortSignal) => { readonly agenda: Agenda; readonly work: SourceWork };

/**
 * Exports several sources side by side, since each has a quota of its own. A source that fails does not stop the others.
 * Results come in the order of the tasks. Throws what `exportDay` throws, once every source has stopped.
 */
export async function exportSources(tasks: readonly SourceTask[], ports: ExportPorts): Promise<SourceResult[]> {
  const failure = new AbortController();
  const signal = ports.signal ? AbortSignal.any([ports.signal, failure.signal]) : failure.signal;
  const outcomes = await Promise.allSettled(
    tasks.map(async (task) => {
      try {
        const { agenda, work } = task(signal);
        const result = await exportSource(agenda, work, { ...ports, signal });
        if (result.error !== null) throw result.error;
        return result;
      } catch (error) {
        failure.abort(error);
        throw error;
      }
    }),
  );
  ports.signal?.throwIfAborted();
  failure.signal.throwIfAborted();
  return outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
}

/** Throws `ERR_TIME_ZONE_DIFFERS` if the archive's days are those of another zone: any record that can be read tells. */
export async function refuseArchiveOfOtherZone(store: ArchiveStore, timeZone: string): Promise<void> {
  for await (const { key } of listEntries(store, PREFIXES.exports, parseLedgerKey)) {
    const record = await readableRecord(store, key);
    if (record === null) continue;
    return refuseOtherZone(record, timeZone, store);
  }
}
