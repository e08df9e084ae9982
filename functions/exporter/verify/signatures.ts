import type { KeyObject } from "node:crypto";
import { type Link, standingOf } from "../archive/digest-chain.ts";
import { fingerprintOf } from "../archive/signing.ts";
import type { Find } from "./finding.ts";

/**
 * Finds what is wrong with signatures, and returns how many are good. Digests before the first signed one are covered by
 * its signature, since each names the hash of the one before. Without a key, only retired keys are looked for.
 */
export function checkSignatures(links: readonly Link[], trusted: readonly KeyObject[], find: Find): number {
  checkRetired(links, find);
  const keys = new Map(trusted.map((key) => [fingerprintOf(key), key]));
  if (keys.size === 0) return 0;
  let signed = 0;
  for (const { key, content } of links) {
    if (content.kind === "digest" && checkSignature({ key, content }, keys, signed > 0, find)) signed++;
  }
  const last = links.at(-1);
  if (signed === 0 && last?.content.kind === "digest" && last.content.signature === null) {
    find("ERR_VERIFY_SIGNATURE_MISSING", last.key, "is not signed, and neither is any other that could cover it.");
  }
  return signed;
}

/** A key cannot retire itself, nor can somebody without a key retire one. */
function checkRetired(links: readonly Link[], find: Find): void {
  const retired = new Map<string, number>();
  for (const { key, number, content } of links) {
    const signedBy = content.kind === "digest" ? content.signature?.key_fingerprint : undefined;
    if (content.kind !== "digest" || signedBy === undefined) continue;
    const by = retired.get(signedBy);
    if (by !== undefined) {
      find("ERR_VERIFY_KEY_RETIRED", key, `is signed with the key ${signedBy}, which digest ${by} retired.`);
    }
    for (const one of content.digest.retires) if (one !== signedBy && !retired.has(one)) retired.set(one, number);
  }
}

function checkSignature(
  { key, content }: { readonly key: string; readonly content: Extract<Link["content"], { kind: "digest" }> },
  trusted: ReadonlyMap<string, KeyObject>,
  isSignedBefore: boolean,
  find: Find,
): boolean {
  const standing = standingOf(content, trusted);
  if (standing === "unsigned" && isSignedBefore) {
    find("ERR_VERIFY_SIGNATURE_MISSING", key, "is not signed, while an earlier one is.");
  }
  if (standing === "unknown key") {
    const fingerprint = content.signature?.key_fingerprint;
    find("ERR_VERIFY_KEY_UNKNOWN", key, `is signed with the key ${fingerprint}, which is none of those given.`);
  }
  if (standing === "wrong signature") {
    find("ERR_VERIFY_SIGNATURE_WRONG", key, "has a signature that is not over this digest by its key.");
  }
  return standing === "good";
}
