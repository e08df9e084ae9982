import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { parquetMetadata } from "hyparquet";
import { fileWriter, parquetWriteRows } from "hyparquet-writer";
import parquet, { type Codec } from "parquetjs-lite";
import { SESSION_COLUMNS } from "../../functions/exporter/contract.ts";
import { sessionFields } from "../../functions/exporter/parquet/schema.ts";
import { writeSessionFile } from "../../functions/exporter/parquet/writer.ts";
import { mapSession } from "../../functions/exporter/sessions/map.ts";
import { byStartTime } from "../../functions/exporter/sessions/order.ts";
import type { SessionRow } from "../../functions/exporter/sessions/row.ts";
import type { BenchCase, Contender } from "../bench-case.ts";
import { sessionTexts } from "../sessions.ts";

const ROWS = 30_000;
const ROW_GROUP = 20_000;

/** Typed rows in memory to a file on disk: our writer, the library as it comes, and another library. */
export const writeParquet: BenchCase = {
  name: "write-parquet",
  unit: "row",
  units: ROWS,
  repeats: 7,
  warmUp: true,
  prepare: async () => {
    const folder = await mkdtemp(join(tmpdir(), "bench-parquet-"));
    const duckDb = await (await DuckDBInstance.create()).connect();
    const rows = sessionRows();
    const contender = (name: string, write: (path: string) => Promise<unknown>): Contender => ({
      name,
      run: async () => {
        const path = join(folder, `${name}.parquet`);
        const started = performance.now();
        await write(path);
        const elapsedMs = performance.now() - started;
        await check(duckDb, path, rows);
        return { elapsedMs, figures: { "bytes/row": (await stat(path)).size / rows.length } };
      },
    });
    const contenders = [
      contender("ours (GZIP)", (path) => writeSessionFile(rows, path)),
      contender("parquetjs-lite (GZIP)", (path) => writeWithLibrary(rows, path, "GZIP")),
      contender("parquetjs-lite (SNAPPY)", (path) => writeWithLibrary(rows, path, "SNAPPY")),
      contender("hyparquet-writer (GZIP)", (path) => writeWithHyparquet(rows, path, "GZIP")),
      contender("hyparquet-writer (SNAPPY)", (path) => writeWithHyparquet(rows, path, "SNAPPY")),
    ];
    const cleanUp = async () => {
      duckDb.closeSync();
      await rm(folder, { recursive: true });
    };
    return { contenders, cleanUp };
  },
};

function sessionRows(): SessionRow[] {
  const rows = [];
  for (const raw of sessionTexts(ROWS)) {
    const mapped = mapSession({ raw: Buffer.from(raw), value: JSON.parse(raw) });
    if ("rejected" in mapped) throw new Error(`the generator made a session that is rejected: ${mapped.rejected}`);
    rows.push(mapped.row);
  }
  return rows.sort(byStartTime);
}

/** The same schema and layout as ours, through the library's own shredder: it takes lists in Parquet's nesting. */
async function writeWithLibrary(rows: readonly SessionRow[], path: string, codec: Codec): Promise<void> {
  const schema = new parquet.ParquetSchema(sessionFields(codec));
  const options = { rowGroupSize: ROW_GROUP, pageSize: 1000, useDataPageV2: false, pageIndex: false };
  const writer = await parquet.ParquetWriter.openFile(schema, path, options);
  const nested = <T>(list: readonly T[] | null) => list && { list: list.map((element) => ({ element })) };
  for (const row of rows) {
    await writer.appendRow({
      ...row,
      session_lang: nested(row.session_lang),
      user_tags: nested(row.user_tags),
      session_tags: nested(row.session_tags),
      alt_text: nested(row.alt_text),
    });
  }
  await writer.close();
}

/** With the schema of our own file, and hyparquet-writer's own pages, dictionaries and statistics. */
async function writeWithHyparquet(rows: readonly SessionRow[], path: string, codec: Codec): Promise<void> {
  const empty = `${path}.empty`;
  await writeSessionFile([], empty);
  const bytes = await readFile(empty);
  const { schema } = parquetMetadata(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer,
  );
  await parquetWriteRows({
    writer: fileWriter(path),
    rows: rows.map((row) => ({
      ...row,
      start_time: new Date(row.start_time),
      end_time: row.end_time === null ? null : new Date(row.end_time),
      messages_exchanged: row.messages_exchanged === null ? null : BigInt(row.messages_exchanged),
      tasks_executed: row.tasks_executed === null ? null : BigInt(row.tasks_executed),
    })),
    columns: SESSION_COLUMNS.map(({ name }) => ({ name })),
    schema,
    codec,
    compressors: { GZIP: (input: Uint8Array) => gzipSync(input) },
    rowGroupSize: ROW_GROUP,
  });
}

async function check(duckDb: DuckDBConnection, path: string, rows: readonly SessionRow[]): Promise<void> {
  const reader = await duckDb.runAndReadAll(`select count(*), sum(messages_exchanged)::bigint,
    sum(len(session_tags))::bigint, sum(length(raw))::bigint from read_parquet('${path}')`);
  const sum = (value: (row: SessionRow) => number) => BigInt(rows.reduce((total, row) => total + value(row), 0));
  const expected = [
    BigInt(rows.length),
    sum((row) => Number(row.messages_exchanged)),
    sum((row) => row.session_tags?.length ?? 0),
    sum((row) => [...row.raw.toString()].length),
  ];
  const found = reader.getRows()[0] ?? [];
  if (String(found) !== String(expected)) throw new Error(`${path} holds ${found}, not ${expected}`);
}
