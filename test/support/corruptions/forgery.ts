import { gunzipSync, gzipSync } from "node:zlib";
import type { DigestV2, VouchedDay } from "../../../functions/exporter/archive/digest.ts";
import { readLinks } from "../../../functions/exporter/archive/digest-chain.ts";
import { FolderStore } from "../../../functions/exporter/archive/folder-store.ts";
import { ledgerKey } from "../../../functions/exporter/archive/layout.ts";
import type { Signer } from "../../../functions/exporter/archive/signing.ts";
import type { FindingCode } from "../../../functions/exporter/verify/finding.ts";
import { type Forger, sha256 } from "../forge.ts";
import { BOT, DAYS } from "../signed-archive.ts";
import { VirtualClock } from "../virtual-clock.ts";

/** Keys that a forger has got hold of: the run's, and a person's, both of whom the verifier trusts. */
export interface StolenKeys {
  readonly own: Signer;
  readonly person: Signer;
}

/** Something that somebody does to the proof of an archive. */
export interface Forgery {
  readonly what: string;
  readonly how: (forger: Forger, keys: StolenKeys) => Promise<unknown>;
  readonly code: FindingCode;
}

/** Returns the newest digest, as it lies there. */
export async function newest(forger: Forger): Promise<DigestV2> {
  const links = await readLinks(new FolderStore(forger.archive, new VirtualClock("2026-01-06T04:00:00Z")));
  const content = links.at(-1)?.content;
  if (content?.kind !== "digest") throw new Error("the newest digest cannot be read");
  return content.digest as DigestV2;
}

/** Returns the lines of a file of the index. */
export const lines = async (forger: Forger, key: string) =>
  gunzipSync(await forger.read(key))
    .toString("utf8")
    .trimEnd()
    .split("\n");

/** Writes lines under the name of their hash, and returns what a digest calls them. */
export async function packed(
  forger: Forger,
  texts: readonly string[],
  keyOf: (hash: string) => string,
  pack = gzipSync,
) {
  const body = pack(texts.map((text) => `${text}\n`).join(""));
  const hash = sha256(body);
  await forger.write(keyOf(hash), body);
  return { key: keyOf(hash), sha256: hash, bytes: body.length, version_id: null };
}

/** Returns what the newest digest to name the first day says of it. */
export async function vouchedDay(forger: Forger): Promise<VouchedDay> {
  const links = await readLinks(new FolderStore(forger.archive, new VirtualClock("2026-01-06T04:00:00Z")));
  const all = links.flatMap(({ content }) => (content.kind === "digest" ? content.digest.days : []));
  const day = all.findLast(({ ledger }) => ledger.key === ledgerKey(DAYS[0], BOT));
  if (day === undefined) throw new Error("no digest names the first day");
  return day;
}
