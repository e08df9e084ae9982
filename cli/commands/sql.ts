import { rm } from "node:fs/promises";
import { Command, Option } from "commander";
import { openStore } from "../../functions/exporter/archive/open-store.ts";
import type { ArchiveStore } from "../../functions/exporter/archive/store.ts";
import { makeScratch } from "../../functions/exporter/scratch.ts";
import { counted } from "../amounts.ts";
import { interruptible } from "../interruption.ts";
import type { CommandIo } from "../io.ts";
import { withArchive } from "../options.ts";
import type { Finish } from "../program.ts";
import { FORMATS, readOrder, type SqlOptions, type SqlOrder } from "../sql/order.ts";

const EXAMPLES = `
Views, named and typed as in Athena:
  sessions   one row a session; partition columns dt and containment_type
  exports    one row for each day and source: the ledger

One SELECT, EXPLAIN, DESCRIBE or SHOW is run; nothing else can be. It reads the archive's own files and no others,
writes nowhere, and loads nothing. Files of days that it leaves out are not opened: bound dt.

Formats:
  table    for people; on a terminal the first 1,000 rows, unless --limit says otherwise
  csv      RFC 4180 with a header, but lines end in a line feed; null is an empty field, an empty text is "",
           lists and structs are JSON
  ndjson   one JSON object a line
  json     one JSON array; --json is short for it
All but table are printed while the rows come: the exit code tells whether they are all.

Examples:
  kore-sessions sql "SELECT dt, count(*) FROM sessions GROUP BY dt ORDER BY dt" --archive ./archive
  kore-sessions sql --file query.sql --format csv > sessions.csv
  echo "SELECT * FROM exports" | kore-sessions sql --format ndjson
  kore-sessions sql "SELECT dt, status FROM exports" --archive s3://my-bucket/kore --from 2026-01-01 --to 2026-01-31

Exit codes: 0 done, 1 a file of the archive that the query needs could not be read, 2 wrong query, usage or settings,
130 interrupted.`;

/** Makes the command `sql`: a query over the archive. */
export function sqlCommand(io: CommandIo, finish: Finish): Command {
  return withArchive(new Command("sql"))
    .description("Query the archive with DuckDB.")
    .argument("[query]", "SQL; - or nothing: read from stdin")
    .option("--file <file>", "read the query from a file")
    .option("--from <day>", "first day to look at")
    .option("--to <day>", "last day to look at, included")
    .addOption(new Option("--format <format>", "how rows are printed (default: table)").choices(FORMATS))
    .option("--json", "print the rows as one JSON array")
    .option("--limit <n>", "print at most so many rows; 0: all")
    .addHelpText("after", EXAMPLES)
    .action(async (query: string | undefined, options: SqlOptions) => {
      await runQuery(await readOrder(query, options, io), io);
      finish(0);
    });
}

async function runQuery(order: SqlOrder, io: CommandIo): Promise<void> {
  const store = await openStore(order.location, { clock: io.clock });
  const scratch = await makeScratch();
  try {
    await interruptible(answer(order, store, scratch, io), io.signal);
  } finally {
    store.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

async function answer(
  { location, days, sql, format, limit }: SqlOrder,
  store: ArchiveStore,
  scratch: string,
  { log, signal, stdout }: CommandIo,
): Promise<void> {
  const [{ openViews }, { printRows }] = await Promise.all([
    import("../sql/archive-views.ts"),
    import("../sql/print-rows.ts"),
  ]);
  const views = await openViews(store, location, days, { scratch, log, signal });
  try {
    const areMore = await printRows(await views.stream(sql, signal), format, limit, stdout);
    if (areMore && limit !== null) log.say("rows-left-out", leftOutText(limit));
  } finally {
    views.closeSync();
  }
}

function leftOutText(limit: number): string {
  return `There are more than ${counted(limit, "row")}: --limit 0 prints all, as does --format csv without a limit.`;
}
