import { readErasure } from "../archive/erasures.ts";
import { ledgerKey, parseErasureKey } from "../archive/layout.ts";
import type { LedgerRecord } from "../archive/ledger.ts";
import { listEntries } from "../archive/listing.ts";
import type { ArchiveStore } from "../archive/store.ts";
import { PREFIXES } from "../contract.ts";
import { ExporterError } from "../errors.ts";
import { addedTo, type Find } from "./finding.ts";

/** The erasures that `erasures/` tells of, by their time and reference. */
export type KnownErasures = ReadonlySet<string>;

/** Reads the record of every erasure, and finds those that are damaged. */
export async function checkErasures(store: ArchiveStore, find: Find): Promise<KnownErasures> {
  const known = new Set<string>();
  for await (const { key, parsed: hmac } of listEntries(store, PREFIXES.erasures, parseErasureKey, addedTo(find))) {
    try {
      const erasure = await readErasure(store, hmac);
      if (erasure !== null) known.add(nameOf(erasure));
    } catch (error) {
      if (!(error instanceof ExporterError) || error.code !== "ERR_ERASURE_UNREADABLE") throw error;
      find("ERR_VERIFY_ERASURE_UNKNOWN", key, "is damaged.");
    }
  }
  return known;
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
