import { SettingsError } from "../../functions/exporter/errors.ts";
import { readArchiveSetting } from "../../functions/exporter/settings.ts";
import type { CommandIo } from "../io.ts";
import { environmentWith, Problems, type SettingOptions, wrongDates } from "../options.ts";
import type { DayRange } from "../status/report.ts";

/** What `report` is told. */
export interface ReportOptions extends SettingOptions {
  readonly from?: string;
  readonly to?: string;
  readonly out?: string;
  readonly title?: string;
  readonly tagValues?: true;
  readonly json?: true;
}

/** What `report` is to do, checked. */
export interface ReportOrder {
  readonly location: string;
  readonly range: DayRange;
  readonly title: string;
}

const LONGEST_TITLE = 200;

/** Checks the options. Throws one `SettingsError` with all that is wrong with them. */
export async function readOrder(options: ReportOptions, io: CommandIo): Promise<ReportOrder> {
  const { from, to, title = "Kore sessions" } = options;
  const problems = new Problems();
  const location = await problems.try(() => readArchiveSetting(environmentWith(io.env, options)));
  await problems.try(() => {
    const wrong = wrongDates({ from, to });
    if (from !== undefined && to !== undefined && to < from)
      wrong.push(`--to ${to} lies before --from ${from}; swap them.`);
    if (title.trim() === "" || title.length > LONGEST_TITLE)
      wrong.push(`--title is blank, or longer than ${LONGEST_TITLE} characters; give a short one, or leave it out.`);
    if (wrong.length > 0) throw new SettingsError(wrong);
  });
  problems.throwIfAny();
  return { location: location ?? "", range: { from, to }, title: title.trim() };
}
