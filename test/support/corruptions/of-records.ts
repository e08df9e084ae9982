import { execFileSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import type { Forger } from "../forge.ts";
import { type Forgery, vouchedDay } from "./forgery.ts";

const erasure = async (forger: Forger) => `erasures/${(await readdir(forger.path("erasures")))[0]}`;
const OTHER = `erasures/${"2".repeat(64)}.json`;

/** Done to the records of erasures and of legal holds, which lie beside days. */
export const OF_RECORDS: readonly Forgery[] = [
  {
    what: "the erasure's record is removed",
    how: async (f) => f.remove(await erasure(f)),
    code: "ERR_VERIFY_FILE_MISSING",
  },
  {
    what: "the erasure's record is renamed",
    how: async (f) => f.move(await erasure(f), OTHER),
    code: "ERR_VERIFY_ERASURE_UNKNOWN",
  },
  {
    what: "the erasure's record is copied",
    how: async (f) => f.write(OTHER, await f.read(await erasure(f))),
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
  {
    what: "a record is planted of an erasure that never was",
    how: async (f) => {
      const [name, record] = [await erasure(f), await f.read(await erasure(f))];
      const hmac = name.slice("erasures/".length, -".json".length);
      await f.write(OTHER, String(record).replace(hmac, "2".repeat(64)).replace("T-1", "T-2"));
    },
    code: "ERR_VERIFY_ERASURE_UNKNOWN",
  },
  {
    what: "a pipe lies in the place of the erasure's record",
    how: async (f) => {
      const key = await erasure(f);
      await f.remove(key);
      execFileSync("mkfifo", [f.path(key)]);
    },
    code: "ERR_VERIFY_FILE_MISSING",
  },
  {
    what: "a digest names an erasure that is not there",
    how: async (f, { own }) => {
      const { ledger } = await vouchedDay(f);
      await f.appendDigest(own, { erasures: [{ ...ledger, key: OTHER }] });
    },
    code: "ERR_VERIFY_FILE_MISSING",
  },
  {
    what: "a digest names an erasure outside of the archive",
    how: async (f, { own }) => {
      const { ledger } = await vouchedDay(f);
      await f.appendDigest(own, { erasures: [{ ...ledger, key: "../erasure.json" }] });
    },
    code: "ERR_VERIFY_FILE_MISSING",
  },
];
