import { Command } from "commander";
import { openStore } from "../../functions/exporter/archive/open-store.ts";
import { archiveStatus, type DayStatus, type SourceStatus } from "../../functions/exporter/export/archive-status.ts";
import { readArchiveSetting, readPersonalDataSetting } from "../../functions/exporter/settings.ts";
import type { CommandIo } from "../io.ts";
import { environmentWith, type SettingOptions, withArchive } from "../options.ts";
import { personalDataLines } from "../personal-data-lines.ts";
import type { Finish } from "../program.ts";

interface Options extends SettingOptions {
  readonly json?: true;
}

const MARKS: Readonly<Record<DayStatus, string>> = {
  complete: "C",
  provisional: "p",
  incomplete: "I",
  missing: "-",
  unreadable: "?",
};
const LEGEND = "C complete, p provisional, I incomplete, - missing, ? damaged record\n";

const EXAMPLES = `
Examples:
  kore-sessions status --archive ./archive
  kore-sessions status --archive s3://my-bucket/kore --json

Exit codes: 0 every day is complete or provisional, 1 a day is incomplete or missing.`;

/** `status`: the ledger as a calendar. */
export function statusCommand(io: CommandIo, finish: Finish): Command {
  return withArchive(new Command("status"))
    .description("Show which days of each source are complete, provisional, incomplete or missing.")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => finish(await statusAction(options, io)));
}

async function statusAction(options: Options, io: CommandIo): Promise<0 | 1> {
  const location = readArchiveSetting(environmentWith(io.env, options));
  const wanted = readPersonalDataSetting(io.env)?.spelling ?? null;
  const store = await openStore(location, { clock: io.clock });
  try {
    const sources = await archiveStatus(store, io.clock.now());
    io.stdout.write(options.json ? `${JSON.stringify(asJson(sources))}\n` : asText(sources, store.location, wanted));
    const bad = sources.some(({ days }) =>
      days.some(({ status }) => status !== "complete" && status !== "provisional"),
    );
    return bad ? 1 : 0;
  } finally {
    store.close();
  }
}

function asText(sources: readonly SourceStatus[], location: string, wanted: string | null): string {
  if (sources.length === 0) return `No day is archived in ${location} yet.\n`;
  return `${sources.map(calendar).join("\n")}\n${LEGEND}${personalDataLines(sources, wanted)}`;
}

/** A line for each month, a letter for each day of it. */
function calendar({ source, days }: SourceStatus): string {
  const total = days.reduce((sum, { record }) => sum + (record?.archived.total ?? 0), 0);
  const months = Map.groupBy(days, ({ dt }) => dt.slice(0, 7));
  const lines = [...months].map(([month, ofMonth]) => {
    const marks = new Map(ofMonth.map(({ dt, status }) => [Number(dt.slice(8)), MARKS[status]]));
    const row = Array.from({ length: 31 }, (_, index) => marks.get(index + 1) ?? " ").join("");
    return `  ${month}  ${row.trimEnd()}\n`;
  });
  const ruler = `           ${Array.from({ length: 31 }, (_, index) => ((index + 1) % 10 === 0 ? (index + 1) / 10 : "·")).join("")}\n`;
  return `${source}: ${total} sessions in ${days.length} days\n${ruler}${lines.join("")}${problemLines(days)}`;
}

function problemLines(days: SourceStatus["days"]): string {
  return days
    .flatMap(({ dt, record }) => (record?.problems ?? []).map(({ code, message }) => `  ${dt}  ${code}: ${message}\n`))
    .join("");
}

function asJson(sources: readonly SourceStatus[]): object {
  return {
    sources: sources.map(({ source, days }) => ({
      source,
      days: days.map(({ dt, status, record }) => ({
        dt,
        status,
        archived: record?.archived ?? null,
        personal_data: record?.personal_data ?? null,
        problems: record?.problems ?? [],
      })),
    })),
  };
}
