import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { ExporterError } from "../../functions/exporter/errors.ts";
import { asPattern, sessionsSelect } from "./view-definitions.ts";

/** Files that DuckDB reads. */
export interface ReadFiles {
  /** Absolute: the archive's own, or where copies of its files lie. */
  readonly folder: string;
  /** Keys of session files and ledger records. */
  readonly sessions: readonly string[];
  readonly exports: readonly string[];
  /** Why a file is not there, by its key. */
  readonly missing: ReadonlyMap<string, ExporterError>;
}

/** How DuckDB's errors begin that name no file, although one is damaged: they point to no place in the query. */
const OF_A_FILE = /^(?:Invalid|Conversion) Error: (?!.*\nLINE )/s;

/**
 * Returns the failure of the file that kept DuckDB from answering, named by its key: `ERR_ARCHIVE_OBJECT_MISSING` or
 * `ERR_ARCHIVE_UNREACHABLE`; null if the query itself was at fault. Where DuckDB names no file, each session file is
 * read until one fails.
 */
export async function failureOfFile(
  said: string,
  files: ReadFiles,
  connection: DuckDBConnection,
): Promise<ExporterError | null> {
  const named = fileNamedIn(firstLineOf(said), files);
  if (named !== undefined) return failureOf(named, said, files);
  if (!OF_A_FILE.test(said)) return null;
  for (const key of files.sessions) {
    const all = sessionsSelect([join(files.folder, key)]);
    const failure = await connection.run(`SELECT max(hash(COLUMNS(*))) FROM (${all})`).then(
      () => null,
      () => failureOf(key, said, files),
    );
    if (failure !== null) return failure;
  }
  return null;
}

/** The lines below it show the query. */
function firstLineOf(said: string): string {
  return said.split("\n")[0] ?? "";
}

function fileNamedIn(line: string, { folder, sessions, exports }: ReadFiles): string | undefined {
  const isNamed = (key: string) => {
    const path = join(folder, key);
    return line.includes(path) || line.includes(asPattern(path));
  };
  return sessions.find(isNamed) ?? exports.find(isNamed);
}

function failureOf(key: string, said: string, { folder, missing }: ReadFiles): ExporterError {
  const reason = firstLineOf(said)
    .replaceAll(`${folder}/`, "")
    .replaceAll(`${asPattern(folder)}/`, "");
  const message =
    `${key} cannot be read (${reason}). Days that do not need it still can: bound them. ` +
    "`kore-sessions verify` tells which files are damaged.";
  return missing.get(key) ?? new ExporterError("ERR_ARCHIVE_UNREACHABLE", message);
}
