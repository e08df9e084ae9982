import { readFile } from "node:fs/promises";
import { type DuckDBConnection, DuckDBListValue, DuckDBStructValue, type DuckDBValue } from "@duckdb/node-api";
import { type FileMetaData, type PageHeader, parquetMetadata, parquetReadObjects } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { compressors } from "hyparquet-compressors";
import { SESSION_COLUMNS, type SessionColumnName } from "../../functions/exporter/contract.ts";
import type { SessionRow, Tag } from "../../functions/exporter/sessions/row.ts";

/** A row as readers give it: texts are strings. */
export type ReadRow = Omit<SessionRow, "raw"> & { readonly raw: string };

/** Rows of a session file as DuckDB reads them, in the file's order. */
export async function readWithDuckDb(connection: DuckDBConnection, path: string): Promise<ReadRow[]> {
  const reader = await connection.runAndReadAll(`select * from read_parquet('${path}', file_row_number = true)
    order by file_row_number`);
  return reader.getRowObjects().map((cells) => rowOf((name) => plain(cells[name] ?? null)));
}

/** DuckDB's values as JavaScript's; instants as milliseconds. */
function plain(value: DuckDBValue): unknown {
  if (value instanceof DuckDBListValue) return value.items.map(plain);
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([name, entry]) => [name, plain(entry)]));
  }
  if (typeof value === "object" && value !== null && "micros" in value) return Number(value.micros / 1000n);
  return value;
}

/** Rows of a session file as hyparquet reads them, in the file's order. */
export async function readWithHyparquet(path: string): Promise<ReadRow[]> {
  const file = await arrayBuffer(path);
  const rows = await parquetReadObjects({ file, compressors });
  return rows.map((cells) => rowOf((name) => withoutUndefined(cells[name])));
}

/** hyparquet gives undefined for a null list and a null struct. */
function withoutUndefined(value: unknown): unknown {
  if (value instanceof Date) return value.getTime();
  if (Array.isArray(value)) return value.map(withoutUndefined);
  return value ?? null;
}

/** Headers of a file's pages, by column path, in the order of the pages. */
export async function readPageHeaders(
  path: string,
): Promise<{ readonly column: string; readonly header: PageHeader }[]> {
  const file = await arrayBuffer(path);
  const headers = [];
  for (const { meta_data } of parquetMetadata(file).row_groups.flatMap((group) => group.columns)) {
    if (!meta_data) throw new Error("a column chunk has no metadata");
    const start = Number(meta_data.dictionary_page_offset ?? meta_data.data_page_offset);
    const end = start + Number(meta_data.total_compressed_size);
    const reader = { view: new DataView(file, 0, end), offset: start };
    while (reader.offset < end) {
      const header = parquetHeader(reader);
      headers.push({ column: meta_data.path_in_schema.join("."), header });
      reader.offset += header.compressed_page_size;
    }
  }
  return headers;
}

export async function readMetadata(path: string): Promise<FileMetaData> {
  return parquetMetadata(await arrayBuffer(path));
}

async function arrayBuffer(path: string): Promise<ArrayBuffer> {
  const bytes = await readFile(path);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
}

function rowOf(cell: (name: SessionColumnName) => unknown): ReadRow {
  return Object.fromEntries(SESSION_COLUMNS.map(({ name }) => [name, narrow(cell(name))])) as unknown as ReadRow;
}

/** Integers as a row holds them: a bigint only beyond what a number holds exactly. */
function narrow(value: unknown): unknown {
  return typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/**
 * A row as a reader is expected to give it back: UTF-8 has no lone surrogates, and both readers drop a U+FEFF at the
 * start of a text, which the file does hold.
 */
export function asRead(row: SessionRow): ReadRow {
  const text = (value: string) => value.toWellFormed().replace(/^\uFEFF/, "");
  const deep = (value: unknown): unknown => {
    if (typeof value === "string") return text(value);
    if (Array.isArray(value)) return value.map(deep);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, deep(member)]));
  };
  return deep({ ...row, raw: row.raw.toString() }) as ReadRow;
}

/** A row with nothing but what is required, and what is given. */
export function sessionRow(values: Partial<SessionRow> = {}): SessionRow {
  const empty = Object.fromEntries(SESSION_COLUMNS.map(({ name }) => [name, null])) as unknown as SessionRow;
  return { ...empty, session_id: "s-1", start_time: Date.UTC(2026, 0, 2), raw: Buffer.from("{}"), ...values };
}

export function tag(name: string | null, value: string | null): Tag {
  return { name, value };
}
