import type { KeyObject } from "node:crypto";
import { type Digest, type DigestSignature, sha256Of, type VouchedDay } from "../archive/digest.ts";
import { dayName, type Link, readLinks } from "../archive/digest-chain.ts";
import { digestKey, parseDigestKey, parsePublicKeyKey } from "../archive/layout.ts";
import { listEntries } from "../archive/listing.ts";
import { algorithmOf, fingerprintOf, isSignedBy } from "../archive/signing.ts";
import type { ArchiveStore } from "../archive/store.ts";
import { PREFIXES } from "../contract.ts";
import { addedTo, type Find } from "./finding.ts";

/** A day as the latest digest to name it vouches for it. */
export interface VouchedState extends VouchedDay {
  /** Number and run of that digest. */
  readonly number: number;
  readonly runId: string;
  /** SHA-256 of the records that earlier digests vouched for. */
  readonly earlier: ReadonlySet<string>;
}

/** What the digests say, and how far they can be believed. */
export interface CheckedChain {
  readonly head: { readonly number: number; readonly sha256: string } | null;
  readonly digests: number;
  /** How many digests carry a good signature of a trusted key. */
  readonly signed: number;
  /** By `dayName`. */
  readonly days: ReadonlyMap<string, VouchedState>;
}

/** What the person who verifies brings along, from outside of the archive. */
export interface Trust {
  /** None: signatures are not checked. */
  readonly publicKeys: readonly KeyObject[];
  /** SHA-256 of a digest that some run told; null: not known. */
  readonly head: string | null;
}

/** Reads every digest, and finds what is wrong with them and between them. */
export async function checkChain(store: ArchiveStore, trust: Trust, find: Find): Promise<CheckedChain> {
  await checkOtherFiles(store, find);
  const links = await readLinks(store);
  checkNumbers(links, find);
  checkLinks(links, find);
  const signed = trust.publicKeys.length === 0 ? 0 : checkSignatures(links, trust.publicKeys, find);
  const last = links.at(-1);
  if (trust.head !== null && !links.some(({ sha256 }) => sha256 === trust.head)) {
    const newest = last === undefined ? "there is none" : `the newest is number ${last.number}, ${last.sha256}`;
    find("ERR_VERIFY_HEAD_MISSING", "", `No digest has the hash ${trust.head}; ${newest}.`);
  }
  const head = last ? { number: last.number, sha256: last.sha256 } : null;
  return { head, digests: links.length, signed, days: vouchedDays(links) };
}

/** Beside digests only public keys lie, each under its own fingerprint. */
async function checkOtherFiles(store: ArchiveStore, find: Find): Promise<void> {
  const parse = (key: string) => parseDigestKey(key) ?? parsePublicKeyKey(key);
  for await (const { key, parsed } of listEntries(store, PREFIXES.digests, parse, addedTo(find))) {
    const fingerprint = parsed;
    if (typeof fingerprint === "number") continue;
    if (fingerprintIn((await store.read(key))?.body) !== fingerprint) {
      find("ERR_VERIFY_FILE_CHANGED", key, "is not the public key with this fingerprint.");
    }
  }
}

/** Fingerprint of a key in PEM: SHA-256 of what stands between its first and last line. */
function fingerprintIn(pem: Buffer | undefined): string | null {
  const [, base64] =
    /^-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/=\n]+)\n-----END PUBLIC KEY-----\n$/.exec(String(pem)) ?? [];
  return base64 === undefined ? null : sha256Of(Buffer.from(base64, "base64"));
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
  if (before?.number !== number - 1 || before.sha256 === digest.previous_sha256) return;
  const hashes = `its hash is ${before.sha256}, and the one after it names ${digest.previous_sha256}`;
  find("ERR_VERIFY_DIGEST_CHANGED", before.key, `or the one after it was changed: ${hashes}.`);
}

/** Digests before the first signed one are covered by its signature, since each names the hash of the one before. */
function checkSignatures(links: readonly Link[], trusted: readonly KeyObject[], find: Find): number {
  const keys = new Map(trusted.map((key) => [fingerprintOf(key), key]));
  let signed = 0;
  for (const { key, content } of links) {
    if (content.kind !== "digest") continue;
    const { signature } = content;
    if (signature === null) {
      if (signed > 0) find("ERR_VERIFY_SIGNATURE_MISSING", key, "is not signed, while an earlier one is.");
      continue;
    }
    if (checkSignature(key, content.signed, signature, keys.get(signature.key_fingerprint), find)) signed++;
  }
  const last = links.at(-1);
  if (signed === 0 && last?.content.kind === "digest" && last.content.signature === null) {
    find("ERR_VERIFY_SIGNATURE_MISSING", last.key, "is not signed, and neither is any other that could cover it.");
  }
  return signed;
}

function checkSignature(
  key: string,
  signed: Buffer,
  { algorithm, key_fingerprint, signature }: DigestSignature,
  trusted: KeyObject | undefined,
  find: Find,
): boolean {
  if (trusted === undefined) {
    find("ERR_VERIFY_KEY_UNKNOWN", key, `is signed with the key ${key_fingerprint}, which is none of those given.`);
    return false;
  }
  const good = algorithmOf(trusted) === algorithm && isSignedBy(trusted, signed, Buffer.from(signature, "base64"));
  if (!good) find("ERR_VERIFY_SIGNATURE_WRONG", key, "has a signature that is not over this digest by its key.");
  return good;
}

function vouchedDays(links: readonly Link[]): Map<string, VouchedState> {
  const days = new Map<string, VouchedState>();
  const digests = links.flatMap(({ content }): Digest[] => (content.kind === "digest" ? [content.digest] : []));
  for (const { number, run_id: runId, days: vouched } of digests) {
    for (const day of vouched) {
      const name = dayName(day.dt, day.source);
      const before = days.get(name);
      const earlier = new Set([...(before?.earlier ?? []), ...(before ? [before.ledger.sha256] : [])]);
      days.set(name, { ...day, number, runId, earlier });
    }
  }
  return days;
}
