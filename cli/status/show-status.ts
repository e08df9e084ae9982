import { openStore } from "../../functions/exporter/archive/open-store.ts";
import { SettingsError } from "../../functions/exporter/errors.ts";
import { archiveStatus } from "../../functions/exporter/export/archive-status.ts";
import { readArchiveSetting, readPersonalDataSetting } from "../../functions/exporter/settings.ts";
import { interruptible } from "../interruption.ts";
import type { CommandIo } from "../io.ts";
import { warnOfLeftOut } from "../left-out.ts";
import { type DayOptions, environmentWith, Problems, type SettingOptions, wrongDates } from "../options.ts";
import { type ArchiveSight, type DayRange, daysIn, statusJson, statusText } from "./report.ts";
import { readRuns } from "./runs.ts";
import { isArchived, summaryOf } from "./source-summary.ts";

/** What `status` is told. */
export interface StatusOptions extends SettingOptions, Pick<DayOptions, "from" | "to"> {
  readonly json?: true;
}

/** Shows how the archive stands. The exit code is 1 if a day of the range, by default any day, is not archived. */
export async function showStatus(options: StatusOptions, io: CommandIo): Promise<0 | 1> {
  const problems = new Problems();
  const location = await problems.try(() => readArchiveSetting(environmentWith(io.env, options)));
  const personalData = await problems.try(() => readPersonalDataSetting(io.env)?.spelling ?? null);
  const range = await problems.try(() => readRange(options));
  problems.throwIfAny();
  if (location === undefined || personalData === undefined || range === undefined) return 1;
  const sight = await lookAt(location, io);
  const text = options.json
    ? `${JSON.stringify(statusJson(sight, range))}\n`
    : statusText(sight, { range, personalData, isColoured: isColoured(io) });
  io.stdout.write(text);
  return sight.sources.every((source) => daysIn(source, range).every(({ status }) => isArchived(status))) ? 0 : 1;
}

async function lookAt(location: string, { clock, signal, log }: CommandIo): Promise<ArchiveSight> {
  const nowMs = clock.now();
  const store = await openStore(location, { clock });
  try {
    let leftOut = 0;
    const read = Promise.all([archiveStatus(store, nowMs, () => leftOut++), readRuns(store)]);
    const [statuses, runs] = await interruptible(read, signal);
    warnOfLeftOut(log, leftOut);
    return { location: store.location, sources: statuses.map((status) => summaryOf(status, nowMs)), runs, nowMs };
  } finally {
    store.close();
  }
}

function readRange({ from, to }: StatusOptions): DayRange {
  const problems = wrongDates({ from, to });
  if (from !== undefined && to !== undefined && to < from)
    problems.push(`--to ${to} lies before --from ${from}; swap them.`);
  if (problems.length > 0) throw new SettingsError(problems);
  return { from, to };
}

/** Colour is for a terminal whose user did not decline it (https://no-color.org). */
function isColoured({ stdout, env }: CommandIo): boolean {
  return stdout.isTTY && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb";
}
