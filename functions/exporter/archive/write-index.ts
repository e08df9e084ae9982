import { PREFIXES } from "../contract.ts";
import { type ArchiveState, stateLines } from "./archive-state.ts";
import { inBatches } from "./batches.ts";
import { dayName, type MonthRef, type ObjectRef, sha256Of, type VouchedDay } from "./digest.ts";
import { packLines, writeHashed } from "./json-lines.ts";
import { indexKey, parseLedgerKey, stateKey } from "./layout.ts";
import { type IndexLine, indexLineText, monthOf, sortedLines } from "./ledger-index.ts";
import { listEntries } from "./listing.ts";
import type { ArchivePast } from "./past.ts";
import type { ArchiveStore } from "./store.ts";

/** A day that a digest is to vouch for, and the text of its record for the index. */
export interface VouchedRecord {
  readonly day: VouchedDay;
  readonly record: string;
}

/** Writes a state, unless it is that of the digest before, and returns how a digest names it. */
export async function writeState(
  store: ArchiveStore,
  state: ArchiveState,
  before: ObjectRef | null,
): Promise<ObjectRef> {
  const body = await packLines(stateLines(state));
  const sha256 = sha256Of(body);
  const key = stateKey(sha256);
  if (before?.sha256 === sha256 && (await store.version(before.key)) !== null) return before;
  await writeHashed(store, key, body);
  return { key, sha256, bytes: body.length, version_id: await versionIdOf(store, key) };
}

/**
 * Writes the months that change, or whose file was lost, and names the others again; `number` is that of the digest to come.
 */
export async function writeIndex(
  store: ArchiveStore,
  past: ArchivePast,
  days: readonly VouchedRecord[],
  number: number,
): Promise<MonthRef[]> {
  const byMonth = Map.groupBy(days, ({ day }) => monthOf(day.dt));
  const known = new Map(past.months.map((ref) => [ref.month, ref]));
  const isIndexed = past.digest !== null && past.digest.state !== null;
  const months = new Set([...known.keys(), ...byMonth.keys(), ...(isIndexed ? [] : await ledgerMonths(store, past))]);
  const refs = await inBatches([...months].sort(), async (month) => {
    const ref = known.get(month);
    const isThere = ref !== undefined && !byMonth.has(month) && (await store.version(ref.key)) !== null;
    if (isThere) return ref;
    const lines = new Map(await past.month(month));
    for (const { day, record } of byMonth.get(month) ?? []) {
      const { dataset, dt, source, ledger, files } = day;
      lines.set(dayName(dt, source, dataset), { dataset, dt, source, digest: number, ledger, files, record });
    }
    return writeMonth(store, month, sortedLines(lines.values()));
  });
  return refs.filter(({ records }) => records > 0);
}

async function writeMonth(store: ArchiveStore, month: string, lines: readonly IndexLine[]): Promise<MonthRef> {
  const body = await packLines(lines.map(indexLineText));
  const sha256 = sha256Of(body);
  const key = indexKey(month, sha256);
  if (lines.length > 0) await writeHashed(store, key, body);
  return { month, key, sha256, bytes: body.length, records: lines.length, version_id: await versionIdOf(store, key) };
}

async function ledgerMonths(store: ArchiveStore, past: ArchivePast): Promise<Set<string>> {
  const months = await past.namedMonths();
  for await (const { parsed } of listEntries(store, PREFIXES.exports, parseLedgerKey)) months.add(monthOf(parsed.day));
  return months;
}

/** Returns the version of an object that a bucket keeps; null where none are kept. */
export async function versionIdOf({ history }: ArchiveStore, key: string): Promise<string | null> {
  return (await history?.versionId(key)) ?? null;
}
