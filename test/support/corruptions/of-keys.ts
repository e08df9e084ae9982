import type { Forger } from "../forge.ts";
import { type Forgery, newest, type StolenKeys, vouchedDay } from "./forgery.ts";

/** Appends a digest that vouches for a day of another source. */
const ofSource =
  (source: string) =>
  async (f: Forger, { own }: StolenKeys) =>
    f.appendDigest(own, { days: [{ ...(await vouchedDay(f)), source }] });

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
