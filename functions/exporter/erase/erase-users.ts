import { inBatches } from "../archive/batches.ts";
import { readErasure, readErasures, writeErasure } from "../archive/erasures.ts";
import { ledgerKey, parseLedgerKey } from "../archive/layout.ts";
import { type LedgerRecord, readableRecord } from "../archive/ledger.ts";
import { listEntries, type Stray } from "../archive/listing.ts";
import { PastReader } from "../archive/past.ts";
import { PREFIXES, readPersonalDataRules } from "../contract.ts";
import { asExporterError, type ExporterError } from "../errors.ts";
import {
  checkedErasures,
  type ErasedUsers,
  type Erasure,
  erasedUsers,
  erasureNameOf,
  keyCheckOf,
  refuseOtherKey,
} from "../export/erased-users.ts";
import { isErasing, isMark } from "../export/record.ts";
import { settledLedger } from "../export/replace-day.ts";
import { PeriodicSeal, refuseRetiredKey } from "../export/run-seal.ts";
import { type Seal, type SealPorts, type SourceDay, sealRun } from "../export/seal.ts";
import { hmac } from "../sessions/personal-data.ts";
import { type DayRange, type FoundFile, findRows, isWithin, type Wanted } from "./find-rows.ts";
import { findOlderVersions, type OlderVersions, type PurgedVersion, purgeVersions } from "./older-versions.ts";
import { type RewrittenDay, rewriteDay } from "./rewrite-day.ts";
import { SessionTexts } from "./session-texts.ts";

/** Who is to be erased, and from where. */
export interface EraseOrder {
  /** As Kore sends them. */
  readonly userIds: readonly string[];
  readonly range: DayRange;
}

/** What an erasure needs of the world. */
export interface ErasePorts extends SealPorts {
  readonly hashKey: string;
  /** A folder for copies of files. */
  readonly scratch: string;
  readonly signal?: AbortSignal;
  /** Hears how many files have been looked at. */
  readonly onFile?: (done: number) => void;
  /** Hears of names that are no files of the archive: whatever is behind them stays. */
  readonly onStray?: (stray: Stray) => void;
  /** Hears how many days have been rewritten, for better or worse. */
  readonly onDay?: (done: number, all: number) => void;
}

/** What the archive has of the people who are looked for. */
export interface Found {
  readonly files: readonly FoundFile[];
  readonly olderVersions: OlderVersions;
  /** Days whose rows have no user ids (`user_id=drop`): nobody can be found there. */
  readonly daysWithoutIds: number;
}

/** What an erasure came to. */
export interface Erased extends Omit<Found, "files"> {
  readonly days: readonly RewrittenDay[];
  readonly failures: readonly (SourceDay & { readonly error: ExporterError })[];
  /** Empty if nothing was to be deleted. */
  readonly purged: readonly PurgedVersion[];
  readonly seal: Seal | ExporterError;
  /** `ERR_DIGEST_NOT_TRUSTED` if the newest digest was not to be believed. */
  readonly problem: ExporterError | null;
}

/** Looks for people, and changes nothing. Throws `ERR_HASH_KEY` if others were erased with another key. */
export async function findUsers({ userIds, range }: EraseOrder, ports: ErasePorts): Promise<Found> {
  return withTexts(ports, async (texts) => {
    const { store, scratch, hashKey, signal, onFile, onStray } = ports;
    refuseOtherKey(await readErasures(store), hashKey, store);
    const wanted = wantedOf(userIds, hashKey);
    const files = await findRows(store, wanted, range, texts, scratch, signal, onFile, onStray);
    const records = await recordsWithin(range, ports);
    const days = [...files, ...(await daysErasedBefore(userIds, records, ports))];
    const olderVersions = await findOlderVersions(store, distinct(days), wanted, texts, scratch);
    return { files, olderVersions, daysWithoutIds: countWithoutIds(records) };
  });
}

/**
 * Erases people. First it is recorded who was erased, so that no export brings them back, and a digest vouches for that;
 * then each day that has them is rewritten, and a digest vouches for these days. Broken off at any point, the same order finishes the work. Throws
 * `ERR_HASH_KEY` as `findUsers` does; a day that cannot be rewritten is in the result.
 */
export async function eraseUsers(
  { userIds, range }: EraseOrder,
  reference: string,
  purges: boolean,
  ports: ErasePorts,
): Promise<Erased> {
  return withTexts(ports, async (texts) => {
    const { store, scratch, hashKey, clock, signal, onFile, onStray } = ports;
    const past = new PastReader(store, ports);
    refuseOtherKey(await checkedErasures({ store, clock, past }), hashKey, store);
    await refuseRetiredKey(await past.current(), ports);
    // The digest comes before any row goes: an export that meets the record must be able to believe it.
    const recorded = await recordErasures(userIds, reference, ports);
    const first = await sealRun([], ports, { erasures: recorded });
    const wanted = wantedOf(userIds, hashKey);
    const records = await settledRecords(range, ports);
    const found = await findRows(store, wanted, range, texts, scratch, signal, onFile, onStray);
    const unfinished = records.filter(isErasing);
    const loaded = async () => {
      const known = await checkedErasures({ store, clock, past });
      return erasedUsers(
        known.filter(({ isVouched }) => isVouched),
        hashKey,
      );
    };
    const { days, failures } = await rewriteDays(distinct([...found, ...unfinished]), texts, loaded, past, ports);
    const touched = distinct([...days, ...(await daysErasedBefore(userIds, records, ports))]);
    const seal = days.length === 0 ? first : await sealRun(days, ports).catch(asExporterError);
    const olderVersions = await findOlderVersions(store, touched, wanted, texts, scratch);
    const canPurge = purges && store.history !== undefined && Array.isArray(olderVersions);
    const purged = canPurge ? await purgeVersions(store.history, olderVersions) : [];
    const { problem } = first;
    return { days, failures, olderVersions, purged, seal, problem, daysWithoutIds: countWithoutIds(records) };
  });
}

/** Records who was erased, unless that was done before, and returns the keys of their records. */
async function recordErasures(
  userIds: readonly string[],
  reference: string,
  { store, hashKey, clock }: ErasePorts,
): Promise<string[]> {
  const at = new Date(clock.now()).toISOString();
  const keyCheck = keyCheckOf(hashKey);
  return inBatches(userIds, async (id) => {
    const [hmac, ofVersion1] = erasureNamesOf(id, hashKey);
    const before = await readErasure(store, ofVersion1);
    return (before ?? (await writeErasure(store, { hmac, at, reference, keyCheck }))).key;
  });
}

/** The names that the record of a user can have: of version 2, and of version 1. */
function erasureNamesOf(userId: string, hashKey: string): [string, string] {
  return [erasureNameOf(userId, hashKey), hmac(userId, hashKey)];
}

async function rewriteDays(
  days: readonly SourceDay[],
  texts: SessionTexts,
  loaded: () => Promise<ErasedUsers>,
  past: PastReader,
  ports: ErasePorts,
): Promise<Pick<Erased, "days" | "failures">> {
  const rewritten: RewrittenDay[] = [];
  const seal = new PeriodicSeal(ports, async () => ports, ports.clock.now());
  const failures: (SourceDay & { error: ExporterError })[] = [];
  for (const [index, day] of days.entries()) {
    ports.signal?.throwIfAborted();
    try {
      rewritten.push(await rewriteDay(day, { ...ports, texts, past, erasedUsers: loaded }));
      await seal.after(rewritten);
    } catch (error) {
      ports.signal?.throwIfAborted();
      failures.push({ ...day, error: asExporterError(error) });
    }
    ports.onDay?.(index + 1, days.length);
  }
  return { days: rewritten, failures };
}

async function withTexts<T>({ scratch }: ErasePorts, work: (texts: SessionTexts) => Promise<T>): Promise<T> {
  const texts = await SessionTexts.open(scratch);
  try {
    return await work(texts);
  } finally {
    texts.close();
  }
}

function wantedOf(userIds: readonly string[], hashKey: string): Wanted {
  const hashes = userIds.map((id) => hmac(id, hashKey));
  const records = userIds.map((id) => {
    return { hmac: erasureNameOf(id, hashKey), version: 2, at: "", reference: "", isVouched: true } as const;
  });
  return { userIds: [...userIds, ...hashes], users: erasedUsers(records, hashKey) };
}

async function recordsWithin(range: DayRange, { store }: ErasePorts): Promise<LedgerRecord[]> {
  const keys: string[] = [];
  for await (const { key, parsed } of listEntries(store, PREFIXES.exports, parseLedgerKey)) {
    if (isWithin(parsed.day, range)) keys.push(key);
  }
  return (await inBatches(keys, (key) => readableRecord(store, key))).filter((record) => record !== null);
}

/** The same, once no run is replacing files: one that began before the erasure was recorded may have the person's rows. */
async function settledRecords(range: DayRange, ports: ErasePorts): Promise<LedgerRecord[]> {
  const records = await recordsWithin(range, ports);
  return Promise.all(
    records.map(async (record) =>
      isMark(record) ? ((await settledLedger(ports, record, null))?.record ?? record) : record,
    ),
  );
}

/** Days from which these people were erased, by what the ledger records. */
async function daysErasedBefore(
  userIds: readonly string[],
  records: readonly LedgerRecord[],
  { store, hashKey }: ErasePorts,
): Promise<SourceDay[]> {
  const names = userIds.flatMap((id) => erasureNamesOf(id, hashKey));
  const known = await inBatches(names, (name) => readErasure(store, name));
  const isOne = (erasure: Erasure) =>
    known.some((one) => one?.at === erasure.at && one.reference === erasure.reference);
  // A record that the erasure has replaced since lists it now.
  const current = await inBatches(records, ({ dt, source }) => readableRecord(store, ledgerKey(dt, source)));
  return current.flatMap((record) => (record?.erasures.some(isOne) ? [record] : []));
}

function distinct(days: readonly SourceDay[]): SourceDay[] {
  const byName = new Map(days.map(({ dt, source }) => [`${dt} ${source}`, { dt, source }]));
  return [...byName].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, day]) => day);
}

function countWithoutIds(records: readonly LedgerRecord[]): number {
  return records.filter(({ personal_data }) => {
    try {
      return readPersonalDataRules(personal_data).userId === "drop";
    } catch {
      return false;
    }
  }).length;
}
