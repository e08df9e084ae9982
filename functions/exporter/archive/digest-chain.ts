import type { KeyObject } from "node:crypto";
import { PREFIXES } from "../contract.ts";
import { type ArchiveState, EMPTY_STATE, stateAfter } from "./archive-state.ts";
import { inBatches } from "./batches.ts";
import { type Digest, dayName, type ReadDigest, readDigest, sha256Of, type VouchedDay } from "./digest.ts";
import { digestKey, parseDigestKey } from "./layout.ts";
import { listEntries } from "./listing.ts";
import { algorithmOf, isSignedBy } from "./signing.ts";
import { type ArchiveStore, readOrTooLarge } from "./store.ts";

/** A digest as it lies in the archive. */
export interface Link {
  readonly key: string;
  /** By its key. */
  readonly number: number;
  /** Of its file: the `previous_sha256` of the digest that follows. */
  readonly sha256: string;
  readonly content: ReadDigest;
}

/** A day as the latest digest to name it vouches for it. */
export interface ChainDay extends VouchedDay {
  /** Number and run of that digest. */
  readonly number: number;
  readonly runId: string;
}

/** What digests say together, up to one of them. */
export interface ChainWalk {
  /** By `dayName`. */
  readonly days: ReadonlyMap<string, ChainDay>;
  /** The same, but for what was adopted and not accepted. */
  readonly sound: ReadonlyMap<string, ChainDay>;
  readonly state: ArchiveState;
}

/** Lists the numbers of the archive's digests, in ascending order. */
export async function digestNumbers(store: Pick<ArchiveStore, "list">): Promise<number[]> {
  const entries = await Array.fromAsync(listEntries(store, PREFIXES.digests, parseDigestKey));
  return entries.map(({ parsed }) => parsed).sort((one, other) => one - other);
}

/** Reads the digest with a number; null if it is not there. */
export async function readLink(store: Pick<ArchiveStore, "read">, number: number): Promise<Link | null> {
  const key = digestKey(number);
  const file = await readOrTooLarge(store, key);
  if (file === null) return null;
  if (file === "too large") return { key, number, sha256: "", content: { kind: "damaged", reason: "it is too large" } };
  return { key, number, sha256: sha256Of(file.body), content: readDigest(file.body) };
}

/** Reads every digest of the archive by ascending number, 16 at a time. */
export async function readLinks(store: ArchiveStore): Promise<Link[]> {
  const links = await inBatches(await digestNumbers(store), (number) => readLink(store, number));
  return links.filter((link) => link !== null);
}

/**
 * Reads what a digest and those before it say together, as far as each names the hash of the one before: at the first
 * that does not, the past ends. Costs a request for each digest.
 */
export async function walkTo(store: ArchiveStore, believed: Link): Promise<ChainWalk> {
  const links = (await readLinks(store)).filter(({ number }) => number <= believed.number);
  const past: Digest[] = [];
  let expected: string | null = believed.sha256;
  for (const { content, sha256 } of links.toReversed()) {
    if (content.kind !== "digest" || sha256 !== expected) break;
    past.unshift(content.digest);
    expected = content.digest.previous_sha256;
  }
  return walked(past);
}

/** Returns what digests, in their order, say together. */
export function walked(digests: Iterable<Digest>): ChainWalk {
  const days = new Map<string, ChainDay>();
  const sound = new Map<string, ChainDay>();
  let state = EMPTY_STATE;
  for (const digest of digests) {
    for (const day of digest.days) {
      const name = dayName(day.dt, day.source, day.dataset);
      const known = { ...day, number: digest.number, runId: digest.run_id };
      days.set(name, known);
      if (day.adopted === null) sound.set(name, known);
    }
    for (const { dt, source, dataset, ledger_sha256 } of digest.accepted) {
      const name = dayName(dt, source, dataset);
      const day = days.get(name);
      if (day?.ledger.sha256 === ledger_sha256) sound.set(name, day);
    }
    state = stateAfter(state, digest);
  }
  return { days, sound, state };
}

/** How a digest's signature stands with the keys that are trusted, by fingerprint. */
export type Standing = "good" | "unsigned" | "unknown key" | "wrong signature";

/** Judges a digest's signature. */
export function standingOf(
  { signed, signature }: Extract<ReadDigest, { kind: "digest" }>,
  trusted: ReadonlyMap<string, KeyObject>,
): Standing {
  if (signature === null) return "unsigned";
  const key = trusted.get(signature.key_fingerprint);
  if (key === undefined) return "unknown key";
  const isGood =
    algorithmOf(key) === signature.algorithm && isSignedBy(key, signed, Buffer.from(signature.signature, "base64"));
  return isGood ? "good" : "wrong signature";
}
