import type { ArchiveState } from "../archive/archive-state.ts";
import { type ObjectRef, sha256Of } from "../archive/digest.ts";
import { readErasure } from "../archive/erasures.ts";
import { ledgerKey, parseErasureKey, parseHoldKey } from "../archive/layout.ts";
import type { LedgerRecord } from "../archive/ledger.ts";
import { listEntries } from "../archive/listing.ts";
import { type ArchiveStore, readOrTooLarge } from "../archive/store.ts";
import { PREFIXES } from "../contract.ts";
import { ExporterError } from "../errors.ts";
import { addedTo, type Find } from "./finding.ts";

/** The erasures that `erasures/` tells of, and digests vouch for, by their time and reference. */
export type KnownErasures = ReadonlySet<string>;

/**
 * Holds the records of erasures and of legal holds against what digests name, and returns the erasures that are in order.
 * Without `state`, in an archive with digests of version 1 alone, records are only read.
 */
export async function checkKeptRecords(
  store: ArchiveStore,
  state: ArchiveState | null,
  find: Find,
): Promise<KnownErasures> {
  const erasures = listEntries(store, PREFIXES.erasures, parseErasureKey, addedTo(find));
  const found = await checkRecords(store, erasures, state?.erasures ?? null, find, "ERR_VERIFY_ERASURE_UNKNOWN");
  const holds = listEntries(store, PREFIXES.holds, parseHoldKey, addedTo(find));
  await checkRecords(store, holds, state?.holds ?? new Map(), find, "ERR_VERIFY_FILE_ADDED");
  const known = new Set<string>();
  for (const hmac of found) {
    try {
      const erasure = await readErasure(store, hmac);
      if (erasure !== null) known.add(nameOf(erasure));
    } catch (error) {
      if (!(error instanceof ExporterError) || error.code !== "ERR_ERASURE_UNREADABLE") throw error;
      find("ERR_VERIFY_ERASURE_UNKNOWN", `${PREFIXES.erasures}/${hmac}.json`, "is damaged.");
    }
  }
  return known;
}

/** Returns what the keys of the records say that are as digests name them. */
async function checkRecords(
  store: ArchiveStore,
  entries: AsyncIterable<{ readonly key: string; readonly parsed: string }>,
  named: ReadonlyMap<string, ObjectRef> | null,
  find: Find,
  unknown: "ERR_VERIFY_ERASURE_UNKNOWN" | "ERR_VERIFY_FILE_ADDED",
): Promise<string[]> {
  const missing = new Map(named);
  const inOrder: string[] = [];
  for await (const { key, parsed } of entries) {
    missing.delete(key);
    const ref = named?.get(key);
    if (named !== null && ref === undefined) {
      find(unknown, key, "is in no digest: it was slipped in, or whoever wrote it was broken off before the digest.");
    } else if (ref === undefined || (await isAsNamed(store, ref))) {
      inOrder.push(parsed);
    } else {
      find("ERR_VERIFY_FILE_CHANGED", key, `has other bytes than digests name: SHA-256 ${ref.sha256}.`);
    }
  }
  for (const key of missing.keys()) find("ERR_VERIFY_FILE_MISSING", key, "was removed: digests name it.");
  return inOrder;
}

async function isAsNamed(store: ArchiveStore, { key, sha256, bytes }: ObjectRef): Promise<boolean> {
  const object = await readOrTooLarge(store, key);
  return object !== null && object !== "too large" && object.body.length === bytes && sha256Of(object.body) === sha256;
}

/** An erasure is recorded in the ledger and in `erasures/`: without the latter, exports bring the person back. */
export function checkErased({ dt, source, erasures }: LedgerRecord, known: KnownErasures, find: Find): void {
  for (const erasure of erasures) {
    if (known.has(nameOf(erasure))) continue;
    const message = `tells of an erasure of ${erasure.at} (${JSON.stringify(erasure.reference)}) that erasures/ does not hold.`;
    find("ERR_VERIFY_ERASURE_UNKNOWN", ledgerKey(dt, source), message);
  }
}

function nameOf({ at, reference }: { readonly at: string; readonly reference: string }): string {
  return `${at} ${reference}`;
}
