import { rm } from "node:fs/promises";
import { Command } from "commander";
import { openStore } from "../../functions/exporter/archive/open-store.ts";
import type { ArchiveStore } from "../../functions/exporter/archive/store.ts";
import { SettingsError } from "../../functions/exporter/errors.ts";
import { makeScratch } from "../../functions/exporter/scratch.ts";
import { readArchiveSetting } from "../../functions/exporter/settings.ts";
import { counted } from "../amounts.ts";
import { interruptible } from "../interruption.ts";
import type { CommandIo } from "../io.ts";
import { environmentWith, type SettingOptions, withArchive, wrongDates } from "../options.ts";
import type { Finish } from "../program.ts";
import type { QueryResult } from "../sql/duckdb.ts";
import { table } from "../table.ts";

interface Options extends SettingOptions {
  readonly from?: string;
  readonly to?: string;
  readonly json?: true;
}

const EXAMPLES = `
Views, named and typed as in Athena:
  sessions   one row a session; partition columns dt and containment_type
  exports    one row for each day and source: the ledger

Examples:
  kore-sessions sql "SELECT dt, count(*) FROM sessions GROUP BY dt ORDER BY dt" --archive ./archive
  kore-sessions sql "SELECT dt, source, status FROM exports" --archive s3://my-bucket/kore --from 2026-01-01 --to 2026-01-31`;

/** `sql`: a query over the archive. */
export function sqlCommand(io: CommandIo, finish: Finish): Command {
  return withArchive(new Command("sql"))
    .description("Query the archive with DuckDB.")
    .argument("<query>", "SQL")
    .option("--from <day>", "first day to look at")
    .option("--to <day>", "last day to look at, included")
    .option("--json", "print the rows as one JSON array")
    .addHelpText("after", EXAMPLES)
    .action(async (sql: string, options: Options) => {
      await sqlAction(sql, options, io);
      finish(0);
    });
}

async function sqlAction(sql: string, options: Options, io: CommandIo): Promise<void> {
  const location = readArchiveSetting(environmentWith(io.env, options));
  const problems = wrongDates({ from: options.from, to: options.to });
  if (problems.length > 0) throw new SettingsError(problems);
  const store = await openStore(location, { clock: io.clock });
  const scratch = await makeScratch();
  try {
    const result = await interruptible(runQuery(sql, store, location, scratch, options, io.signal), io.signal);
    io.stdout.write(options.json ? asJson(result) : asText(result));
  } finally {
    store.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

async function runQuery(
  sql: string,
  store: ArchiveStore,
  location: string,
  scratch: string,
  options: Options,
  signal: AbortSignal,
): Promise<QueryResult> {
  const [{ openViews }, { query }] = await Promise.all([import("../sql/archive-views.ts"), import("../sql/duckdb.ts")]);
  const connection = await openViews(store, location, scratch, { from: options.from, to: options.to });
  try {
    return await query(connection, sql, signal);
  } finally {
    connection.closeSync();
  }
}

function asJson({ columns, rows }: QueryResult): string {
  return `${JSON.stringify(rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index]]))))}\n`;
}

function asText({ columns, rows }: QueryResult): string {
  const cells = rows.map((row) => row.map((value) => (typeof value === "number" ? value : shown(value))));
  return `${table(columns, cells)}${counted(rows.length, "row")}\n`;
}

function shown(value: unknown): string {
  if (value === null) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: archived text must not steer the reader's terminal.
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (control) => JSON.stringify(control).slice(1, -1));
}
