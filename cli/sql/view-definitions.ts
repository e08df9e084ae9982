import { GLUE_TYPES, LEDGER_COLUMNS, SESSION_COLUMNS } from "../../functions/exporter/contract.ts";
import { duckdbType } from "./types.ts";

interface Column {
  readonly name: string;
  readonly type: string;
}

const SESSIONS: readonly Column[] = SESSION_COLUMNS.map(({ name, shape }) => ({
  name,
  type: duckdbType(GLUE_TYPES[shape]),
}));
const EXPORTS: readonly Column[] = LEDGER_COLUMNS.map(({ name, type }) => ({ name, type: duckdbType(type) }));

/**
 * Returns the SELECT behind the view `sessions`. DuckDB is told the columns, so that it opens no file before a query
 * needs it, and reads null where an older file lacks a column.
 */
export function sessionsSelect(paths: readonly string[]): string {
  const types = SESSIONS.map(
    ({ name, type }) => `${literal(name)}: {'name': ${literal(name)}, 'type': ${literal(type)}, 'default_value': NULL}`,
  );
  return selectFrom("read_parquet", paths, [`schema = MAP {${types.join(", ")}}`], SESSIONS, [
    "dt",
    "containment_type",
  ]);
}

/** Returns the SELECT behind the view `exports`. */
export function exportsSelect(paths: readonly string[]): string {
  const types = EXPORTS.map(({ name, type }) => `${literal(name)}: ${literal(type)}`);
  const options = ["format = 'newline_delimited'", `columns = {${types.join(", ")}}`];
  return selectFrom("read_json", paths, options, EXPORTS, ["dt"]);
}

/** Returns paths as a list in SQL. */
export function pathList(paths: readonly string[]): string {
  return `[${paths.map(literal).join(", ")}]`;
}

/** Returns the path as a pattern that matches nothing else: characters of patterns stand in brackets. */
export function asPattern(path: string): string {
  return path.replace(/[*?[]/g, "[$&]");
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * The partition columns come from the path, as in Athena, by a function of `filename`: under that name and no other
 * DuckDB leaves out the files that a condition on them excludes. Its own partition columns would not do, since
 * folders above the archive may be named like partitions, too.
 */
function selectFrom(
  reader: "read_parquet" | "read_json",
  paths: readonly string[],
  options: readonly string[],
  columns: readonly Column[],
  partitions: readonly string[],
): string {
  const places = partitions.map((name) => `regexp_extract(filename, '.*/${name}=([^/]*)/', 1) AS ${name}`);
  if (paths.length === 0) return emptySelect([...columns, ...partitions.map((name) => ({ name, type: "VARCHAR" }))]);
  const all = [pathList(paths.map(asPattern)), ...options, "filename = true", "hive_partitioning = false"];
  return `SELECT ${[...columns.map(({ name }) => name), ...places].join(", ")} FROM ${reader}(${all.join(", ")})`;
}

function emptySelect(columns: readonly Column[]): string {
  return `SELECT ${columns.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${name}`).join(", ")} WHERE false`;
}
