import { Command } from "commander";
import { SettingsError } from "../../functions/exporter/errors.ts";
import type { Day } from "../../functions/exporter/export/calendar.ts";
import { runExport, type Task } from "../../functions/exporter/run-export.ts";
import { readSettings, type Settings } from "../../functions/exporter/settings.ts";
import { checkFolder } from "../check-folder.ts";
import { skippedDays, tellDays } from "../day-results.ts";
import type { CommandIo } from "../io.ts";
import { type DayOptions, environmentWith, Problems, readDays, type SettingOptions, withArchive } from "../options.ts";
import type { Finish } from "../program.ts";
import { planOfDays } from "../progress/plan.ts";
import { openRunView } from "../progress/run-view.ts";

interface Options extends SettingOptions, DayOptions {
  readonly acceptFewer?: true;
  readonly repair?: true;
  readonly json?: true;
}

const EXAMPLES = `
Examples:
  kore-sessions export                                    yesterday, into KORE_ARCHIVE
  kore-sessions export --date 2026-01-02 --archive ./archive
  kore-sessions export --from 2026-01-01 --to 2026-01-31 --bot st-1 --bot st-2
  kore-sessions export --repair                           yesterday, and what earlier days still lack
  kore-sessions export --account --archive s3://my-bucket/kore

Exit codes: 0 every day is complete or provisional, 1 the export failed or a day is incomplete,
2 wrong usage or settings, 130 interrupted.`;

/** `export`: archives days. */
export function exportCommand(io: CommandIo, finish: Finish): Command {
  return withArchive(new Command("export"))
    .description("Archive days of sessions, and prove each of them complete.")
    .option("--date <day>", "one day, yyyy-mm-dd (default: yesterday)")
    .option("--from <day>", "first day of a range")
    .option("--to <day>", "last day of the range, included")
    .option("--bot <id...>", "a bot to archive; may be repeated (default: KORE_BOT_IDS)")
    .option("--account", "archive the whole account instead of bots")
    .option("--time-zone <zone>", "zone of the archive's days (default: KORE_TIME_ZONE, else UTC)")
    .option("--repair", "yesterday, and what is missing, unfinished or changed before it, as the nightly run does")
    .option("--accept-fewer", "let a day shrink to what Kore still holds")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => finish(await exportAction(options, io)));
}

async function exportAction(options: Options, io: CommandIo): Promise<0 | 1> {
  const env = environmentWith(io.env, options);
  const problems = new Problems();
  const settings = await problems.try(() => readSettings(env));
  const days = await problems.try(() => readDays(options, settings?.timeZone ?? "UTC", io.clock.now()));
  await problems.try(() => checkRepair(options));
  await problems.try(() => checkFolder(env.KORE_ARCHIVE, io));
  problems.throwIfAny();
  if (settings === undefined || days === undefined) return 1;

  const view = await openRunView(io, planOfDays(settings, options.repair ? null : days));
  try {
    const result = await runExport(settings, taskOf(options, settings, days), io.clock, {
      signal: io.signal,
      onProgress: view.progress.bind(view),
      onDay: view.day.bind(view),
      onKoreEvent: view.koreEvent.bind(view),
    });
    view.stop();
    const results = result.sources.flatMap((source) => source.days);
    return tellDays(results, options.repair ? [] : skippedDays(result.sources), result, options.json, io);
  } finally {
    view.stop();
  }
}

function checkRepair({ repair, date, from, to, acceptFewer }: Options): void {
  const others = Object.entries({ date, from, to, "accept-fewer": acceptFewer });
  const problems = others.flatMap(([name, given]) =>
    repair && given !== undefined ? [`--repair finds its days itself; leave --${name} out.`] : [],
  );
  if (problems.length > 0) throw new SettingsError(problems);
}

/** Without a day named, `days` is yesterday alone: the day whose night `--repair` looks after. */
function taskOf({ repair, acceptFewer }: Options, { lookBackDays, startDate }: Settings, days: readonly Day[]): Task {
  const [previous] = days;
  if (!repair || previous === undefined)
    return { kind: "days", days, acceptFewer: acceptFewer === true, onlyMissing: false };
  return { kind: "night", night: { previous, lookBackDays, startDate } };
}
