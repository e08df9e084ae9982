import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDuckDb } from "../../../functions/exporter/open-duckdb.ts";
import { writeSessionFile } from "../../../functions/exporter/parquet/writer.ts";
import type { SessionRow } from "../../../functions/exporter/sessions/row.ts";
import type { Forger } from "../forge.ts";
import { sessionRow } from "../session-file.ts";
import { BOT, OTHER_BOT } from "../signed-archive.ts";
import { AGENT, type Corruption, DROP_OFF, FIRST, LEDGER, REJECTED, SECOND } from "./corruption.ts";

const inside = Date.parse(`${FIRST}T12:00:00Z`);
const row = (session_id: string, changes: Partial<SessionRow> = {}) =>
  sessionRow({ session_id, bot_id: BOT, start_time: inside, ...changes });

/** The rows take the place of the day's sessions of type agent; ledger and chain are made to fit. */
const withRows =
  (rows: readonly SessionRow[], told = rows.length) =>
  async (f: Forger) => {
    const path = join(f.archive, "forged.parquet");
    await writeSessionFile(rows, path);
    await putForged(f, await readFile(path), told);
    await rm(path);
  };

async function putForged(f: Forger, bytes: Buffer, rows: number): Promise<void> {
  const { archived } = await f.record(FIRST, BOT);
  const total = archived.total - archived.agent + rows;
  await f.replaceFile(FIRST, BOT, AGENT, bytes, { row_count: rows, archived: { ...archived, agent: rows, total } });
  await f.rebuildChain();
}

/** A file that DuckDB makes of the agents' sessions by a query. */
const withQuery = (query: (file: string) => string) => async (f: Forger) => {
  const folder = await mkdtemp(join(tmpdir(), "kore-forged-"));
  const instance = await openDuckDb();
  const connection = await instance.connect();
  const path = join(folder, "forged.parquet");
  await connection.run(
    `COPY (${query(`read_parquet('${f.path(AGENT)}', hive_partitioning = false)`)}) TO '${path}' (FORMAT parquet)`,
  );
  connection.closeSync();
  instance.closeSync();
  const { archived } = await f.record(FIRST, BOT);
  await putForged(f, await readFile(path), archived.agent);
  await rm(folder, { recursive: true });
};

const withRejected =
  (text: string, rejected: number, row_count = rejected) =>
  async (f: Forger) => {
    await f.replaceFile(SECOND, BOT, REJECTED, Buffer.from(text), { row_count, rejected });
    await f.rebuildChain();
  };

/** Done where whoever does it writes ledger and chain anew, so that all hashes fit: what is in the files tells. */
export const OF_ROWS: readonly Corruption[] = (
  [
    {
      what: "a file has fewer rows than its ledger says",
      how: withRows([row("a"), row("b")], 3),
      code: "ERR_VERIFY_ROWS_DIFFER",
      key: AGENT,
    },
    {
      what: "the ledger's sum by type differs from the rows",
      how: async (f) => {
        const record = await f.record(FIRST, BOT);
        await f.writeRecord({ ...record, archived: { ...record.archived, agent: 99 } });
        await f.rebuildChain();
      },
      code: "ERR_VERIFY_ROWS_DIFFER",
      key: LEDGER,
    },
    {
      what: "the ledger's sums do not add up",
      how: async (f) => {
        const record = await f.record(FIRST, BOT);
        await f.writeRecord({ ...record, archived: { ...record.archived, total: 99 } });
        await f.rebuildChain();
      },
      code: "ERR_VERIFY_ROWS_DIFFER",
      key: LEDGER,
    },
    {
      what: "a session is in a file twice",
      how: withRows([row("a"), row("a")]),
      code: "ERR_VERIFY_DUPLICATE_SESSION",
      key: LEDGER,
    },
    {
      what: "a session is in two files of a day",
      how: async (f) => {
        const { archived } = await f.record(FIRST, BOT);
        await f.replaceFile(FIRST, BOT, AGENT, await f.read(DROP_OFF), {
          row_count: archived.drop_off,
          archived: {
            ...archived,
            agent: archived.drop_off,
            total: archived.total - archived.agent + archived.drop_off,
          },
        });
        await f.rebuildChain();
      },
      code: "ERR_VERIFY_DUPLICATE_SESSION",
      key: LEDGER,
    },
    {
      what: "a session began a millisecond before its day",
      how: withRows([row("a", { start_time: Date.parse(FIRST) - 1 })]),
      code: "ERR_VERIFY_WRONG_PARTITION",
      key: AGENT,
    },
    {
      what: "a session began when the next day did",
      how: withRows([row("a", { start_time: Date.parse(SECOND) })]),
      code: "ERR_VERIFY_WRONG_PARTITION",
      key: AGENT,
    },
    {
      what: "a session is another bot's",
      how: withRows([row("a", { bot_id: OTHER_BOT })]),
      code: "ERR_VERIFY_WRONG_PARTITION",
      key: AGENT,
    },
    {
      what: "a column is missing",
      how: withQuery((file) => `SELECT * EXCLUDE (raw) FROM ${file}`),
      code: "ERR_VERIFY_SCHEMA",
      key: AGENT,
    },
    {
      what: "a column has another type",
      how: withQuery((file) => `SELECT * REPLACE (CAST(start_time AS VARCHAR) AS start_time) FROM ${file}`),
      code: "ERR_VERIFY_SCHEMA",
      key: AGENT,
    },
    {
      what: "a column was added",
      how: withQuery((file) => `SELECT *, 1 AS extra FROM ${file}`),
      code: "ERR_VERIFY_SCHEMA",
      key: AGENT,
    },
    {
      what: "a file is no Parquet",
      how: (f) => putForged(f, Buffer.from("not Parquet"), 0),
      code: "ERR_VERIFY_NOT_PARQUET",
      key: AGENT,
    },
    {
      what: "a file is Parquet at its ends only",
      how: (f) => putForged(f, Buffer.from("PAR1....PAR1"), 0),
      code: "ERR_VERIFY_NOT_PARQUET",
      key: AGENT,
    },
    {
      what: "a rejected row is no JSON",
      how: withRejected("none\n", 1),
      code: "ERR_VERIFY_REJECTED_LINES",
      key: REJECTED,
    },
    {
      what: "a rejected row has no text",
      how: withRejected('{"code":"ERR_ROW_WITHOUT_ID","containment_type":null}\n', 1),
      code: "ERR_VERIFY_REJECTED_LINES",
      key: REJECTED,
    },
    { what: "a rejected row is gone", how: withRejected("", 1), code: "ERR_VERIFY_REJECTED_LINES", key: REJECTED },
    {
      what: "the ledger counts other rejected rows than it lists",
      how: withRejected("", 1, 0),
      code: "ERR_VERIFY_ROWS_DIFFER",
      key: REJECTED,
    },
  ] satisfies Corruption[]
).map((corruption) => ({ ...corruption, trust: "nothing" }));
