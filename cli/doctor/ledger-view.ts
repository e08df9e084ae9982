import { inBatches } from "../../functions/exporter/archive/batches.ts";
import type { ReadDigest } from "../../functions/exporter/archive/digest.ts";
import { digestNumbers, readLink } from "../../functions/exporter/archive/digest-chain.ts";
import { ledgerKey, parseLedgerKey } from "../../functions/exporter/archive/layout.ts";
import { type LedgerRecord, readableRecord } from "../../functions/exporter/archive/ledger.ts";
import { listEntries } from "../../functions/exporter/archive/listing.ts";
import type { ArchiveStore } from "../../functions/exporter/archive/store.ts";
import { PREFIXES } from "../../functions/exporter/contract.ts";
import { counted } from "../amounts.ts";

/** So many records are read at most, of a run that had more days than that. */
const MOST_RECORDS = 64;

interface SourceDay {
  readonly source: string;
  readonly day: string;
}

/** What the ledger's end shows of an archive. */
export interface LedgerView {
  /** How many days of how many sources there are. */
  readonly summary: string;
  /** A line for the newest day of each source. */
  readonly newest: readonly string[];
  /** A sentence for each day of the last run, and each newest day, that is incomplete or damaged. */
  readonly bad: readonly string[];
  /** When the newest digest was written, ISO 8601; null if there is none that can be read. */
  readonly lastRunAt: string | null;
  /** The newest digest; null if there is none. */
  readonly newestDigest: ReadDigest | null;
  /** A record that could be read, for what all days have in common; null if there is none. */
  readonly anyRecord: LedgerRecord | null;
}

/**
 * Reads the newest day of each source, and the days of the last run. Lists the ledger and the digests, and reads no
 * session. Throws `ERR_ARCHIVE_UNREACHABLE`.
 */
export async function readLedgerView(store: ArchiveStore): Promise<LedgerView> {
  const entries = await Array.fromAsync(listEntries(store, PREFIXES.exports, parseLedgerKey));
  const days = entries.map(({ parsed }) => parsed);
  const newestDays = newestOfEach(days);
  const lastRun = await newestDigest(store);
  const wanted = new Map([...newestDays, ...lastRun.days].map((day) => [`${day.day} ${day.source}`, day]));
  const seen = await inBatches([...wanted.values()].slice(0, MOST_RECORDS), async (day) => ({
    ...day,
    record: await readableRecord(store, ledgerKey(day.day, day.source)),
  }));
  const isNewest = new Set(newestDays.map(({ source, day }) => `${day} ${source}`));
  return {
    summary: days.length === 0 ? "no day is archived yet" : summaryOf(days.length, newestDays.length),
    newest: seen
      .filter(({ source, day }) => isNewest.has(`${day} ${source}`))
      .map(({ source, day, record }) => `${source} ${day} (${record?.status ?? "damaged"})`),
    bad: seen.filter(({ record }) => record === null || record.status === "incomplete").map(describe),
    lastRunAt: lastRun.at,
    newestDigest: lastRun.content,
    anyRecord: seen.find(({ record }) => record !== null)?.record ?? null,
  };
}

function summaryOf(days: number, sources: number): string {
  return `${counted(days, "day")} of ${counted(sources, "source")} in the ledger`;
}

function newestOfEach(days: readonly SourceDay[]): SourceDay[] {
  const newest = new Map<string, SourceDay>();
  for (const one of days) if (one.day >= (newest.get(one.source)?.day ?? "")) newest.set(one.source, one);
  return [...newest.values()];
}

async function newestDigest(
  store: ArchiveStore,
): Promise<{ at: string | null; days: SourceDay[]; content: ReadDigest | null }> {
  const newest = (await digestNumbers(store)).at(-1);
  const content = newest === undefined ? null : ((await readLink(store, newest))?.content ?? null);
  if (content?.kind !== "digest") return { at: null, days: [], content };
  const days = content.digest.days.map(({ source, dt }) => ({ source, day: dt }));
  return { at: content.digest.created_at, days, content };
}

function describe({ source, day, record }: SourceDay & { record: LedgerRecord | null }): string {
  if (record === null) return `${day} of ${source} has a damaged record`;
  const [first] = record.problems;
  return `${day} of ${source} is incomplete${first === undefined ? "" : ` (${first.code})`}`;
}
