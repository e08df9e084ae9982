import { createHash } from "node:crypto";
import { type ErasureRecord, readErasures, type StoredErasure } from "../archive/erasures.ts";
import type { LedgerRecord } from "../archive/ledger.ts";
import type { ArchivePast, PastReader } from "../archive/past.ts";
import type { ArchiveStore } from "../archive/store.ts";
import type { Clock } from "../clock.ts";
import type { PersonalDataMode } from "../contract.ts";
import { ExporterError } from "../errors.ts";
import { isWrittenNumber, parseWithWrittenNumbers } from "../sessions/exact-json.ts";
import { hmac } from "../sessions/personal-data.ts";

/** When somebody was erased, and by whose request, as the ledger records it. */
export type Erasure = LedgerRecord["erasures"][number];

/** An erasure that a row fell under. */
export interface FoundErasure extends Erasure {
  /** False if no digest names its record: anybody could have put it there. */
  readonly isVouched: boolean;
}

/** The users whose sessions are left out of every file. */
export interface ErasedUsers {
  /** Tells one set of users from another; empty for nobody. */
  readonly name: string;
  /** Keys of records that no digest names. */
  readonly notVouched: readonly string[];
  /** Until this instant a digest may still come that names them; null: there are none, or none will. */
  readonly settledAt: number | null;
  /** The erasure of the user with this id, as Kore sends it or hashed; null if there was none. */
  ofUser(userId: string | null): FoundErasure | null;
  /** The erasure of a user whose id is, exactly, one of the texts or numbers in a JSON text; null if there is none. */
  inJson(text: string): FoundErasure | null;
}

/** Nobody was ever erased. */
export const NOBODY_ERASED: ErasedUsers = {
  name: "",
  notVouched: [],
  settledAt: null,
  ofUser: () => null,
  inJson: () => null,
};

/** What tells a key of hashes from others. */
export function keyCheckOf(hashKey: string): string {
  return hmac("check of the key of erasures", hashKey);
}

/** Returns the name of the record that a user was erased: of the hash that stands for the id in files, hashed again. */
export function erasureNameOf(userId: string, hashKey: string): string {
  return nameOfHashed(hmac(userId, hashKey), hashKey);
}

function nameOfHashed(hash: string, hashKey: string): string {
  return hmac(`erased user ${hash}`, hashKey);
}

/** A record, and whether a digest names it. */
export type KnownErasure = Omit<ErasureRecord, "keyCheck"> & { readonly isVouched: boolean };

/** Recognises the users that records tell of. Without the key, only those of version 1, and where ids are hashed. */
export function erasedUsers(
  records: readonly KnownErasure[],
  hashKey: string | null,
  notVouched: Pick<ErasedUsers, "notVouched" | "settledAt"> = NOBODY_ERASED,
): ErasedUsers {
  if (records.length === 0) return NOBODY_ERASED;
  const byName = new Map(records.map(({ hmac: name, ...erasure }) => [name, erasure]));
  const named = (name: string, version: 1 | 2): FoundErasure | null => {
    const found = byName.get(name);
    if (found?.version !== version) return null;
    return { at: found.at, reference: found.reference, isVouched: found.isVouched };
  };
  const ofUser = (userId: string | null): FoundErasure | null => {
    if (userId === null) return null;
    if (hashKey === null) return named(userId, 1);
    const hash = hmac(userId, hashKey);
    return (
      named(hash, 1) ??
      named(userId, 1) ??
      named(nameOfHashed(hash, hashKey), 2) ??
      named(nameOfHashed(userId, hashKey), 2)
    );
  };
  return {
    name: createHash("sha256")
      .update(
        [...byName]
          .map(([name, { isVouched }]) => `${name} ${isVouched}`)
          .sort()
          .join(),
      )
      .digest("hex"),
    notVouched: notVouched.notVouched,
    settledAt: notVouched.settledAt,
    ofUser,
    inJson: (text) => firstOf(textsIn(text), ofUser),
  };
}

/** How long a record may lie there before the digest that names it: whoever erases writes one right after the other. */
const SETTLING_MS = 10 * 60_000;

/** Where the erased users of an archive are looked up. */
export interface ErasurePorts {
  readonly store: ArchiveStore;
  readonly clock: Pick<Clock, "now">;
  readonly past: PastReader;
}

/**
 * Returns the users that the archive has as erased. Throws `ERR_ERASURE_MISSING` if a record is not there, or not the one,
 * that digests name, and `ERR_HASH_KEY` where users could not be recognised: there is no key while ids are archived as
 * they are, or the key is not the one that they were erased with.
 */
export async function loadErasedUsers(
  ports: ErasurePorts,
  userIdMode: PersonalDataMode,
  hashKey: () => Promise<string | null>,
): Promise<ErasedUsers> {
  const { store } = ports;
  const records = await checkedErasures(ports);
  if (records.length === 0) return NOBODY_ERASED;
  const key = await hashKey();
  refuseUnusableKey(records, key, userIdMode, store);
  const notVouched = records.filter(({ isVouched }) => !isVouched);
  const now = ports.clock.now();
  const settled = notVouched.map(({ at }) => Date.parse(at) + SETTLING_MS);
  const settledAt = settled.filter((at) => at > now && at <= now + SETTLING_MS).sort((one, other) => other - one)[0];
  return erasedUsers(records, key, { notVouched: notVouched.map((one) => one.key), settledAt: settledAt ?? null });
}

/** Reads every record, and tells which of them digests name. Throws `ERR_ERASURE_MISSING`. */
export async function checkedErasures({ store, past }: ErasurePorts): Promise<(StoredErasure & KnownErasure)[]> {
  const records = await readErasures(store);
  const judge = async (known: ArchivePast) => {
    // Until an archive has a digest that names erasures, there is nothing to hold them against.
    const named = (await known.archiveId()) === null ? null : (await known.state()).erasures;
    return records.map((record) => {
      const isVouched = named === null || named.get(record.key)?.sha256 === record.sha256;
      return { ...record, isVouched };
    });
  };
  const judged = await judge(await past.current());
  const erasures = judged.every(({ isVouched }) => isVouched) ? judged : await judge(await past.refreshed());
  const { erasures: named } = await (await past.current()).state();
  const found = new Map(erasures.map(({ key, sha256 }) => [key, sha256]));
  const missing = named.values().find(({ key, sha256 }) => found.get(key) !== sha256);
  if (missing === undefined) return erasures;
  const message =
    `${store.location}/${missing.key}, the record that somebody was erased, is not there as digests name it (SHA-256 ` +
    `${missing.sha256}). Nothing is exported without it, since that could bring the person back. Restore it.`;
  throw new ExporterError("ERR_ERASURE_MISSING", message);
}

/** Returns the failure of a run that found records of erasures which no digest names; null if there are none. */
export function notVouchedFailure({ notVouched }: ErasedUsers, { location }: ArchiveStore): ExporterError | null {
  if (notVouched.length === 0) return null;
  const message =
    `No digest names ${notVouched.map((key) => `${location}/${key}`).join(", ")}: who wrote it is not known. That person is left ` +
    "out of what is exported, and complete days keep what they have. If the erasure is yours, repeat the command; if " +
    "not, remove the record.";
  return new ExporterError("ERR_ERASURE_NOT_VOUCHED", message);
}

/** Throws `ERR_HASH_KEY` if the users that records tell of could not be recognised with the key. */
export function refuseUnusableKey(
  records: readonly ErasureRecord[],
  key: string | null,
  userIdMode: PersonalDataMode,
  store: ArchiveStore,
): void {
  if (records.length > 0 && key === null && userIdMode === "keep") {
    const message =
      `${store.location} has erased users, who cannot be left out without the key of hashes. Give the key that they ` +
      "were erased with: hashKey in the secret, or KORE_HASH_KEY.";
    throw new ExporterError("ERR_HASH_KEY", message);
  }
  if (key !== null) refuseOtherKey(records, key, store);
}

/** Throws `ERR_HASH_KEY` if users were erased with another key. */
export function refuseOtherKey(records: readonly ErasureRecord[], hashKey: string, { location }: ArchiveStore): void {
  const check = keyCheckOf(hashKey);
  if (records.every(({ keyCheck }) => keyCheck === check)) return;
  const message =
    `The key of hashes is not the one that users of ${location} were erased with: they would come back. Give that key ` +
    "(hashKey in the secret, or KORE_HASH_KEY); it is never changed.";
  throw new ExporterError("ERR_HASH_KEY", message);
}

/** Each erasure once, in the order of time. */
export function unitedErasures(...lists: readonly (readonly Erasure[])[]): Erasure[] {
  const byName = new Map(lists.flat().map(({ at, reference }) => [`${at} ${reference}`, { at, reference }]));
  return [...byName].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, erasure]) => erasure);
}

function firstOf(texts: Iterable<string>, ofUser: ErasedUsers["ofUser"]): FoundErasure | null {
  for (const text of texts) {
    const erasure = ofUser(text);
    if (erasure !== null) return erasure;
  }
  return null;
}

/** Every text in a JSON text, and every number as it is written. Whatever is no JSON is one text. */
function* textsIn(json: string): Generator<string> {
  const left: unknown[] = [parsed(json)];
  for (let value = left.pop(); value !== undefined; value = left.pop()) {
    if (typeof value === "string" || typeof value === "number") yield String(value);
    else if (isWrittenNumber(value)) yield value.rawJSON;
    else if (typeof value === "object" && value !== null) for (const member of Object.values(value)) left.push(member);
  }
}

function parsed(json: string): unknown {
  try {
    return parseWithWrittenNumbers(json);
  } catch (error) {
    if (error instanceof SyntaxError) return json;
    // Nested too deep to keep its numbers as written.
    return JSON.parse(json) as unknown;
  }
}
