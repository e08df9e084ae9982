import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { TABLES } from "../../functions/exporter/contract.ts";
import { ExporterError } from "../../functions/exporter/errors.ts";
import { openDuckDb } from "../../functions/exporter/open-duckdb.ts";
import { plainValue } from "./plain-value.ts";
import { prepareReading } from "./reading-statement.ts";
import { failureOfFile, type ReadFiles } from "./unreadable-file.ts";
import { asPattern, exportsSelect, pathList, sessionsSelect } from "./view-definitions.ts";

type Row = readonly unknown[];

/** A query's result: names of its columns, and rows of plain values. */
export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

/** A query's result while it is made: some thousand rows at a time. */
export interface RowStream {
  readonly columns: readonly string[];
  readonly batches: AsyncIterable<readonly Row[]>;
}

/**
 * Holds DuckDB with the views `sessions` and `exports` over files of an archive, named and typed as in Athena; times
 * are UTC. It reads these files and no other, writes only what does not fit in memory, to its scratch folder, and
 * keeps to that whatever it is asked.
 */
export class ArchiveViews {
  readonly #connection: DuckDBConnection;
  readonly #files: ReadFiles;

  private constructor(connection: DuckDBConnection, files: ReadFiles) {
    this.#connection = connection;
    this.#files = files;
  }

  /** Opens DuckDB in memory. No file is opened before a query needs it. */
  static async open(files: ReadFiles, scratch: string): Promise<ArchiveViews> {
    const connection = await (await openDuckDb({ temp_directory: scratch })).connect();
    const pathOf = (key: string) => join(files.folder, key);
    const [sessions, exports] = [files.sessions.map(pathOf), files.exports.map(pathOf)];
    const paths = [...sessions, ...exports];
    const views = new ArchiveViews(connection, files);
    await views.define(TABLES.sessions, sessionsSelect(sessions));
    await views.define(TABLES.exports, exportsSelect(exports));
    // A path is looked for as the pattern that it is written as, and then opened as it is.
    await connection.run(`SET allowed_paths = ${pathList([...new Set([...paths, ...paths.map(asPattern)])])}`);
    await connection.run("SET enable_external_access = false");
    await connection.run("SET lock_configuration = true");
    return views;
  }

  /** Adds a view for the queries that follow. Name and SELECT are ours: they are not looked at. */
  async define(name: string, select: string): Promise<void> {
    await this.#connection.run(`CREATE VIEW ${name} AS ${select}`);
  }

  /** Runs a query as `stream` does, and returns all of its rows. */
  async query(sql: string, signal?: AbortSignal): Promise<QueryResult> {
    const { columns, batches } = await this.stream(sql, signal);
    return { columns, rows: (await Array.fromAsync(batches)).flat() };
  }

  /**
   * Begins a query that only reads (see `prepareReading`). This, or taking the rows, throws `ERR_QUERY` with DuckDB's
   * own words, the failure of a file that it needs and cannot read, or the signal's reason once that is aborted.
   */
  async stream(sql: string, signal?: AbortSignal): Promise<RowStream> {
    const statement = await this.#guarded(() => prepareReading(this.#connection, sql), signal);
    const result = await this.#guarded(() => statement.stream(), signal);
    const batches = result.yieldRows();
    const next = () => this.#guarded(() => batches.next(), signal);
    return {
      columns: result.deduplicatedColumnNames(),
      batches: (async function* () {
        for (let batch = await next(); !batch.done; batch = await next()) {
          yield batch.value.map((row) => row.map(plainValue));
        }
      })(),
    };
  }

  /** Closes the connection. */
  closeSync(): void {
    this.#connection.closeSync();
  }

  async #guarded<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const interrupt = () => this.#connection.interrupt();
    signal?.addEventListener("abort", interrupt, { once: true });
    try {
      return await work();
    } catch (cause) {
      signal?.throwIfAborted();
      throw await this.#failure(cause);
    } finally {
      signal?.removeEventListener("abort", interrupt);
    }
  }

  async #failure(cause: unknown): Promise<unknown> {
    if (cause instanceof ExporterError) return cause;
    const said = (cause instanceof Error ? cause.message : String(cause))
      .replace(/^Failed to extract statements: /, "")
      .trim();
    const ofFile = await failureOfFile(said, this.#files, this.#connection);
    return ofFile ?? new ExporterError("ERR_QUERY", `DuckDB could not run the query. ${said}`, { cause });
  }
}
