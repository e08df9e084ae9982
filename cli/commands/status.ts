import { Command } from "commander";
import type { CommandIo } from "../io.ts";
import { withArchive } from "../options.ts";
import type { Finish } from "../program.ts";
import type { StatusOptions } from "../status/show-status.ts";

const EXAMPLES = `
A calendar for each source, a line for each month and a letter for each day; how far behind the archive
is, what it holds, what went wrong, and when the last run ended. Colours only on a terminal, and not if
NO_COLOR is set.

Examples:
  kore-sessions status --archive ./archive
  kore-sessions status --from 2024-01-01 --to 2024-12-31
  kore-sessions status --archive s3://my-bucket/kore --json

Exit codes: 0 every day (of --from and --to, if given) is complete or provisional, 1 a day is incomplete
or missing, 2 wrong usage or settings.`;

/** `status`: the ledger as a calendar. */
export function statusCommand(io: CommandIo, finish: Finish): Command {
  return withArchive(new Command("status"))
    .description("Show which days of each source are complete, provisional, incomplete or missing.")
    .option("--from <day>", "first day to show, yyyy-mm-dd (default: the last twelve months)")
    .option("--to <day>", "last day to show, included")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (options: StatusOptions) => {
      const { showStatus } = await import("../status/show-status.ts");
      finish(await showStatus(options, io));
    });
}
