import { join } from "node:path";
import {
  type DuckDBConnection,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  type DuckDBValue,
} from "@duckdb/node-api";
import { GLUE_TYPES, LEDGER_COLUMNS, PREFIXES, SESSION_COLUMNS, TABLES } from "../../functions/exporter/contract.ts";
import { ExporterError } from "../../functions/exporter/errors.ts";
import { openDuckDb } from "../../functions/exporter/open-duckdb.ts";
import { duckdbType } from "./types.ts";

/** Which files a folder holds: DuckDB refuses a pattern that matches nothing. */
export interface Present {
  readonly sessions: boolean;
  readonly exports: boolean;
}

/** A query's result: names of its columns, and rows of plain values. */
export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/**
 * Opens DuckDB in memory with the views `sessions` and `exports` over an archive's folder, named and typed as in
 * Athena. Times are UTC.
 */
export async function openArchive(folder: string, present: Present): Promise<DuckDBConnection> {
  const instance = await openDuckDb();
  const connection = await instance.connect();
  await connection.run(`CREATE VIEW ${TABLES.sessions} AS ${sessionsQuery(folder, present.sessions)}`);
  await connection.run(`CREATE VIEW ${TABLES.exports} AS ${exportsQuery(folder, present.exports)}`);
  return connection;
}

/**
 * Runs SQL; of several statements, the last one's result counts. Throws `ERR_QUERY` with DuckDB's own words, or the
 * signal's reason once that is aborted.
 */
export async function query(connection: DuckDBConnection, sql: string, signal?: AbortSignal): Promise<QueryResult> {
  const interrupt = () => connection.interrupt();
  signal?.addEventListener("abort", interrupt, { once: true });
  try {
    const reader = await connection.runAndReadAll(sql);
    return { columns: reader.deduplicatedColumnNames(), rows: reader.getRows().map((row) => row.map(plain)) };
  } catch (cause) {
    signal?.throwIfAborted();
    const said = cause instanceof Error ? cause.message.trim() : String(cause);
    throw new ExporterError("ERR_QUERY", `DuckDB could not run the query. ${said}`, { cause });
  } finally {
    signal?.removeEventListener("abort", interrupt);
  }
}

function sessionsQuery(folder: string, present: boolean): string {
  const columns = SESSION_COLUMNS.map(({ name, shape }) => ({ name, type: duckdbType(GLUE_TYPES[shape]) }));
  const partitions = ["dt", "containment_type"].map((name) => ({ name, type: "VARCHAR" }));
  if (!present) return emptyQuery([...columns, ...partitions]);
  const files = literal(join(plainPath(folder), PREFIXES.sessions, "dt=*", "containment_type=*", "*.parquet"));
  // Not DuckDB's own partition columns: folders above the archive may be named like partitions, too.
  const from = `read_parquet(${files}, hive_partitioning = false, union_by_name = true, filename = '_file')`;
  const place = partitions.map(({ name }) => `regexp_extract(_file, '.*/${name}=([^/]*)/', 1) AS ${name}`);
  return `SELECT ${[...columns.map(cast), ...place].join(", ")} FROM ${from}`;
}

function exportsQuery(folder: string, present: boolean): string {
  const columns = LEDGER_COLUMNS.map(({ name, type }) => ({ name, type: duckdbType(type) }));
  const all = [...columns, { name: "dt", type: "VARCHAR" }];
  if (!present) return emptyQuery(all);
  const files = literal(join(plainPath(folder), PREFIXES.exports, "dt=*", "*.json"));
  const types = all.map(({ name, type }) => `${literal(name)}: ${literal(type)}`).join(", ");
  return `SELECT * FROM read_json(${files}, format = 'newline_delimited', columns = {${types}}, hive_partitioning = false)`;
}

function cast({ name, type }: { name: string; type: string }): string {
  return `CAST(${name} AS ${type}) AS ${name}`;
}

function emptyQuery(columns: readonly { name: string; type: string }[]): string {
  return `SELECT ${columns.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${name}`).join(", ")} WHERE false`;
}

/** The folder's path as a pattern that matches nothing else: characters of patterns stand in brackets. */
function plainPath(folder: string): string {
  return folder.replace(/[*?[]/g, "[$&]");
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A value as JSON can show it: whole numbers stay numbers as far as they are exact, times become text. */
function plain(value: DuckDBValue): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof DuckDBListValue) return value.items.map(plain);
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([name, entry]) => [name, plain(entry)]));
  }
  if (value instanceof DuckDBMapValue) {
    return Object.fromEntries(value.entries.map(({ key, value: entry }) => [String(key), plain(entry)]));
  }
  return value !== null && typeof value === "object" ? String(value) : value;
}
