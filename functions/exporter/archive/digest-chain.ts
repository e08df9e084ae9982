import { PREFIXES } from "../contract.ts";
import { ExporterError } from "../errors.ts";
import { inBatches } from "./batches.ts";
import { type ReadDigest, readDigest, sha256Of } from "./digest.ts";
import { digestKey, parseDigestKey } from "./layout.ts";
import { listEntries } from "./listing.ts";
import type { ArchiveStore } from "./store.ts";

/** A digest as it lies in the archive. */
export interface Link {
  readonly key: string;
  /** By its key. */
  readonly number: number;
  /** Of its file: the `previous_sha256` of the digest that follows. */
  readonly sha256: string;
  readonly content: ReadDigest;
}

/** The newest digest. */
export interface Head {
  readonly number: number;
  readonly sha256: string;
  /** Of the run that wrote it; null if it cannot be read. */
  readonly runId: string | null;
}

/** What all digests together say. */
export interface Chain {
  /** Null if there is none yet. */
  readonly head: Head | null;
  /** SHA-256 of the ledger record that the latest digest to name a day and source vouches for, by `dayName`. */
  readonly vouched: ReadonlyMap<string, string>;
}

/** Names a day of a source. */
export function dayName(dt: string, source: string): string {
  return `${dt} ${source}`;
}

/** Numbers of the archive's digests, in ascending order. */
export async function digestNumbers(store: Pick<ArchiveStore, "list">): Promise<number[]> {
  const entries = await Array.fromAsync(listEntries(store, PREFIXES.digests, parseDigestKey));
  return entries.map(({ parsed }) => parsed).sort((one, other) => one - other);
}

/** Every digest of the archive by ascending number; 16 are read at a time. */
export async function readLinks(store: ArchiveStore): Promise<Link[]> {
  const numbers = await digestNumbers(store);
  const links = await inBatches(numbers, async (number): Promise<Link[]> => {
    const key = digestKey(number);
    const file = (await store.read(key))?.body;
    return file === undefined ? [] : [{ key, number, sha256: sha256Of(file), content: readDigest(file) }];
  });
  return links.flat();
}

/**
 * Reads the chain. Costs a request for each digest there is, one for each run of the archive's life: some 365 a year.
 *
 * A damaged digest vouches for nothing here, so that days it was about are vouched for again; `verify` names it. Throws
 * `ERR_DIGEST_UNREADABLE` for one of a newer version.
 */
export async function readChain(store: ArchiveStore): Promise<Chain> {
  const vouched = new Map<string, string>();
  let head: Head | null = null;
  for (const { key, number, sha256, content } of await readLinks(store)) {
    if (content.kind === "newer") {
      const what = `${store.location}/${key} has version ${content.version}, which this program does not know`;
      throw new ExporterError("ERR_DIGEST_UNREADABLE", `The digest ${what}. Update the program.`);
    }
    const digest = content.kind === "digest" ? content.digest : null;
    head = { number, sha256, runId: digest?.run_id ?? null };
    for (const { dt, source, ledger } of digest?.days ?? []) vouched.set(dayName(dt, source), ledger.sha256);
  }
  return { head, vouched };
}
