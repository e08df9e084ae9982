import { indexKey, stateKey } from "../../../functions/exporter/archive/layout.ts";
import type { Signer } from "../../../functions/exporter/archive/signing.ts";
import type { Forger } from "../forge.ts";
import { BOT, DAYS } from "../signed-archive.ts";
import { type Forgery, lines, newest, packed, type StolenKeys, vouchedDay } from "./forgery.ts";

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

/** The lines, with a piece of the first one replaced. */
const edited = (texts: string[], piece: RegExp, by: string) => [(texts[0] ?? "").replace(piece, by), ...texts.slice(1)];

const ACCEPTANCE = {
  dataset: "sessions",
  dt: DAYS[0],
  source: BOT,
  ledger_sha256: "0".repeat(64),
  reference: "T-1",
  actor: "me",
} as const;
const adopted = { previous_sha256: "0".repeat(64), reason: "for a test" };

/** Appends a digest that adopts the first day. */
async function adopt(forger: Forger, signer: Signer): Promise<string> {
  const day = await vouchedDay(forger);
  await forger.appendDigest(signer, { days: [{ ...day, adopted }] });
  return day.ledger.sha256;
}

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
    what: "a month has the bytes of the state",
    how: async (f) => {
      const { index, state } = await newest(f);
      await f.write(index[0]?.key ?? "", await f.read(state.key));
    },
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
  {
    what: "a month has another hash of a record",
    how: withMonth((texts) => edited(texts, /"sha256":"[0-9a-f]{64}"/, `"sha256":"${"0".repeat(64)}"`)),
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
    what: "the state has an acceptance that no digest has",
    how: withState((texts) => [...texts, JSON.stringify({ kind: "acceptance", digest: 1, ...ACCEPTANCE })]),
    code: "ERR_VERIFY_INDEX",
  },
  {
    what: "the state retires a key that no digest retires",
    how: withState((texts) => [...texts, `{"kind":"retired_key","key_fingerprint":"${"0".repeat(64)}","digest":1}`]),
    code: "ERR_VERIFY_INDEX",
  },
  {
    what: "the state is not packed",
    how: async (f, { own }) => {
      const texts = await lines(f, (await newest(f)).state.key);
      await f.appendDigest(own, { state: await packed(f, texts, stateKey, (text) => Buffer.from(String(text))) });
    },
    code: "ERR_VERIFY_INDEX",
  },
  {
    what: "the index has a month twice",
    how: async (f, { own }) => {
      const { index } = await newest(f);
      await f.appendDigest(own, { index: [...index, ...index] });
    },
    code: "ERR_VERIFY_INDEX",
  },
  {
    what: "a digest is of version 1, after others of version 2",
    how: (f, { own }) => f.appendDigest(own, { version: 1 as never }),
    code: "ERR_VERIFY_DIGEST_CHANGED",
  },
  {
    what: "a digest is of another archive",
    how: (f, { own }) => f.appendDigest(own, { archive_id: "11111111-2222-4333-8444-555555555555" }),
    code: "ERR_VERIFY_ARCHIVE_ID",
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
      await f.appendDigest(own, { accepted: [{ ...ACCEPTANCE, ledger_sha256: await adopt(f, own) }] });
    },
    code: "ERR_VERIFY_ADOPTED",
  },
  {
    what: "a day is adopted, and another record of it is accepted",
    how: async (f, { own, person }) => {
      await adopt(f, own);
      await f.appendDigest(person, { accepted: [ACCEPTANCE] });
    },
    code: "ERR_VERIFY_ADOPTED",
  },
];
