import { createHash } from "node:crypto";
import { type ErasureRecord, readErasures } from "../archive/erasures.ts";
import type { LedgerRecord } from "../archive/ledger.ts";
import type { ArchiveStore } from "../archive/store.ts";
import type { PersonalDataMode } from "../contract.ts";
import { ExporterError } from "../errors.ts";
import { isWrittenNumber, parseWithWrittenNumbers } from "../sessions/exact-json.ts";
import { hmac } from "../sessions/personal-data.ts";

/** When somebody was erased, and by whose request, as the ledger records it. */
export type Erasure = LedgerRecord["erasures"][number];

/** The users whose sessions are left out of every file. */
export interface ErasedUsers {
  /** Tells one set of users from another; empty for nobody. */
  readonly name: string;
  /** The erasure of the user with this id, as Kore sends it or hashed; null if there was none. */
  ofUser(userId: string | null): Erasure | null;
  /** The erasure of a user whose id is, exactly, one of the texts or numbers in a JSON text; null if there is none. */
  inJson(text: string): Erasure | null;
}

/** Nobody was ever erased. */
export const NOBODY_ERASED: ErasedUsers = { name: "", ofUser: () => null, inJson: () => null };

/** What tells a key of hashes from others. */
export function keyCheckOf(hashKey: string): string {
  return hmac("check of the key of erasures", hashKey);
}

/** The users that records tell of. Without the key, ids are recognised only where they are hashed. */
export function erasedUsers(records: readonly ErasureRecord[], hashKey: string | null): ErasedUsers {
  if (records.length === 0) return NOBODY_ERASED;
  const byHmac = new Map(records.map(({ hmac: name, at, reference }) => [name, { at, reference }]));
  const ofUser = (userId: string | null): Erasure | null => {
    if (userId === null) return null;
    return byHmac.get(userId) ?? (hashKey === null ? null : (byHmac.get(hmac(userId, hashKey)) ?? null));
  };
  return {
    name: createHash("sha256")
      .update([...byHmac.keys()].sort().join())
      .digest("hex"),
    ofUser,
    inJson: (text) => firstOf(textsIn(text), ofUser),
  };
}

/**
 * The users that the archive has as erased. Throws `ERR_HASH_KEY` where they could not be recognised: there is no key
 * while ids are archived as they are, or the key is not the one that they were erased with.
 */
export async function loadErasedUsers(
  store: ArchiveStore,
  userIdMode: PersonalDataMode,
  hashKey: () => Promise<string | null>,
): Promise<ErasedUsers> {
  const records = await readErasures(store);
  if (records.length === 0) return NOBODY_ERASED;
  const key = await hashKey();
  if (key === null && userIdMode === "keep") {
    const message =
      `${store.location} has erased users, who cannot be left out without the key of hashes. Give the key that they ` +
      "were erased with: hashKey in the secret, or KORE_HASH_KEY.";
    throw new ExporterError("ERR_HASH_KEY", message);
  }
  if (key !== null) refuseOtherKey(records, key, store);
  return erasedUsers(records, key);
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

function firstOf(texts: Iterable<string>, ofUser: ErasedUsers["ofUser"]): Erasure | null {
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
