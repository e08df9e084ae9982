import type { Command } from "commander";
import { ExporterError, SettingsError } from "../functions/exporter/errors.ts";
import { addDays, type Day, dayOf, daysFromTo, dayWindow, isDay } from "../functions/exporter/export/calendar.ts";
import type { Environment } from "../functions/exporter/settings.ts";

/** Options that stand for environment variables; given, they win. */
export interface SettingOptions {
  readonly archive?: string;
  readonly bot?: readonly string[];
  readonly account?: true;
  readonly timeZone?: string;
}

/** Options that name days. */
export interface DayOptions {
  readonly date?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** Adds `--archive`, which every command that touches an archive has. */
export function withArchive(command: Command): Command {
  return command.option("--archive <place>", "a folder, or s3://bucket/prefix (default: KORE_ARCHIVE)");
}

/** The environment with the options in place of the variables they stand for; a blank option counts as not given. */
export function environmentWith(env: Environment, options: SettingOptions): Environment {
  const sourceGiven = options.bot !== undefined || options.account !== undefined;
  return {
    ...env,
    ...(options.archive?.trim() && { KORE_ARCHIVE: options.archive }),
    ...(options.timeZone?.trim() && { KORE_TIME_ZONE: options.timeZone }),
    ...(sourceGiven && {
      KORE_BOT_IDS: options.bot?.join(","),
      KORE_ACCOUNT: options.account ? "true" : undefined,
    }),
  };
}

/** Collects what is wrong in several places, so that a run tells all of it at once. */
export class Problems {
  readonly #sentences: string[] = [];

  /** The value, or undefined if making it is one of the problems. */
  async try<T>(make: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await make();
    } catch (error) {
      if (!(error instanceof ExporterError)) throw error;
      this.#sentences.push(...(error instanceof SettingsError ? error.problems : [error.message]));
      return undefined;
    }
  }

  /** Throws one `SettingsError` if there was any problem. */
  throwIfAny(): void {
    if (this.#sentences.length > 0) throw new SettingsError([...new Set(this.#sentences)]);
  }
}

/** A sentence for each option that is given, and is no date. */
export function wrongDates(options: DayOptions): string[] {
  return Object.entries(options).flatMap(([name, text]: [string, string | undefined]) =>
    text === undefined || isDay(text) ? [] : [`--${name} is "${text}"; give a date that exists, as yyyy-mm-dd.`],
  );
}

/** The days that the options name: one, a range with both ends included, or yesterday. Throws `SettingsError`. */
export function readDays(options: DayOptions, timeZone: string, nowMs: number): Day[] {
  const { date, from, to } = options;
  const problems = wrongDates({ date, from, to });
  if (date !== undefined && (from !== undefined || to !== undefined)) {
    problems.push("Both --date and --from or --to are given; give one day, or a range.");
  }
  if (date === undefined && (from === undefined) !== (to === undefined)) {
    problems.push(`--${from === undefined ? "from" : "to"} is missing; a range has --from and --to.`);
  }
  if (problems.length > 0) throw new SettingsError(problems);
  const yesterday = addDays(dayOf(nowMs, timeZone), -1);
  const first = date ?? from ?? yesterday;
  const last = date ?? to ?? yesterday;
  if (last < first) throw new SettingsError([`--to ${last} lies before --from ${first}; swap them.`]);
  if (dayWindow(last, timeZone).from > nowMs) {
    throw new SettingsError([`${last} has not begun yet in ${timeZone}; the latest full day is ${yesterday}.`]);
  }
  return daysFromTo(first, last);
}
