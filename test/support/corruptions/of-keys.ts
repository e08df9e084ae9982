import { indexKey } from "../../../functions/exporter/archive/layout.ts";
import type { Forger } from "../forge.ts";
import { type Forgery, lines, newest, packed, type StolenKeys, vouchedDay } from "./forgery.ts";

/** Appends a digest that vouches for a day of another source. */
const ofSource =
  (source: string) =>
  async (f: Forger, { own }: StolenKeys) =>
    f.appendDigest(own, { days: [{ ...(await vouchedDay(f)), source }] });

/** Appends a digest, with an index to match, whose record of the first day lies under another key. */
async function underAnotherKey(f: Forger, { own }: StolenKeys): Promise<void> {
  const [day, { number, index }] = [await vouchedDay(f), await newest(f)];
  const [month] = index;
  if (month === undefined) throw new Error("there is no index");
  const moved = { ...day, ledger: { ...day.ledger, key: "exports/dt=2026-01-01/elsewhere.json" } };
  const texts = (await lines(f, month.key)).map((text) =>
    text.includes(day.ledger.key)
      ? text.replace(day.ledger.key, moved.ledger.key).replace(/"digest":\d+/, `"digest":${number + 1}`)
      : text,
  );
  const ref = await packed(f, texts, (hash) => indexKey(month.month, hash));
  await f.appendDigest(own, { days: [moved], index: [{ ...month, ...ref }] });
}

/** Digests that name what no archive has, or what lies outside of it: nothing there is read, and the rest is checked. */
export const OF_KEYS: readonly Forgery[] = [
  { what: "a day's source leads out of the archive", how: ofSource("../../.."), code: "ERR_VERIFY_FILE_MISSING" },
  { what: "a day's source is empty", how: ofSource(""), code: "ERR_VERIFY_FILE_MISSING" },
  { what: "a day's source has a control character", how: ofSource("a\u0000b"), code: "ERR_VERIFY_FILE_MISSING" },
  { what: "a day's source is longer than names are", how: ofSource("a".repeat(300)), code: "ERR_VERIFY_FILE_MISSING" },
  {
    what: "a day's file is named as none can be",
    how: async (f, { own }) => {
      const day = await vouchedDay(f);
      const files = day.files.map((file) => ({ ...file, key: `../${file.key}` }));
      await f.appendDigest(own, { days: [{ ...day, files }] });
    },
    code: "ERR_VERIFY_FILE_MISSING",
  },
  {
    what: "a day's file has a longer name than names are",
    how: async (f, { own }) => {
      const day = await vouchedDay(f);
      const files = day.files.map((file) => ({ ...file, key: `sessions/${"a".repeat(300)}/${file.key}` }));
      await f.appendDigest(own, { days: [{ ...day, files }] });
    },
    code: "ERR_VERIFY_FILE_RENAMED",
  },
  { what: "a day's record lies under another key", how: underAnotherKey, code: "ERR_VERIFY_LEDGER_CHANGED" },
  {
    what: "the state lies outside of the archive",
    how: async (f, { own }) => f.appendDigest(own, { state: { ...(await newest(f)).state, key: "../state" } }),
    code: "ERR_VERIFY_INDEX",
  },
  {
    what: "a month lies outside of the archive",
    how: async (f, { own }) => {
      const { index } = await newest(f);
      await f.appendDigest(own, { index: index.map((month) => ({ ...month, key: "../month" })) });
    },
    code: "ERR_VERIFY_INDEX",
  },
];
