import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { addAbortSignal, type Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { SettingsError } from "../../functions/exporter/errors.ts";
import { readArchiveSetting } from "../../functions/exporter/settings.ts";
import type { CommandIo } from "../io.ts";
import { environmentWith, Problems, type SettingOptions, wrongDates } from "../options.ts";

/** Names the forms in which rows are printed: for people, or for programs. */
export const FORMATS = ["table", "csv", "ndjson", "json"] as const;
/** One of `FORMATS`. */
export type Format = (typeof FORMATS)[number];

/** So many rows of a table are printed to a terminal if nothing else is said. */
const MOST_ROWS_ON_TERMINAL = 1_000;

/** What `sql` is told besides the query. */
export interface SqlOptions extends SettingOptions {
  readonly from?: string;
  readonly to?: string;
  readonly file?: string;
  readonly format?: Format;
  readonly json?: true;
  readonly limit?: string;
}

/** What `sql` is to do, checked. */
export interface SqlOrder {
  readonly location: string;
  readonly days: { readonly from: string | undefined; readonly to: string | undefined };
  readonly sql: string;
  readonly format: Format;
  /** The most rows that are printed; null: all. */
  readonly limit: number | null;
}

/** Reads options and query. Throws one `SettingsError` with all that is wrong with them. */
export async function readOrder(query: string | undefined, options: SqlOptions, io: CommandIo): Promise<SqlOrder> {
  const { from, to } = options;
  const problems = new Problems();
  const location = await problems.try(() => readArchiveSetting(environmentWith(io.env, options)));
  await problems.try(() => {
    const wrong = wrongDates({ from, to });
    if (wrong.length > 0) throw new SettingsError(wrong);
  });
  const format = (await problems.try(() => readFormat(options))) ?? "table";
  const isForPerson = io.stdout.isTTY && format === "table";
  const limit = await problems.try(() => readLimit(options.limit, isForPerson ? MOST_ROWS_ON_TERMINAL : null));
  problems.throwIfAny();
  // Last, since somebody may still be writing it.
  const sql = await readQuery(query, options.file, io);
  return { location: location ?? "", days: { from, to }, sql, format, limit: limit ?? null };
}

function readFormat({ format, json }: SqlOptions): Format {
  if (json && format !== undefined && format !== "json") {
    throw new SettingsError([`--json is --format json, and --format ${format} is given, too; give one of them.`]);
  }
  return json ? "json" : (format ?? "table");
}

function readLimit(given: string | undefined, otherwise: number | null): number | null {
  if (given === undefined) return otherwise;
  if (!/^\d{1,15}$/.test(given))
    throw new SettingsError([`--limit is "${given}"; give a whole number, 0 for all rows.`]);
  return Number(given) === 0 ? null : Number(given);
}

const HOW = 'give it as in sql "SELECT count(*) FROM sessions", with --file FILE, or through a pipe';

async function readQuery(argument: string | undefined, file: string | undefined, io: CommandIo): Promise<string> {
  if (argument !== undefined && file !== undefined) {
    throw new SettingsError(["The query is given twice, as an argument and by --file; give it once."]);
  }
  const sql = file === undefined ? await argumentOrStdin(argument, io) : await readQueryFile(file, io.folder);
  if (sql.trim() === "") throw new SettingsError([`The query is empty; ${HOW}.`]);
  return sql;
}

async function argumentOrStdin(argument: string | undefined, { stdin, signal }: CommandIo): Promise<string> {
  if (argument !== undefined && argument !== "-") return argument;
  const input = stdin?.();
  if (input === undefined || (argument === undefined && input.isTTY === true)) {
    throw new SettingsError([`The query is missing; ${HOW}.`]);
  }
  return text(addAbortSignal(signal, input as Readable));
}

async function readQueryFile(file: string, folder = "."): Promise<string> {
  try {
    return await readFile(resolve(folder, file), "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SettingsError([`--file ${file} cannot be read: ${reason}; give a file that holds a query.`]);
  }
}
