import { type DuckDBConnection, type DuckDBPreparedStatement, StatementType } from "@duckdb/node-api";
import { ExporterError } from "../../functions/exporter/errors.ts";

/**
 * Table functions that read nothing but their arguments. Others read files, and some write them although they stand
 * in a SELECT: `enable_profiling` and `enable_logging` take the path of a file.
 */
const TABLE_FUNCTIONS = ["unnest", "range", "generate_series", "json_each", "json_tree"];

/** White space and comments, and what may stand between EXPLAIN and the statement. */
const GAP = "(?:\\s|--[^\\n]*(?:\\n|$)|/\\*[^]*?\\*/)*";
const OPTION = "(?:analy[sz]e|format\\s+\\w+)";
const EXPLAIN = new RegExp(
  `^${GAP}explain\\b${GAP}(?<options>analy[sz]e\\b|\\(\\s*${OPTION}(?:\\s*,\\s*${OPTION})*\\s*\\))?(?<explained>[^]*)$`,
  "i",
);

/**
 * Prepares a statement that only reads: one SELECT, or what DuckDB makes one (FROM, WITH, VALUES, DESCRIBE, SHOW,
 * SUMMARIZE), or EXPLAIN of one. Throws `ERR_QUERY` for any other before anything of it is run, and whatever DuckDB
 * throws of a statement that is none.
 *
 * DuckDB's own parser decides. Text that was explained is parsed without its EXPLAIN, and a new EXPLAIN is put before
 * it: so it does not matter whether the old one was recognised as DuckDB would, and `EXPLAIN ANALYZE COPY …`, which
 * copies, is refused.
 */
export async function prepareReading(connection: DuckDBConnection, sql: string): Promise<DuckDBPreparedStatement> {
  // What stands behind a zero would be parsed, but not run.
  if (sql.includes("\0")) throw refused("it holds a character U+0000");
  const { options = "", explained } = EXPLAIN.exec(sql)?.groups ?? {};
  const selects = await parseSelects(connection, explained ?? sql);
  // Of a text that is no SQL, DuckDB throws what is wrong with it, and where.
  const count = selects?.length ?? (await connection.extractStatements(sql)).count;
  if (count === 0) throw refused("it holds no statement");
  if (count > 1) throw refused(`it holds ${count} statements; ask them one by one`);
  if (selects === null) throw refused("it is another kind of statement");
  const unknown = tableFunctionsIn(selects).find((name) => !TABLE_FUNCTIONS.includes(name));
  if (unknown !== undefined) {
    throw refused(`it uses the table function ${unknown}; there are ${TABLE_FUNCTIONS.join(", ")}`);
  }
  const text = explained === undefined ? sql : `EXPLAIN ${options}\n${explained}`;
  const prepared = await (await connection.extractStatements(text)).prepare(0);
  const wanted = explained === undefined ? StatementType.SELECT : StatementType.EXPLAIN;
  if (prepared.statementType !== wanted) throw refused(`it is ${StatementType[prepared.statementType]}`);
  return prepared;
}

/** The syntax trees of the statements in a text, or null if one of them is no SELECT, or the text no SQL. */
async function parseSelects(connection: DuckDBConnection, sql: string): Promise<readonly unknown[] | null> {
  const reader = await connection.runAndReadAll("SELECT json_serialize_sql($1::VARCHAR)", [sql]);
  const { statements }: { statements?: unknown[] } = JSON.parse(String(reader.getRows()[0]?.[0]));
  return statements ?? null;
}

/** Names of the table functions anywhere in syntax trees. */
function tableFunctionsIn(tree: unknown): string[] {
  if (tree === null || typeof tree !== "object") return [];
  const { type, function: called } = tree as { type?: unknown; function?: { function_name?: unknown } };
  const here = type === "TABLE_FUNCTION" ? [String(called?.function_name)] : [];
  return [...here, ...Object.values(tree).flatMap(tableFunctionsIn)];
}

function refused(why: string): ExporterError {
  return new ExporterError(
    "ERR_QUERY",
    `The query was not run, since ${why}. One SELECT, EXPLAIN, DESCRIBE or SHOW is run here, over the views sessions ` +
      "and exports, and nothing that writes, loads or sets; PIVOT needs its values, as in ON channel IN ('rtm').",
  );
}
