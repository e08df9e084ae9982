import { Command } from "commander";
import type { CommandIo } from "../io.ts";
import { withArchive } from "../options.ts";
import type { Finish } from "../program.ts";
import type { ReportOptions } from "../report/report-options.ts";

const EXAMPLES = `
One file without scripts that loads nothing: it can be mailed, printed and kept. It has the sessions per day, the
containment rate, channels, languages, hours, durations, messages, tags, storage, and how each day stands; a table
behind each chart. Of users nothing is shown, and of tags only the names, unless --tag-values is given.

Examples:
  kore-sessions report --archive ./archive
  kore-sessions report --from 2026-01-01 --to 2026-01-31 --out january.html --title "Support bot, January"
  kore-sessions report --archive s3://my-bucket/kore --from 2026-01-01 --json

Exit codes: 0 the report is made, also of an archive with days that are not complete, 1 the archive could not be
read, 2 wrong usage or settings, 130 interrupted.`;

/** `report`: one page of charts about the archive. */
export function reportCommand(io: CommandIo, finish: Finish): Command {
  return withArchive(new Command("report"))
    .description("Make one self-contained HTML page of charts about the archive.")
    .option("--from <day>", "first day to look at, yyyy-mm-dd (default: the last twelve months)")
    .option("--to <day>", "last day to look at, included (default: the archive's last)")
    .option("--out <file>", "where the page goes; replaces what is there (default: report.html)")
    .option("--title <text>", "heading of the page (default: Kore sessions)")
    .option("--tag-values", "show the most frequent values of tags, too, which can be personal data")
    .option("--json", "print the numbers behind the charts as one JSON document, and make no page")
    .addHelpText("after", EXAMPLES)
    .action(async (options: ReportOptions) => {
      const { makeReport } = await import("../report/make-report.ts");
      await makeReport(options, io);
      finish(0);
    });
}
