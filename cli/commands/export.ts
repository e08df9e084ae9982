import { Command } from "commander";
import { openStore } from "../../functions/exporter/archive/open-store.ts";
import { SettingsError } from "../../functions/exporter/errors.ts";
import type { Day } from "../../functions/exporter/export/calendar.ts";
import { type DayResult, sourceName } from "../../functions/exporter/export/export-day.ts";
import { runExport, type Task } from "../../functions/exporter/run-export.ts";
import { readArchiveSetting, readSettings, type Settings } from "../../functions/exporter/settings.ts";
import { describe } from "../describe.ts";
import type { CommandIo } from "../io.ts";
import { type DayOptions, environmentWith, Problems, readDays, type SettingOptions, withArchive } from "../options.ts";
import type { Finish } from "../program.ts";
import { progressView } from "../progress.ts";
import { table } from "../table.ts";

interface Options extends SettingOptions, DayOptions {
  readonly acceptFewer?: true;
  readonly repair?: true;
  readonly json?: true;
}

/** A day that was asked for and not begun. */
interface SkippedDay {
  readonly source: string;
  readonly dt: Day;
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

  const view = progressView(io);
  try {
    const results = await runExport(settings, taskOf(options, settings, days), io.clock, {
      signal: io.signal,
      onProgress: (progress) => view.progress(progress),
      onKoreEvent: (source, event) => view.koreEvent(source, event),
    });
    view.stop();
    const skipped = options.repair ? [] : notBegun(settings.sources.map(sourceName), days, results);
    for (const { error } of results) if (error?.code === "ERR_INTERNAL") io.stderr.write(describe(error));
    const ok = skipped.length === 0 && results.every((result) => result.ok);
    io.stdout.write(options.json ? `${JSON.stringify(asJson(results, skipped, ok))}\n` : asText(results, skipped));
    return ok ? 0 : 1;
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
  if (!repair || previous === undefined) return { kind: "days", days, acceptFewer: acceptFewer === true };
  return { kind: "night", night: { previous, lookBackDays, startDate } };
}

/** Days that were asked for and have no result: their source had failed before, or the run had taken too long. */
function notBegun(sources: readonly string[], days: readonly Day[], results: readonly DayResult[]): SkippedDay[] {
  const done = new Set(results.map(({ source, dt }) => `${source} ${dt}`));
  return sources.flatMap((source) => days.filter((dt) => !done.has(`${source} ${dt}`)).map((dt) => ({ source, dt })));
}

/** A folder that cannot be written is told with the other settings; a bucket is asked once they are right. */
async function checkFolder(location: string | undefined, io: CommandIo): Promise<void> {
  if (location === undefined || location.startsWith("s3:")) return;
  const store = await openStore(readArchiveSetting({ KORE_ARCHIVE: location }), { clock: io.clock });
  await store.checkWritable();
  store.close();
}

function asText(results: readonly DayResult[], skipped: readonly SkippedDay[]): string {
  const rows = results.map(({ source, dt, record, filesWritten, requests }) => [
    dt,
    source,
    record?.status ?? "failed",
    record?.archived.total ?? 0,
    requests,
    filesWritten,
  ]);
  const problems = results.flatMap(({ source, dt, record, error }) =>
    (record?.problems ?? (error === null ? [] : [error])).map(
      ({ code, message }) => `${dt} ${source}: ${code} ${message}\n`,
    ),
  );
  const left = skipped.map(
    ({ source, dt }) => `${dt} ${source}: not begun, since the source failed before, or the run took too long.\n`,
  );
  const titles = ["day", "source", "status", "sessions", "requests", "files written"];
  return `${table(titles, rows)}${[...problems, ...left].join("")}`;
}

function asJson(results: readonly DayResult[], skipped: readonly SkippedDay[], ok: boolean): object {
  return { ok, days: results.map(dayAsJson), skipped };
}

function dayAsJson({ source, dt, ok, record, filesWritten, requests, error }: DayResult): object {
  const { status = "failed", revision = null, archived = null, reported = null, problems = [] } = record ?? {};
  const failure = error === null ? null : { code: error.code, message: error.message };
  const ledger = { status, revision, archived, reported, problems };
  return { source, dt, ok, ...ledger, requests, files_written: filesWritten, error: failure };
}
