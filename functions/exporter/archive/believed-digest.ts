import { createPublicKey, type KeyObject } from "node:crypto";
import { ExporterError } from "../errors.ts";
import type { ReadDigest } from "./digest.ts";
import { digestNumbers, type Link, readLink, type Standing, standingOf } from "./digest-chain.ts";
import { publicKeyKey } from "./layout.ts";
import { fingerprintOf, type Signer } from "./signing.ts";
import { type ArchiveStore, readOrTooLarge } from "./store.ts";

/** Whose digests a run believes: those of its own key, and of keys with these fingerprints. */
export interface Trust {
  /** Null: the run's digests are not signed. */
  readonly signer: Signer | null;
  readonly trustedKeys: readonly string[];
}

/** A digest that can be read. */
export type ReadableLink = Link & { readonly content: Extract<ReadDigest, { kind: "digest" }> };

/** The end of the chain, as a run finds it. */
export interface ChainEnd {
  /** The newest digest, which the next one links to; null if there is none. */
  readonly head: Link | null;
  /** The newest digest that is good; null if none is. */
  readonly believed: ReadableLink | null;
  /** `ERR_DIGEST_NOT_TRUSTED` if the newest digest is not good, in an archive that is signed. */
  readonly problem: ExporterError | null;
}

/**
 * Finds the digest that a run believes. In an archive that was never signed that is the newest one that can be read; in
 * one that is, the newest with a good signature of a trusted key. A run without any key cannot tell: it believes the
 * newest one, says so, and signs nothing that would cover it. Throws `ERR_DIGEST_UNREADABLE` if the newest digest is of a
 * newer version.
 */
export async function readChainEnd(store: ArchiveStore, trust: Trust): Promise<ChainEnd> {
  const numbers = await digestNumbers(store);
  const head = await readLink(store, numbers.at(-1) ?? 0);
  if (head === null) return { head: null, believed: null, problem: null };
  if (head.content.kind === "newer") throw newer(store, head, head.content.version);
  const trusted = await trustedKeysOf(store, trust);
  const standing = standingIn(head, trusted);
  if (isReadable(head) && standing === "good") return { head, believed: head, problem: null };
  const { good, readable, isSigned } = await searchBack(store, numbers, trusted);
  // Nothing to check in an archive that was never signed; and without a key nothing can be checked.
  const believed = trusted.size === 0 || !isSigned ? readable : good;
  return { head, believed, problem: isSigned && standing !== "good" ? problemOf(store, head, standing) : null };
}

/** What lies before a newest digest that is not good. */
interface Earlier {
  /** The newest with a good signature. */
  readonly good: ReadableLink | null;
  readonly readable: ReadableLink | null;
  /** True if any digest is signed; without a key, only as far as it was looked for. */
  readonly isSigned: boolean;
}

async function searchBack(
  store: ArchiveStore,
  numbers: readonly number[],
  trusted: ReadonlyMap<string, KeyObject>,
): Promise<Earlier> {
  let readable: ReadableLink | null = null;
  let isSigned = false;
  for (const number of numbers.toReversed()) {
    const link = await readLink(store, number);
    if (!isReadable(link)) continue;
    readable ??= link;
    isSigned ||= link.content.signature !== null;
    if (standingIn(link, trusted) === "good") return { good: link, readable, isSigned };
    if (trusted.size === 0) break;
  }
  return { good: null, readable, isSigned };
}

function standingIn({ content }: Link, trusted: ReadonlyMap<string, KeyObject>): Standing | "damaged" {
  return content.kind === "digest" ? standingOf(content, trusted) : "damaged";
}

function isReadable(link: Link | null): link is ReadableLink {
  return link?.content.kind === "digest";
}

const WRONG: Readonly<Record<Exclude<Standing, "good"> | "damaged", string>> = {
  damaged: "is damaged",
  unsigned: "is not signed, while earlier ones are",
  "unknown key": "is signed with a key that this run does not trust",
  "wrong signature": "has a signature that is not its key's",
};

function problemOf(store: ArchiveStore, head: Link, standing: Exclude<Standing, "good"> | "damaged"): ExporterError {
  const signature = head.content.kind === "digest" ? head.content.signature : null;
  const whose = signature === null ? "" : ` (${signature.key_fingerprint})`;
  const message =
    `The newest digest, ${store.location}/${head.key}, ${WRONG[standing]}${whose}. If the key is yours, set KORE_SIGNING_KEY to ` +
    "it, or name its fingerprint in KORE_TRUSTED_KEYS (stack: trustedKeys). If not, somebody has written to the archive: " +
    "run verify with your public keys and a head that you kept.";
  return new ExporterError("ERR_DIGEST_NOT_TRUSTED", message);
}

/** A fingerprint names its key: whoever put the public key beside the digests does not matter. */
async function trustedKeysOf(store: ArchiveStore, { signer, trustedKeys }: Trust): Promise<Map<string, KeyObject>> {
  const keys = new Map<string, KeyObject>(signer === null ? [] : [[signer.fingerprint, signer.publicKey]]);
  for (const fingerprint of trustedKeys) {
    const object = keys.has(fingerprint) ? null : await readOrTooLarge(store, publicKeyKey(fingerprint));
    const key = object === null || object === "too large" ? null : publicKeyIn(object.body);
    if (key !== null && fingerprintOf(key) === fingerprint) keys.set(fingerprint, key);
  }
  return keys;
}

function publicKeyIn(pem: Buffer): KeyObject | null {
  try {
    return createPublicKey(pem);
  } catch {
    return null;
  }
}

function newer({ location }: ArchiveStore, { key }: Link, version: number): ExporterError {
  const what = `${location}/${key} has version ${version}, which this program does not know`;
  return new ExporterError("ERR_DIGEST_UNREADABLE", `The digest ${what}. Update the program.`);
}
