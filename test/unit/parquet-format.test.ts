import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import fc from "fast-check";
import type { ColumnMetaData, Statistics } from "hyparquet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SESSION_COLUMNS } from "../../functions/exporter/contract.ts";
import { openDuckDb } from "../../functions/exporter/open-duckdb.ts";
import { writeSessionFile } from "../../functions/exporter/parquet/writer.ts";
import type { SessionRow } from "../../functions/exporter/sessions/row.ts";
import { asRead, readMetadata, readPageHeaders, readWithDuckDb, sessionRow, tag } from "../support/session-file.ts";
import { arbitraryRow, numbered } from "../support/session-rows.ts";

let folder: string;
let duckDb: DuckDBConnection;
let files = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "session-files-"));
  duckDb = await (await openDuckDb()).connect();
});

afterAll(async () => {
  duckDb.closeSync();
  await rm(folder, { recursive: true });
});

const newPath = () => join(folder, `${files++}.parquet`);

async function written(rows: Iterable<SessionRow>): Promise<string> {
  const { path } = await writeSessionFile(rows, newPath());
  return path;
}

/** First column of a query's result, `$file` standing for the file. */
async function query(path: string, sql: string): Promise<unknown[]> {
  const reader = await duckDb.runAndReadAll(sql.replace("$file", `read_parquet('${path}')`));
  return reader.getRows().map((cells) => cells[0]);
}

describe("the file", () => {
  const rows = numbered(50, (index) => ({
    start_time: Date.UTC(2026, 0, 2) + index,
    end_time: index % 2 ? null : Date.UTC(2026, 0, 3) - index,
    channel: `channel ${index}`,
    is_developer: index % 2 === 0,
    messages_exchanged: index === 7 ? null : (index % 10) - 3,
    session_lang: ["en"],
    user_tags: [tag("a", "b")],
  }));
  const columnsOf = async (path: string) => {
    const { row_groups } = await readMetadata(path);
    return row_groups.flatMap((group) => group.columns.map((chunk) => chunk.meta_data as ColumnMetaData));
  };

  it("has the same bytes whenever and wherever the same rows are written", async () => {
    const [first, second] = [await writeSessionFile(rows, newPath()), await writeSessionFile(rows, newPath())];
    expect(second.sha256).toBe(first.sha256);
    expect(await readFile(second.path)).toEqual(await readFile(first.path));
    const other = await writeSessionFile(rows.slice(1), newPath());
    expect(other.sha256).not.toBe(first.sha256);
  });

  it("comes with its size, row count and SHA-256", async () => {
    const file = await writeSessionFile(rows, newPath());
    const content = await readFile(file.path);
    expect(file.rowCount).toBe(50);
    expect(file.bytes).toBe(content.length);
    expect(file.sha256).toBe(createHash("sha256").update(content).digest("hex"));
  });

  it("replaces what was at its path", async () => {
    const path = await written(numbered(500));
    await writeSessionFile([sessionRow()], path);
    expect(await readWithDuckDb(duckDb, path)).toEqual([asRead(sessionRow())]);
  });

  it("tells nothing of when or by which version it was written", async () => {
    const metadata = await readMetadata(await written(rows));
    expect(metadata.key_value_metadata).toEqual([]);
    expect(metadata.created_by).toBe("parquet.js");
  });

  it("has the types of the contract, lists in three levels", async () => {
    const { schema } = await readMetadata(await written(rows));
    const text = { type: "BYTE_ARRAY", converted_type: "UTF8" };
    const find = (name: string) => schema.slice(schema.findIndex((element) => element.name === name));
    expect(find("session_id")[0]).toMatchObject({ repetition_type: "REQUIRED", ...text });
    expect(find("start_time")[0]).toMatchObject({
      repetition_type: "REQUIRED",
      type: "INT64",
      converted_type: "TIMESTAMP_MILLIS",
    });
    expect(find("end_time")[0]).toMatchObject({
      repetition_type: "OPTIONAL",
      type: "INT64",
      converted_type: "TIMESTAMP_MILLIS",
    });
    expect(find("is_developer")[0]).toMatchObject({ repetition_type: "OPTIONAL", type: "BOOLEAN" });
    expect(find("messages_exchanged")[0]).toMatchObject({ repetition_type: "OPTIONAL", type: "INT64" });
    expect(find("session_lang").slice(0, 3)).toMatchObject([
      { repetition_type: "OPTIONAL", converted_type: "LIST", num_children: 1 },
      { name: "list", repetition_type: "REPEATED", num_children: 1 },
      { name: "element", repetition_type: "OPTIONAL", ...text },
    ]);
    expect(find("user_tags").slice(0, 5)).toMatchObject([
      { repetition_type: "OPTIONAL", converted_type: "LIST", num_children: 1 },
      { name: "list", repetition_type: "REPEATED", num_children: 1 },
      { name: "element", repetition_type: "OPTIONAL", num_children: 2 },
      { name: "name", repetition_type: "OPTIONAL", ...text },
      { name: "value", repetition_type: "OPTIONAL", ...text },
    ]);
  });

  it("has the types that Athena's table declares, as DuckDB sees them", async () => {
    const path = await written(rows);
    const types = {
      text: "VARCHAR",
      timestamp: "TIMESTAMP",
      boolean: "BOOLEAN",
      integer: "BIGINT",
      texts: "VARCHAR[]",
    };
    const tags = 'STRUCT("name" VARCHAR, "value" VARCHAR)[]';
    expect(await query(path, "select column_type from (describe select * from $file)")).toEqual(
      SESSION_COLUMNS.map(({ shape }) => (shape === "tags" ? tags : types[shape])),
    );
  });

  it("has statistics on instants and integers, and on nothing else", async () => {
    const columns = await columnsOf(await written(rows));
    const withStatistics = columns
      .filter((column) => column.statistics)
      .map((column) => column.path_in_schema.join("."));
    expect(withStatistics).toEqual(["start_time", "end_time", "messages_exchanged", "tasks_executed"]);
    for (const { column, header } of await readPageHeaders(await written(rows))) {
      expect(header.data_page_header?.statistics !== undefined, column).toBe(withStatistics.includes(column));
    }
  });

  it("has statistics that are right", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryRow(), { minLength: 1, maxLength: 30 }), async (some) => {
        const columns = await columnsOf(await written(some));
        for (const name of ["start_time", "end_time", "messages_exchanged", "tasks_executed"] as const) {
          const column = columns.find(({ path_in_schema }) => path_in_schema[0] === name);
          expect(plainStatistics(column?.statistics), name).toEqual(statisticsOf(some.map((row) => row[name])));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("has data pages of version 1, one codec, and no column index", async () => {
    const path = await written(rows);
    const pages = await readPageHeaders(path);
    expect(new Set(pages.map(({ header }) => header.type))).toEqual(new Set(["DICTIONARY_PAGE", "DATA_PAGE"]));
    expect(new Set((await columnsOf(path)).map(({ codec }) => codec))).toEqual(new Set(["ZSTD"]));
    const { row_groups } = await readMetadata(path);
    for (const chunk of row_groups.flatMap((group) => group.columns)) {
      expect(chunk.column_index_offset).toBeUndefined();
      expect(chunk.offset_index_offset).toBeUndefined();
    }
  });

  it("keeps its pages small when the sessions are large", async () => {
    const path = await written(numbered(12, (index) => ({ raw: Buffer.from(String(index).repeat(700_000)) })));
    const sizes = (await readPageHeaders(path))
      .filter(({ column }) => column === "raw")
      .map(({ header }) => header.uncompressed_page_size);
    expect(sizes.length).toBeGreaterThan(4);
    expect(Math.max(...sizes)).toBeLessThan(3_000_000);
    expect(await query(path, "select sum(length(raw))::bigint from $file")).toEqual([BigInt(700_000 * 14)]);
  });
});

function statisticsOf(values: readonly (number | bigint | null)[]) {
  const present = values.filter((value) => value !== null).map(BigInt);
  const ascending = present.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const [min, max] = [ascending.at(0), ascending.at(-1)];
  const counts = { null_count: BigInt(values.length - present.length), distinct_count: BigInt(new Set(present).size) };
  return { min_value: min, max_value: max, min, max, ...counts };
}

function plainStatistics(statistics: Statistics | undefined) {
  const plain = (value: unknown) => (value instanceof Date ? BigInt(value.getTime()) : value);
  const { min_value, max_value, min, max, null_count, distinct_count } = statistics ?? {};
  return {
    min_value: plain(min_value),
    max_value: plain(max_value),
    min: plain(min),
    max: plain(max),
    null_count,
    distinct_count,
  };
}
