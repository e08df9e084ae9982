import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { openDuckDb } from "../../functions/exporter/open-duckdb.ts";
import { writeSessionFile } from "../../functions/exporter/parquet/writer.ts";
import type { SessionRow } from "../../functions/exporter/sessions/row.ts";
import {
  type BenchCase,
  type Contender,
  type ContenderResult,
  medianOf,
  type Promised,
  resultOf,
  type Scale,
} from "../bench-case.ts";
import { OURS } from "../writers/codec.ts";
import { rowsForHyparquet, schemaOf, writeWithHyparquet } from "../writers/hyparquet.ts";
import { rowsForParquetjs, writeWithParquetjs } from "../writers/parquetjs.ts";
import { typedRows } from "../writers/typed-rows.ts";

const ROW_GROUP = 20_000;
const OUR_WRITER = `ours (${OURS.codec})`;
const STOCK = ["parquetjs-lite (GZIP)", "parquetjs-lite (SNAPPY)"] as const;
const HYPARQUET = `hyparquet-writer (${OURS.codec})`;
const BYTES = "bytes/row";

/** Typed rows in memory to a file on disk: our writer, the library as it comes, another library, and a database. */
export function writeParquet(scale: Scale): BenchCase {
  const rowCount = scale === "full" ? 30_000 : 3_000;
  return {
    name: "write-parquet",
    title: "Rows to Parquet",
    about:
      "Typed rows in memory become one file on disk: the same columns, row groups of 20,000. Others are given the rows in the form " +
      "that they want beforehand, and their default settings otherwise; parquetjs-lite cannot write our codec, and gets pages of 1,000 rows, which is faster than its own 8,192. hyparquet-writer compresses with the same " +
      `library as we do, and it and DuckDB at the same level, ${OURS.level}. DuckDB copies a table of its own, in memory, with all its threads. ` +
      "Every file is read back with DuckDB: rows, sums, and the length of " +
      "every raw text.",
    unit: "row",
    units: rowCount,
    rounds: scale === "full" ? 7 : 2,
    warmUp: true,
    compares: true,
    prepare: () => prepare(rowCount),
    promises,
  };
}

async function prepare(rowCount: number) {
  const folder = await mkdtemp(join(tmpdir(), "bench-parquet-"));
  const duckDb = await (await openDuckDb()).connect();
  const rows = typedRows(rowCount);
  const expected = truthOf(rows);
  const contender = (name: string, write: (path: string) => Promise<unknown>): Contender => ({
    name,
    run: async () => {
      const path = join(folder, `${name}.parquet`);
      const started = performance.now();
      await write(path);
      const elapsedMs = performance.now() - started;
      await check(duckDb, path, expected);
      return { elapsedMs, figures: { [BYTES]: (await stat(path)).size / rowCount } };
    },
  });
  const sample = join(folder, "sample.parquet");
  await writeSessionFile(rows, sample);
  await duckDb.run(`create table rows as from read_parquet('${sample}')`);
  const schema = schemaOf(await readFile(sample));
  const [nested, plain] = [rowsForParquetjs(rows), rowsForHyparquet(rows)];
  const hyparquet = (codec: typeof OURS.codec | "SNAPPY") => (path: string) =>
    writeWithHyparquet(plain, path, { schema, codec, rowGroupSize: ROW_GROUP });
  const copy = (path: string) =>
    duckDb.run(
      `copy rows to '${path}' (format parquet, codec '${OURS.codec}', compression_level ${OURS.level}, row_group_size ${ROW_GROUP})`,
    );
  const contenders = [
    contender(OUR_WRITER, (path) => writeSessionFile(rows, path)),
    contender(STOCK[0], (path) => writeWithParquetjs(nested, path, "GZIP", ROW_GROUP)),
    contender(STOCK[1], (path) => writeWithParquetjs(nested, path, "SNAPPY", ROW_GROUP)),
    contender(HYPARQUET, hyparquet(OURS.codec)),
    contender("hyparquet-writer (SNAPPY)", hyparquet("SNAPPY")),
    contender(`DuckDB (${OURS.codec})`, copy),
  ];
  const cleanUp = async () => {
    duckDb.closeSync();
    await rm(folder, { recursive: true });
  };
  return { contenders, cleanUp };
}

function promises(results: readonly ContenderResult[]): Promised[] {
  const ratio = (name: string) => resultOf(results, name).ratio.median;
  const stock = Math.min(...STOCK.map(ratio));
  const bytes = medianOf(results, OUR_WRITER, BYTES) / medianOf(results, HYPARQUET, BYTES);
  return [
    { what: "times as fast as parquetjs-lite in its faster codec", value: stock, sense: "at least", limit: 6 },
    { what: "times as fast as hyparquet-writer, same codec", value: ratio(HYPARQUET), sense: "at least", limit: 1 },
    { what: "size over hyparquet-writer's, same codec", value: bytes, sense: "at most", limit: 1.05 },
  ];
}

/** Rows, messages, tags of the session, characters of all raw texts. */
function truthOf(rows: readonly SessionRow[]): string {
  const sum = (value: (row: SessionRow) => number) => rows.reduce((total, row) => total + value(row), 0);
  return String([
    rows.length,
    sum((row) => Number(row.messages_exchanged)),
    sum((row) => row.session_tags?.length ?? 0),
    sum((row) => [...row.raw.toString()].length),
  ]);
}

async function check(duckDb: DuckDBConnection, path: string, expected: string): Promise<void> {
  const reader = await duckDb.runAndReadAll(`select count(*), sum(messages_exchanged)::bigint,
    sum(len(session_tags))::bigint, sum(length(raw))::bigint from read_parquet('${path}')`);
  const found = String(reader.getRows()[0]);
  if (found !== expected) throw new Error(`${path} holds ${found}, not ${expected}`);
}
