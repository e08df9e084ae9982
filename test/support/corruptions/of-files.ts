import { ledgerKey, rejectedKey, sessionKey } from "../../../functions/exporter/archive/layout.ts";
import type { Forger } from "../forge.ts";
import { BOT, OTHER_BOT } from "../signed-archive.ts";
import { AGENT, type Corruption, DROP_OFF, FIRST, LEDGER, part, REJECTED, THIRD } from "./corruption.ts";

const flipped = (at: (length: number) => number) => (bytes: Buffer) => {
  const copy = Buffer.from(bytes);
  const place = at(copy.length);
  copy.writeUInt8(copy.readUInt8(place) ^ 1, place);
  return copy;
};

/** Done to files that runs wrote; every one of them also changes a hash. */
export const OF_FILES: readonly Corruption[] = [
  {
    what: "a bit in a file's middle flips",
    how: (f) =>
      f.edit(
        AGENT,
        flipped((length) => length >> 1),
      ),
    code: "ERR_VERIFY_FILE_CHANGED",
    key: AGENT,
  },
  {
    what: "a file's first bit flips",
    how: (f) =>
      f.edit(
        AGENT,
        flipped(() => 0),
      ),
    code: "ERR_VERIFY_FILE_CHANGED",
    key: AGENT,
  },
  {
    what: "a file's last bit flips",
    how: (f) =>
      f.edit(
        AGENT,
        flipped((length) => length - 1),
      ),
    code: "ERR_VERIFY_FILE_CHANGED",
    key: AGENT,
  },
  {
    what: "a file loses its last byte",
    how: (f) => f.edit(AGENT, (bytes) => bytes.subarray(0, -1)),
    code: "ERR_VERIFY_FILE_CHANGED",
    key: AGENT,
  },
  {
    what: "a file gets a byte more",
    how: (f) => f.edit(AGENT, (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])),
    code: "ERR_VERIFY_FILE_CHANGED",
    key: AGENT,
  },
  { what: "a file is emptied", how: (f) => f.write(AGENT, ""), code: "ERR_VERIFY_FILE_CHANGED", key: AGENT },
  { what: "a file is removed", how: (f) => f.remove(AGENT), code: "ERR_VERIFY_FILE_MISSING", key: AGENT },
  {
    what: "a day's files are removed",
    how: (f) => f.remove(`sessions/dt=${THIRD}`),
    code: "ERR_VERIFY_FILE_MISSING",
    key: part(THIRD, "agent"),
  },
  {
    what: "a part is slipped in",
    how: async (f) => f.write(part(FIRST, "agent", BOT, 1), await f.read(AGENT)),
    code: "ERR_VERIFY_FILE_ADDED",
    key: part(FIRST, "agent", BOT, 1),
  },
  {
    what: "another bot's file is slipped in",
    how: async (f) => f.write(part(FIRST, "agent", "st-other"), await f.read(AGENT)),
    code: "ERR_VERIFY_FILE_ADDED",
  },
  {
    what: "a file of another type is slipped in",
    how: async (f) => f.write(sessionKey(FIRST, "unclassified", BOT, 0), await f.read(AGENT)),
    code: "ERR_VERIFY_FILE_ADDED",
  },
  {
    what: "a text is slipped in among session files",
    how: (f) => f.write(`sessions/dt=${FIRST}/note.txt`, "hello"),
    code: "ERR_VERIFY_FILE_ADDED",
  },
  {
    what: "rejected rows are slipped in",
    how: (f) => f.write(rejectedKey(THIRD, BOT), "{}\n"),
    code: "ERR_VERIFY_FILE_ADDED",
  },
  {
    what: "a file is renamed within its day",
    how: (f) => f.move(AGENT, part(FIRST, "agent", BOT, 1)),
    code: "ERR_VERIFY_FILE_RENAMED",
    key: part(FIRST, "agent", BOT, 1),
  },
  {
    what: "a file is moved to another day",
    how: (f) => f.move(AGENT, part("2025-12-31", "agent")),
    code: "ERR_VERIFY_FILE_RENAMED",
  },
  {
    what: "two files of a day are swapped",
    how: (f) => f.swap(AGENT, DROP_OFF),
    code: "ERR_VERIFY_FILE_SWAPPED",
    key: AGENT,
  },
  {
    what: "two files of two days are swapped",
    how: (f) => f.swap(AGENT, part(THIRD, "agent")),
    code: "ERR_VERIFY_FILE_SWAPPED",
    key: part(THIRD, "agent"),
  },
  {
    what: "a file takes another bot's place",
    how: async (f) => f.write(AGENT, await f.read(part(FIRST, "agent", OTHER_BOT))),
    code: "ERR_VERIFY_FILE_SWAPPED",
    key: AGENT,
  },
  {
    what: "a file goes back to what it was before",
    how: (f, { replaced }) => f.write(AGENT, replaced.get(AGENT) ?? ""),
    code: "ERR_VERIFY_FILE_CHANGED",
    key: AGENT,
  },
  {
    what: "a text takes a session file's place",
    how: (f) => f.write(AGENT, "not Parquet"),
    code: "ERR_VERIFY_NOT_PARQUET",
    key: AGENT,
  },
  { what: "rejected rows are removed", how: (f) => f.remove(REJECTED), code: "ERR_VERIFY_FILE_MISSING", key: REJECTED },
  {
    what: "a rejected row is edited",
    how: (f) => f.replace(REJECTED, "sessionId", "sessionID"),
    code: "ERR_VERIFY_FILE_CHANGED",
    key: REJECTED,
  },
  { what: "a ledger record is removed", how: (f) => f.remove(LEDGER), code: "ERR_VERIFY_FILE_MISSING", key: LEDGER },
  {
    what: "a day is removed with its ledger record",
    how: (f) => f.remove(`sessions/dt=${THIRD}`, `exports/dt=${THIRD}`),
    code: "ERR_VERIFY_FILE_MISSING",
    key: ledgerKey(THIRD, BOT),
  },
  {
    what: "a count in the ledger is edited",
    how: (f) => f.replace(LEDGER, /"requests":\d+/, '"requests":999'),
    code: "ERR_VERIFY_LEDGER_CHANGED",
    key: LEDGER,
  },
  {
    what: "a blank is put behind a ledger record",
    how: (f) => f.edit(LEDGER, (bytes) => Buffer.concat([bytes, Buffer.from(" ")])),
    code: "ERR_VERIFY_LEDGER_CHANGED",
    key: LEDGER,
  },
  {
    what: "a file is changed, and the ledger edited to match",
    how: async (f) => f.replaceFile(FIRST, BOT, AGENT, flipped((length) => length >> 1)(await f.read(AGENT))),
    code: "ERR_VERIFY_LEDGER_CHANGED",
    key: LEDGER,
  },
  {
    what: "the same, seen from the file",
    how: async (f) => f.replaceFile(FIRST, BOT, AGENT, flipped((length) => length >> 1)(await f.read(AGENT))),
    code: "ERR_VERIFY_FILE_CHANGED",
    key: AGENT,
  },
  {
    what: "a ledger record goes back to what it was before",
    how: (f, { replaced }) => f.write(LEDGER, replaced.get(LEDGER) ?? ""),
    code: "ERR_VERIFY_LEDGER_CHANGED",
    key: LEDGER,
  },
  {
    what: "a whole day goes back to what it was before",
    how: (f, { replaced }) =>
      Promise.all(
        [...replaced].filter(([key]) => key.includes(`dt=${FIRST}`)).map(([key, bytes]) => f.write(key, bytes)),
      ),
    code: "ERR_VERIFY_LEDGER_CHANGED",
    key: LEDGER,
  },
  {
    what: "a ledger record is damaged",
    how: (f) => f.edit(LEDGER, (bytes) => bytes.subarray(0, 100)),
    code: "ERR_VERIFY_LEDGER_DAMAGED",
    key: LEDGER,
  },
  {
    what: "two ledger records are swapped",
    how: (f) => f.swap(LEDGER, ledgerKey(THIRD, BOT)),
    code: "ERR_VERIFY_LEDGER_DAMAGED",
    key: LEDGER,
  },
  {
    what: "a ledger record lists what lies outside",
    how: (f) => f.replace(LEDGER, AGENT, "../../etc/passwd"),
    code: "ERR_VERIFY_LEDGER_CHANGED",
    key: LEDGER,
  },
  {
    what: "a record of a day that was never exported is slipped in",
    how: async (f) => f.writeRecord({ ...(await f.record(FIRST, BOT)), dt: "2025-12-31", files: [] }),
    code: "ERR_VERIFY_NOT_VOUCHED",
    key: ledgerKey("2025-12-31", BOT),
  },
  {
    what: "something else is slipped in among ledger records",
    how: (f) => f.write("exports/notes.json", "{}"),
    code: "ERR_VERIFY_FILE_ADDED",
    key: "exports/notes.json",
  },
  {
    what: "a run dies while it replaces a day's files",
    how: (f) => markDay(f),
    code: "ERR_VERIFY_DAY_UNFINISHED",
    key: LEDGER,
  },
];

async function markDay(f: Forger): Promise<void> {
  const problems = [{ code: "ERR_EXPORT_UNFINISHED", message: "The files of this day are being replaced." }];
  await f.writeRecord({ ...(await f.record(FIRST, BOT)), status: "incomplete", problems });
}
