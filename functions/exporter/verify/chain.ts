import type { KeyObject } from "node:crypto";
import { type ArchiveState, EMPTY_STATE, stateAfter, stateLines } from "../archive/archive-state.ts";
import { type Digest, dayName, type VouchedDay } from "../archive/digest.ts";
import { type Link, readLinks } from "../archive/digest-chain.ts";
import { digestKey } from "../archive/layout.ts";
import type { ArchiveStore } from "../archive/store.ts";
import { AdoptionBook } from "./adoptions.ts";
import type { Find } from "./finding.ts";
import { checkPublicKeys } from "./public-keys.ts";
import { checkSignatures } from "./signatures.ts";

/** A day as the latest digest to name it vouches for it. */
export interface VouchedState extends VouchedDay {
  /** Number, version and run of that digest. */
  readonly number: number;
  readonly version: Digest["version"];
  readonly runId: string;
  /** What each digest said of the day, this one included, in their order. */
  readonly history: readonly Vouching[];
}

/** What a digest said of a day. */
export interface Vouching {
  readonly number: number;
  /** Fingerprint of the key that signed it; null if it is not signed. */
  readonly signedBy: string | null;
  readonly day: VouchedDay;
}

/** What the digests say, and how far they can be believed. */
export interface CheckedChain {
  readonly head: { readonly number: number; readonly sha256: string } | null;
  /** The newest digest, if it can be read, and the fingerprint of the key that signed it. */
  readonly newest: { readonly digest: Digest; readonly signedBy: string | null } | null;
  readonly digests: number;
  /** How many digests carry a good signature of a trusted key. */
  readonly signed: number;
  /** The archive's id; null while it has digests of version 1 alone. */
  readonly archiveId: string | null;
  /** By `dayName`. */
  readonly days: ReadonlyMap<string, VouchedState>;
  /** What they say beside days; and what those of the newest digest's key say. */
  readonly state: ArchiveState;
  readonly ownState: ArchiveState;
  /** Lines of a state that each digest of another key gives by itself. */
  readonly othersLines: ReadonlySet<string>;
  readonly adoptions: AdoptionBook;
}

/** What the person who verifies brings along, from outside of the archive. */
export interface Trust {
  /** None: signatures are not checked. */
  readonly publicKeys: readonly KeyObject[];
  /** SHA-256 of a digest that some run told; null: not known. */
  readonly head: string | null;
  /** The archive's id, as runs and `status` print it; null: not known. */
  readonly archiveId: string | null;
}

/** Reads every digest, and finds what is wrong with them and between them. */
export async function checkChain(store: ArchiveStore, trust: Trust, find: Find): Promise<CheckedChain> {
  const links = await readLinks(store);
  await checkPublicKeys(store, links, find);
  checkNumbers(links, find);
  checkLinks(links, find);
  const signed = checkSignatures(links, trust.publicKeys, find);
  const archiveId = checkArchiveIds(links, trust.archiveId, find);
  checkHead(links, trust.head, find);
  const last = links.at(-1);
  const newest = last?.content.kind === "digest" ? signedDigest(last.content) : null;
  const head = last ? { number: last.number, sha256: last.sha256 } : null;
  return { head, newest, digests: links.length, signed, archiveId, ...said(links, newest?.signedBy ?? null) };
}

function checkNumbers(links: readonly Link[], find: Find): void {
  if (links.length === 0) {
    find("ERR_VERIFY_DIGEST_MISSING", "", "There is no digest: they were removed, or no run ever wrote one.");
  }
  let expected = 1;
  for (const { number } of links) {
    const [first, last] = [expected, number - 1];
    if (first === last) find("ERR_VERIFY_DIGEST_MISSING", digestKey(first), "was removed.");
    if (first < last) {
      find("ERR_VERIFY_DIGEST_MISSING", digestKey(first), `was removed, and so was every other one up to ${last}.`);
    }
    expected = number + 1;
  }
}

function checkLinks(links: readonly Link[], find: Find): void {
  links.forEach((link, index) => {
    const wrong = wrongOf(link);
    if (wrong !== null) find("ERR_VERIFY_DIGEST_CHANGED", link.key, wrong);
    else if (link.content.kind === "digest") checkLink(link, link.content.digest, links[index - 1], find);
  });
}

function wrongOf({ content, number }: Link): string | null {
  if (content.kind === "damaged") return `is damaged: ${content.reason}.`;
  if (content.kind === "newer") return `has version ${content.version}; update this program to read it.`;
  const isFirst = number === 1 && content.digest.previous_sha256 !== null;
  return isFirst ? "is the first, and names one before it." : null;
}

function checkLink({ key, number }: Link, digest: Digest, before: Link | undefined, find: Find): void {
  if (digest.number !== number) find("ERR_VERIFY_DIGEST_ORDER", key, `says that it is number ${digest.number}.`);
  const earlier = before?.content.kind === "digest" ? before.content.digest.version : digest.version;
  if (earlier > digest.version)
    find("ERR_VERIFY_DIGEST_CHANGED", key, `has version 1, after one of version ${earlier}.`);
  if (before?.number !== number - 1 || before.sha256 === digest.previous_sha256) return;
  const hashes = `its hash is ${before.sha256}, and the one after it names ${digest.previous_sha256}`;
  find("ERR_VERIFY_DIGEST_CHANGED", before.key, `or the one after it was changed: ${hashes}.`);
}

function checkArchiveIds(links: readonly Link[], expected: string | null, find: Find): string | null {
  let known: string | null = null;
  for (const { key, content } of links) {
    const id = content.kind === "digest" ? content.digest.archive_id : null;
    if (id === null) continue;
    known ??= id;
    if (id !== known)
      find("ERR_VERIFY_ARCHIVE_ID", key, `is of the archive ${id}, while earlier ones are of ${known}.`);
  }
  if (expected !== null && expected !== known) {
    const found = known === null ? "has no id yet, since its digests are of version 1" : `is ${known}`;
    find("ERR_VERIFY_ARCHIVE_ID", "", `This archive ${found}, and not ${expected}: another one lies in its place.`);
  }
  return known;
}

function checkHead(links: readonly Link[], head: string | null, find: Find): void {
  if (head === null || links.some(({ sha256 }) => sha256 === head)) return;
  const last = links.at(-1);
  const newest = last === undefined ? "there is none" : `the newest is number ${last.number}, ${last.sha256}`;
  find("ERR_VERIFY_HEAD_MISSING", "", `No digest has the hash ${head}; ${newest}.`);
}

function signedDigest({ digest, signature }: Extract<Link["content"], { kind: "digest" }>) {
  return { digest, signedBy: signature?.key_fingerprint ?? null };
}

function said(
  links: readonly Link[],
  newestKey: string | null,
): Pick<CheckedChain, "days" | "state" | "ownState" | "othersLines" | "adoptions"> {
  const days = new Map<string, VouchedState>();
  const adoptions = new AdoptionBook();
  let [state, ownState] = [EMPTY_STATE, EMPTY_STATE];
  const othersLines = new Set<string>();
  for (const { content } of links) {
    if (content.kind !== "digest") continue;
    const { digest, signedBy } = signedDigest(content);
    const { number, version, run_id: runId } = digest;
    for (const day of digest.days) {
      const name = dayName(day.dt, day.source, day.dataset);
      const history = [...(days.get(name)?.history ?? []), { number, signedBy, day }];
      days.set(name, { ...day, number, version, runId, history });
    }
    adoptions.add(digest, signedBy);
    state = stateAfter(state, digest);
    if (signedBy === newestKey) ownState = stateAfter(ownState, digest);
    else for (const line of stateLines(stateAfter(EMPTY_STATE, digest))) othersLines.add(line);
  }
  return { days, state, ownState, othersLines, adoptions };
}
