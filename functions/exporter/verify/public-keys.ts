import { sha256Of } from "../archive/digest.ts";
import type { Link } from "../archive/digest-chain.ts";
import { parseDigestKey, parsePublicKeyKey, publicKeyKey } from "../archive/layout.ts";
import { listEntries } from "../archive/listing.ts";
import { type ArchiveStore, readOrTooLarge } from "../archive/store.ts";
import { PREFIXES } from "../contract.ts";
import { addedTo, type Find } from "./finding.ts";

/**
 * Checks that beside digests lie the public keys of those who signed them, each under its own fingerprint, and nothing else.
 * None of them is trusted for lying there.
 */
export async function checkPublicKeys(store: ArchiveStore, links: readonly Link[], find: Find): Promise<void> {
  const missing = new Set(links.flatMap(({ content }) => signerOf(content) ?? []));
  const signers = new Set(missing);
  const parse = (key: string) => parseDigestKey(key) ?? parsePublicKeyKey(key);
  for await (const { key, parsed } of listEntries(store, PREFIXES.digests, parse, addedTo(find))) {
    if (typeof parsed === "number") continue;
    missing.delete(parsed);
    const file = await readOrTooLarge(store, key);
    if (file === "too large" || fingerprintIn(file?.body) !== parsed) {
      find("ERR_VERIFY_FILE_CHANGED", key, "is not the public key with this fingerprint.");
    } else if (!signers.has(parsed)) {
      find("ERR_VERIFY_FILE_ADDED", key, "is the public key of somebody who signed no digest.");
    }
  }
  for (const fingerprint of missing) {
    find("ERR_VERIFY_FILE_MISSING", publicKeyKey(fingerprint), "was removed: digests are signed with this key.");
  }
}

function signerOf(content: Link["content"]): string | null {
  return content.kind === "digest" ? (content.signature?.key_fingerprint ?? null) : null;
}

/** Fingerprint of a key in PEM: SHA-256 of what stands between its first and last line. It has one spelling, as runs write it. */
function fingerprintIn(pem: Buffer | undefined): string | null {
  const [, base64 = ""] = /^-----BEGIN PUBLIC KEY-----\n([^-]+)\n-----END PUBLIC KEY-----\n$/.exec(String(pem)) ?? [];
  const der = Buffer.from(base64, "base64");
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return lines.length > 0 && lines.join("\n") === base64 ? sha256Of(der) : null;
}
