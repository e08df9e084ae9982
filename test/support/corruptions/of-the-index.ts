import { readdir } from "node:fs/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import type { DigestV2 } from "../../../functions/exporter/archive/digest.ts";
import { readLinks } from "../../../functions/exporter/archive/digest-chain.ts";
import { FolderStore } from "../../../functions/exporter/archive/folder-store.ts";
import { indexKey, ledgerKey, stateKey } from "../../../functions/exporter/archive/layout.ts";
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

/** The newest digest, as it lies there. */
async function newest(forger: Forger): Promise<DigestV2> {
  const links = await readLinks(new FolderStore(forger.archive, new VirtualClock("2026-01-06T04:00:00Z")));
  const content = links.at(-1)?.content;
  if (content?.kind !== "digest") throw new Error("the newest digest cannot be read");
  return content.digest as DigestV2;
}

const lines = async (forger: Forger, key: string) =>
  gunzipSync(await forger.read(key))
    .toString("utf8")
    .trimEnd()
    .split("\n");

/** Writes lines under the name of their hash, and returns what a digest calls them. */
async function packed(forger: Forger, texts: readonly string[], keyOf: (hash: string) => string, pack = gzipSync) {
  const body = pack(texts.map((text) => `${text}\n`).join(""));
  const hash = sha256(body);
  await forger.write(keyOf(hash), body);
  return { key: keyOf(hash), sha256: hash, bytes: body.length, version_id: null };
}

/** Appends a digest with the run's key whose month has other lines. */
const withMonth =
  (change: (texts: string[]) => string[], records: (count: number) => number = (count) => count) =>
  async (forger: Forger, { own }: StolenKeys) => {
    const { index } = await newest(forger);
    const [month] = index;
    if (month === undefined) throw new Error("there is no index");
    const texts = change(await lines(forger, month.key));
    const ref = await packed(forger, texts, (hash) => indexKey(month.month, hash));
    await forger.appendDigest(own, { index: [{ ...month, ...ref, records: records(texts.length) }] });
  };

/** The same of the state. */
const withState =
  (change: (texts: string[]) => string[]) =>
  async (forger: Forger, { own }: StolenKeys) => {
    const texts = change(await lines(forger, (await newest(forger)).state.key));
    await forger.appendDigest(own, { state: await packed(forger, texts, stateKey) });
  };

/** A line whose member is another. */
const edited = (texts: string[], piece: RegExp, by: string) => [(texts[0] ?? "").replace(piece, by), ...texts.slice(1)];

const adopted = { previous_sha256: "0".repeat(64), reason: "for a test" };

/** Appends a digest that adopts the first day. */
async function adopt(forger: Forger, signer: Signer): Promise<string> {
  const { days } = await vouchedDay(forger);
  await forger.appendDigest(signer, { days: days.map((day) => ({ ...day, adopted })) });
  return days[0]?.ledger.sha256 ?? "";
}

async function vouchedDay(forger: Forger) {
  const links = await readLinks(new FolderStore(forger.archive, new VirtualClock("2026-01-06T04:00:00Z")));
  const all = links.flatMap(({ content }) => (content.kind === "digest" ? content.digest.days : []));
  return { days: all.filter(({ ledger }) => ledger.key === ledgerKey(DAYS[0], BOT)).slice(-1) };
}

const erasure = async (forger: Forger) => `erasures/${(await readdir(forger.path("erasures")))[0]}`;

/** Done to the index and to what digests say beside days, by somebody who may write, or even sign. */
export const OF_THE_INDEX: readonly Forgery[] = [
  {
    what: "a month that the newest digest names is removed",
    how: async (f) => f.remove((await newest(f)).index[0]?.key ?? ""),
    code: "ERR_VERIFY_FILE_MISSING",
  },
  {
    what: "the state that the newest digest names is removed",
    how: async (f) => f.remove((await newest(f)).state.key),
    code: "ERR_VERIFY_FILE_MISSING",
  },
  {
    what: "a month has other bytes",
    how: async (f) => f.edit((await newest(f)).index[0]?.key ?? "", (bytes) => bytes.fill(1, 20, 21)),
    code: "ERR_VERIFY_FILE_CHANGED",
  },
  {
    what: "the state has other bytes",
    how: async (f) => f.edit((await newest(f)).state.key, (bytes) => Buffer.concat([bytes, Buffer.from("x")])),
    code: "ERR_VERIFY_FILE_CHANGED",
  },
  {
    what: "a month's record is another",
    how: withMonth((texts) => edited(texts, /"total":\d+/, '"total":7')),
    code: "ERR_VERIFY_INDEX",
  },
  {
    what: "a month names another digest for a day",
    how: withMonth((texts) => edited(texts, /"digest":\d+/, '"digest":1')),
    code: "ERR_VERIFY_INDEX",
  },
  {
    what: "a month says that nobody vouches for a day",
    how: withMonth((texts) => edited(texts, /"digest":\d+/, '"digest":null')),
    code: "ERR_VERIFY_INDEX",
  },
  { what: "a month lacks a day", how: withMonth((texts) => texts.slice(1)), code: "ERR_VERIFY_INDEX" },
  { what: "a month has a day twice", how: withMonth((texts) => [texts[0] ?? "", ...texts]), code: "ERR_VERIFY_INDEX" },
  {
    what: "a month has its days in another order",
    how: withMonth((texts) => texts.reverse()),
    code: "ERR_VERIFY_INDEX",
  },
  {
    what: "a month has another count",
    how: withMonth(
      (texts) => texts,
      (count) => count + 1,
    ),
    code: "ERR_VERIFY_INDEX",
  },
  { what: "a month has a line that is none", how: withMonth((texts) => [...texts, "{}"]), code: "ERR_VERIFY_INDEX" },
  {
    what: "a month is not packed",
    how: async (f, { own }) => {
      const { index } = await newest(f);
      const texts = await lines(f, index[0]?.key ?? "");
      const ref = await packed(
        f,
        texts,
        (hash) => indexKey("2026-01", hash),
        (text) => Buffer.from(String(text)),
      );
      await f.appendDigest(own, { index: [{ month: "2026-01", records: texts.length, ...ref }] });
    },
    code: "ERR_VERIFY_INDEX",
  },
  {
    what: "the index names no month",
    how: (f, { own }) => f.appendDigest(own, { index: [] }),
    code: "ERR_VERIFY_INDEX",
  },
  { what: "the state lacks the erasure", how: withState((texts) => texts.slice(1)), code: "ERR_VERIFY_INDEX" },
  {
    what: "the state has an erasure more",
    how: withState((texts) => [...texts, (texts[0] ?? "").replace(/[0-9a-f]{64}/, "0".repeat(64))]),
    code: "ERR_VERIFY_INDEX",
  },
  {
    what: "a digest is of another archive",
    how: (f, { own }) => f.appendDigest(own, { archive_id: "11111111-2222-4333-8444-555555555555" }),
    code: "ERR_VERIFY_ARCHIVE_ID",
  },
  {
    what: "a digest names an erasure that is not there",
    how: async (f, { own }) => {
      const [ref] = (await vouchedDay(f)).days.map(({ ledger }) => ({
        ...ledger,
        key: `erasures/${"1".repeat(64)}.json`,
      }));
      await f.appendDigest(own, { erasures: ref ? [ref] : [] });
    },
    code: "ERR_VERIFY_FILE_MISSING",
  },
  {
    what: "a key signs that was retired before",
    how: async (f, { own, person }) => {
      await f.appendDigest(person, { retires: [own.fingerprint] });
      await f.appendDigest(own);
    },
    code: "ERR_VERIFY_KEY_RETIRED",
  },
  { what: "a day is adopted", how: (f, { own }) => adopt(f, own), code: "ERR_VERIFY_ADOPTED" },
  {
    what: "a day is adopted, and accepted with the same key",
    how: async (f, { own }) => {
      const about = { dataset: "sessions", dt: DAYS[0], source: BOT, reference: "T-1", actor: "me" } as const;
      await f.appendDigest(own, { accepted: [{ ...about, ledger_sha256: await adopt(f, own) }] });
    },
    code: "ERR_VERIFY_ADOPTED",
  },
  {
    what: "a day is adopted, and another record of it is accepted",
    how: async (f, { own, person }) => {
      await adopt(f, own);
      const about = { dataset: "sessions", dt: DAYS[0], source: BOT, reference: "T-1", actor: "me" } as const;
      await f.appendDigest(person, { accepted: [{ ...about, ledger_sha256: "0".repeat(64) }] });
    },
    code: "ERR_VERIFY_ADOPTED",
  },
  {
    what: "the erasure's record is removed",
    how: async (f) => f.remove(await erasure(f)),
    code: "ERR_VERIFY_FILE_MISSING",
  },
  {
    what: "the erasure's record is renamed",
    how: async (f) => f.move(await erasure(f), `erasures/${"2".repeat(64)}.json`),
    code: "ERR_VERIFY_ERASURE_UNKNOWN",
  },
  {
    what: "the erasure's record is copied",
    how: async (f) => f.write(`erasures/${"2".repeat(64)}.json`, await f.read(await erasure(f))),
    code: "ERR_VERIFY_ERASURE_UNKNOWN",
  },
  {
    what: "the erasure's record is edited",
    how: async (f) => f.replace(await erasure(f), "T-1", "T-2"),
    code: "ERR_VERIFY_FILE_CHANGED",
  },
  {
    what: "a legal hold is slipped in",
    how: (f) => f.write("holds/matter-1.json", "{}\n"),
    code: "ERR_VERIFY_FILE_ADDED",
  },
];
