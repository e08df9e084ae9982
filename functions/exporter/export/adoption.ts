import type { LedgerEntry, LedgerRecord } from "../archive/ledger.ts";
import type { PastReader } from "../archive/past.ts";
import type { SourceDay } from "./seal.ts";

/** How the record that a run finds of a day stands with what digests vouch for. */
export interface Standing {
  /** True if it is the record that digests vouch for, or none where they vouch for none. */
  readonly isVouched: boolean;
  /** What a record says that keeps anything of what the run found; null if there is nothing to be said. */
  readonly adopted: LedgerRecord["adopted"];
}

/** Holds the record that a run found of a day against what digests vouch for. */
export async function standingOf(
  entry: LedgerEntry | null,
  { dt, source }: SourceDay,
  past: PastReader,
): Promise<Standing> {
  if (entry === null) {
    const vouched = await (await past.current()).vouched(dt, source);
    if (vouched === null) return { isVouched: true, adopted: null };
    const reason = `The record that digests vouch for, ${vouched}, was not there.`;
    return { isVouched: false, adopted: { previous_sha256: null, reason } };
  }
  if (await past.vouches(dt, source, entry.sha256)) return { isVouched: true, adopted: entry.record.adopted };
  const vouched = await (await past.current()).vouched(dt, source);
  const instead = vouched === null ? "no digest vouched for any" : `digests vouch for ${vouched}`;
  // What an unknown record says of earlier adoptions proves nothing.
  const reason = `The record that was found, of run ${printable(entry.record.run_id)}, was in no digest: ${instead}.`;
  return { isVouched: false, adopted: { previous_sha256: entry.sha256, reason } };
}

function printable(text: string): string {
  return JSON.stringify(text.slice(0, 100)).slice(1, -1);
}
