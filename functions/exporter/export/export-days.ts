import { parseLedgerKey } from "../archive/layout.ts";
import { readableRecord } from "../archive/ledger.ts";
import type { ArchiveStore } from "../archive/store.ts";
import { PREFIXES } from "../contract.ts";
import type { ErrorCode, ExporterError } from "../errors.ts";
import type { KoreClient } from "../kore/client.ts";
import { KoreRefusal } from "../kore/refusal.ts";
import type { Source } from "../kore/wire.ts";
import type { Day } from "./calendar.ts";
import { type DayResult, type ExportPorts, exportDay, refuseOtherZone } from "./export-day.ts";

/** Which days of a source to export. Asked for one by one, so that a plan may look at the archive as it goes. */
export type DaysOf = (source: Source, client: KoreClient) => Iterable<Day> | AsyncIterable<Day>;

export interface ExportDaysPorts extends ExportPorts {
  readonly clientFor: (source: Source) => KoreClient;
  readonly onDay?: (result: DayResult) => void;
  /** From this instant on no further day is begun. */
  readonly deadline: number;
}

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

/**
 * Exports days of several sources: the sources side by side, since each has a quota of its own, and a source's days one
 * after another in the order given. A source that fails does not stop the others, but its own further days.
 *
 * Results come in the order of sources, then days. Throws `ERR_TIME_ZONE_DIFFERS` before anything is asked or written,
 * and whatever `exportDay` throws, once every source has stopped.
 */
export async function exportDays(
  sources: readonly Source[],
  daysOf: DaysOf,
  ports: ExportDaysPorts,
): Promise<DayResult[]> {
  await refuseArchiveOfOtherZone(ports.store, ports.timeZone);
  const failure = new AbortController();
  const signal = ports.signal ? AbortSignal.any([ports.signal, failure.signal]) : failure.signal;
  const outcomes = await Promise.allSettled(
    sources.map(async (source) => {
      try {
        return await exportDaysOf(source, daysOf, { ...ports, signal });
      } catch (error) {
        failure.abort(error);
        throw error;
      }
    }),
  );
  ports.signal?.throwIfAborted();
  failure.signal.throwIfAborted();
  return outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? outcome.value : []));
}

async function exportDaysOf(source: Source, daysOf: DaysOf, ports: ExportDaysPorts): Promise<DayResult[]> {
  const client = ports.clientFor(source);
  const results: DayResult[] = [];
  try {
    for await (const day of daysOf(source, client)) {
      if (ports.clock.now() >= ports.deadline) break;
      const result = await exportDay(source, day, client, ports);
      results.push(result);
      ports.onDay?.(result);
      if (stopsSource(result.error)) break;
    }
    return results;
  } finally {
    await client.close();
  }
}

/** Any record that can be read tells the zone of all. */
async function refuseArchiveOfOtherZone(store: ArchiveStore, timeZone: string): Promise<void> {
  for await (const key of store.list(`${PREFIXES.exports}/`)) {
    const record = parseLedgerKey(key) === null ? null : await readableRecord(store, key);
    if (record === null) continue;
    return refuseOtherZone(record, timeZone, store);
  }
}
