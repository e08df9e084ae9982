import { Command } from "commander";
import { ACCOUNT_SOURCE } from "../../functions/exporter/contract.ts";
import { SettingsError } from "../../functions/exporter/errors.ts";
import type { Day } from "../../functions/exporter/export/calendar.ts";
import { runEstimate } from "../../functions/exporter/run-export.ts";
import { type Environment, readSettings, type Settings } from "../../functions/exporter/settings.ts";
import { archiveHere } from "../backfill/archive-here.ts";
import { askEstimate, type Estimate, estimateJson, estimateOf, estimateText } from "../backfill/estimate.ts";
import { followSources } from "../backfill/follow.ts";
import { openFollowView } from "../backfill/follow-view.ts";
import { type FunctionName, readFunctionName } from "../backfill/function-name.ts";
import { monthsJson, monthsText } from "../backfill/month-results.ts";
import { monthsOf } from "../backfill/months.ts";
import type { WaitPorts } from "../backfill/patience.ts";
import { checkFolder } from "../check-folder.ts";
import { skippedDays, tellDays } from "../day-results.ts";
import type { CommandIo, ExitCode } from "../io.ts";
import { environmentWith, Problems, readDays, type SettingOptions, withArchive } from "../options.ts";
import type { Finish } from "../program.ts";

interface Options extends SettingOptions {
  readonly from?: string;
  readonly to?: string;
  readonly function?: string;
  readonly local?: true;
  readonly estimate?: true;
  readonly json?: true;
}

const EXAMPLES = `
In AWS each month of each source is an execution of the deployed function: the most recent month
first, sources side by side. Ctrl-C ends the command, not the executions; the same command follows
them again, and starts nothing twice. Days that are archived already are left alone.

Examples:
  kore-sessions backfill --from 2025-01-01 --to 2025-12-31 --function arn:aws:lambda:…:live
  kore-sessions backfill --from 2025-01-01 --to 2025-12-31 --bot st-1 --estimate
  kore-sessions backfill --from 2025-12-01 --to 2025-12-31 --local --archive ./archive

Exit codes: 0 every day is complete or provisional, 1 a source failed or a day is incomplete,
2 wrong usage or settings, 130 interrupted.`;

/** `backfill`: archives a long range of days, with the deployed function or in this process. */
export function backfillCommand(io: CommandIo, finish: Finish): Command {
  return withArchive(new Command("backfill"))
    .description("Archive a long range of days with the deployed function, and say before how long it takes.")
    .option("--from <day>", "first day of the range, yyyy-mm-dd")
    .option("--to <day>", "last day of the range, included")
    .option("--bot <id...>", "a bot to archive; may be repeated (default: KORE_BOT_IDS, else all of the function's)")
    .option("--account", "archive the whole account instead of bots")
    .option("--function <arn>", "ARN or name of the deployed function (default: KORE_FUNCTION)")
    .option("--local", "archive in this process, with the settings that export has, into --archive")
    .option("--estimate", "only say how many sessions, requests and hours it takes")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => finish(await backfillAction(options, io)));
}

async function backfillAction(options: Options, io: CommandIo): Promise<ExitCode> {
  const env = environmentWith(io.env, options);
  const problems = new Problems();
  const days = await problems.try(() => rangeDays(options, env, io.clock.now()));
  await problems.try(() => checkPlaces(options));
  if (options.local) {
    const settings = await problems.try(() => readSettings(env));
    await problems.try(() => checkFolder(env.KORE_ARCHIVE, io));
    problems.throwIfAny();
    if (settings === undefined || days === undefined) return 1;
    return backfillHere(settings, days, options, io);
  }
  const name = await problems.try(() => readFunctionName(options.function ?? env.KORE_FUNCTION));
  const sources = await problems.try(() => namedSources(env));
  problems.throwIfAny();
  if (name === undefined || days === undefined || sources === undefined) return 1;
  return backfillInAws(name, sources, days, options, io);
}

/** The days of the range, the first of them first. */
function rangeDays({ from, to }: Options, env: Environment, nowMs: number): Day[] {
  if (from !== undefined || to !== undefined) return readDays({ from, to }, env.KORE_TIME_ZONE ?? "UTC", nowMs);
  throw new SettingsError(["No range is given; say which days with --from and --to, as yyyy-mm-dd."]);
}

function checkPlaces({ local, archive, function: deployed }: Options): void {
  const problems: string[] = [];
  if (local && deployed !== undefined) problems.push("Both --local and --function are given; give one of them.");
  if (!local && archive !== undefined) {
    problems.push("The deployed function archives into its own bucket; leave --archive out, or use --local.");
  }
  if (problems.length > 0) throw new SettingsError(problems);
}

/** The sources that somebody named; none: all that the function has. */
function namedSources({ KORE_BOT_IDS, KORE_ACCOUNT }: Environment): string[] {
  const bots = (KORE_BOT_IDS ?? "").split(",").flatMap((id) => id.trim() || []);
  if (KORE_ACCOUNT?.trim() !== "true") return [...new Set(bots)];
  if (bots.length === 0) return [ACCOUNT_SOURCE];
  throw new SettingsError(["Both bots and the account are to be archived; give --bot or --account."]);
}

async function backfillInAws(
  name: FunctionName,
  sources: readonly string[],
  days: readonly Day[],
  options: Options,
  io: CommandIo,
): Promise<ExitCode> {
  const { DeployedFunction } = await import("../backfill/deployed-function.ts");
  const deployed = new DeployedFunction(name);
  try {
    const range = { from: days[0] ?? "", to: days.at(-1) ?? "" };
    const ports = { deployed, clock: io.clock, signal: io.signal };
    const estimate = await askEstimate(sources, range, days.length, ports);
    if (tellEstimate(estimate, options, io)) return 0;
    return await follow(ports, estimate, days, options, io);
  } finally {
    deployed.close();
  }
}

async function follow(
  ports: WaitPorts,
  estimate: Estimate,
  days: readonly Day[],
  { json }: Options,
  io: CommandIo,
): Promise<ExitCode> {
  const months = monthsOf(days);
  const view = await openFollowView(io, estimate, months.length);
  const sources = estimate.sources.map(({ source }) => source);
  const tell = view.change.bind(view);
  try {
    const outcomes = await followSources(sources, months, { ...ports, tell });
    view.stop();
    const ok = outcomes.every(({ status }) => status === "done");
    io.stdout.write(json ? `${JSON.stringify(monthsJson(outcomes, estimate, ok))}\n` : monthsText(outcomes));
    return ok ? 0 : 1;
  } catch (error) {
    view.stop();
    if (error instanceof SettingsError) throw error;
    io.log.say("left", "No longer following. What was started goes on in AWS; the same command follows it again.");
    if (io.signal.aborted) return 130;
    throw error;
  } finally {
    view.stop();
  }
}

async function backfillHere(
  settings: Settings,
  days: readonly Day[],
  options: Options,
  io: CommandIo,
): Promise<ExitCode> {
  const counted = await runEstimate(settings, days, io.clock, { signal: io.signal });
  const estimate = estimateOf(counted, days.length, settings.quota, settings.pageSize);
  if (tellEstimate(estimate, options, io)) return 0;
  const run = await archiveHere(settings, days.toReversed(), io);
  const results = run.sources.flatMap((source) => source.days);
  return tellDays(results, skippedDays(run.sources), run, options.json, io);
}

/** Tells the estimate: on stdout if it is all that is asked for, which is then true; else as a message. */
function tellEstimate(estimate: Estimate, { estimate: only, json }: Options, io: CommandIo): boolean {
  if (only !== true) io.log.info("estimate", estimateText(estimate).trimEnd(), { estimate: estimateJson(estimate) });
  else io.stdout.write(json ? `${JSON.stringify(estimateJson(estimate))}\n` : estimateText(estimate));
  return only === true;
}
