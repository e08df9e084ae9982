import { DuckDBBlobValue, type DuckDBConnection, type DuckDBInstance } from "@duckdb/node-api";
import { ExporterError } from "../errors.ts";
import { openDuckDb } from "../open-duckdb.ts";

/** A session file's copy on this machine. */
export interface LocalSessionFile {
  readonly key: string;
  readonly path: string;
}

/** Reads session files with DuckDB. Ids are bound to queries, so that no message of DuckDB's can hold one. */
export class SessionTexts {
  readonly #instance: DuckDBInstance;

  private constructor(instance: DuckDBInstance) {
    this.#instance = instance;
  }

  /** `scratch` is a folder for what does not fit in memory. */
  static async open(scratch: string): Promise<SessionTexts> {
    return new SessionTexts(await openDuckDb({ memory_limit: "512MB", temp_directory: scratch }));
  }

  /** How many rows have one of these user ids; reads that column alone. Throws `ERR_QUERY`. */
  async countOf(userIds: readonly string[], file: LocalSessionFile): Promise<number> {
    const places = userIds.map((_, index) => `$${index + 1}`).join(", ");
    const sql = `SELECT count(*) FROM ${source(file)} WHERE user_id IN (${places})`;
    const [[count] = []] = await this.#rows(sql, file, [...userIds]);
    return Number(count);
  }

  /** The sessions' JSON texts in UTF-8, in the order of the file. Throws `ERR_QUERY`. */
  async textsOf(file: LocalSessionFile): Promise<Buffer[]> {
    const rows = await this.#rows(`SELECT encode(raw) FROM ${source(file)} ORDER BY file_row_number`, file, []);
    return rows.map(([blob]) => {
      if (!(blob instanceof DuckDBBlobValue)) throw unreadable(file, null);
      return Buffer.from(blob.bytes);
    });
  }

  /** Releases what DuckDB holds. */
  close(): void {
    this.#instance.closeSync();
  }

  async #rows(sql: string, file: LocalSessionFile, values: string[]): Promise<unknown[][]> {
    let connection: DuckDBConnection | null = null;
    try {
      connection = await this.#instance.connect();
      return (await connection.runAndReadAll(sql, values)).getRows();
    } catch (cause) {
      throw unreadable(file, cause);
    } finally {
      connection?.closeSync();
    }
  }
}

/** A path as a pattern that matches nothing else: characters of patterns stand in brackets. */
function source({ path }: LocalSessionFile): string {
  const literal = path.replace(/[*?[]/g, "[$&]").replaceAll("'", "''");
  return `read_parquet('${literal}', hive_partitioning = false, file_row_number = true)`;
}

function unreadable({ key }: LocalSessionFile, cause: unknown): ExporterError {
  const message = `${key} cannot be read as a session file. Run verify, and restore an earlier version of it.`;
  return new ExporterError("ERR_FILE_NOT_LISTED", message, { cause });
}
