import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { openDuckDb } from "../open-duckdb.ts";
import { SESSION_SCHEMA, schemaLine } from "./parquet-schema.ts";

/** Whatever a file is, DuckDB needs no more than this; larger sorts go to `scratch`. */
const MEMORY_LIMIT = "512MB";

/** Which rows belong in a file. */
export interface RowPlace {
  /** Milliseconds since 1970, `from` ≤ start_time < `to`. */
  readonly window: { readonly from: number; readonly to: number };
  /** The bot that rows are of; null: of any. */
  readonly bot: string | null;
}

/** What a session file holds. */
export type FileFacts =
  | { readonly kind: "unreadable"; readonly reason: string }
  /** Columns that are missing or other than they should be, and columns that should not be there. */
  | { readonly kind: "other schema"; readonly missing: readonly string[]; readonly extra: readonly string[] }
  | {
      readonly kind: "sessions";
      readonly rows: number;
      /** Rows that lack a required value. */
      readonly incomplete: number;
      /** Rows that started outside of the window. */
      readonly outside: number;
      readonly ofOtherBots: number;
    };

/** Reads session files with DuckDB, in bounded memory. */
export class SessionReader {
  readonly #instance: DuckDBInstance;

  private constructor(instance: DuckDBInstance) {
    this.#instance = instance;
  }

  /** `scratch` is a folder for what does not fit in memory. */
  static async open(scratch: string): Promise<SessionReader> {
    return new SessionReader(await openDuckDb({ memory_limit: MEMORY_LIMIT, temp_directory: scratch }));
  }

  /** What the file at a path holds; reads its required columns to the end. Never throws over what the file is. */
  async facts(path: string, { window, bot }: RowPlace): Promise<FileFacts> {
    return this.#connected(async (connection) => {
      try {
        const schema = await rowsOf(
          connection,
          `SELECT name, type, converted_type, repetition_type FROM parquet_schema(${file(path)})`,
        );
        const found = schema.slice(1).map((node) => schemaLine(...node));
        if (found.join() !== SESSION_SCHEMA.join()) return otherSchema(found);
        const start = "epoch_ms(start_time)";
        const [counts = []] = await rowsOf(
          connection,
          `SELECT count(*),
            count(*) FILTER (session_id IS NULL OR start_time IS NULL OR raw IS NULL),
            count(*) FILTER (${start} < ${window.from} OR ${start} >= ${window.to}),
            ${bot === null ? "0" : `count(*) FILTER (bot_id <> ${literal(bot)})`}
          FROM ${files([path])}`,
        );
        const [rows = 0, incomplete = 0, outside = 0, ofOtherBots = 0] = counts.map(Number);
        return { kind: "sessions", rows, incomplete, outside, ofOtherBots };
      } catch (error) {
        return { kind: "unreadable", reason: firstLine(error) };
      }
    });
  }

  /** Ids that are in the files more than once, at most so many, in ascending order. Files must be readable. */
  async duplicates(paths: readonly string[], most: number): Promise<string[]> {
    if (paths.length === 0) return [];
    const sql = `SELECT session_id FROM ${files(paths)} GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT ${most}`;
    return this.#connected(async (connection) => (await rowsOf(connection, sql)).map(([id]) => String(id)));
  }

  /** Releases what DuckDB holds. */
  close(): void {
    this.#instance.closeSync();
  }

  async #connected<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const connection = await this.#instance.connect();
    try {
      return await work(connection);
    } finally {
      connection.closeSync();
    }
  }
}

async function rowsOf(connection: DuckDBConnection, sql: string): Promise<unknown[][]> {
  return (await connection.runAndReadAll(sql)).getRows();
}

function otherSchema(found: readonly string[]): FileFacts {
  const missing = SESSION_SCHEMA.filter((line) => !found.includes(line));
  return { kind: "other schema", missing, extra: found.filter((line) => !SESSION_SCHEMA.includes(line)) };
}

function files(paths: readonly string[]): string {
  return `read_parquet([${paths.map(file).join(", ")}], hive_partitioning = false)`;
}

/** A path as a pattern that matches nothing else: characters of patterns stand in brackets. */
function file(path: string): string {
  return literal(path.replace(/[*?[]/g, "[$&]"));
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}
