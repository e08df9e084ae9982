import { Command, Option } from "commander";
import { CONTAINMENT_TYPES } from "../../functions/exporter/contract.ts";
import { readKoreSettings } from "../../functions/exporter/settings.ts";
import { type FetchOptions, readOrder, SESSION_TYPES } from "../fetch/order.ts";
import type { FetchProblem } from "../fetch/problem.ts";
import { interruptible } from "../interruption.ts";
import type { CommandIo } from "../io.ts";
import { environmentWith, Problems, type SettingOptions } from "../options.ts";
import type { Finish } from "../program.ts";

interface Options extends SettingOptions, FetchOptions {}

const EXAMPLES = `
Each line is a session's JSON exactly as Kore sent it (line breaks within it become blanks), the newest first. KORE_PII is
applied. Without dates: sessions that started in the last 7 days. Longer spans are asked for in windows under 7 days.

Examples:
  kore-sessions fetch --from 2026-01-02 --to 2026-01-02 --containment-type agent
  kore-sessions fetch --user-id zoe@example.com --from 2026-01-01T08:00:00Z --to 2026-01-01T18:00:00Z
  kore-sessions fetch --tag Plan=Gold --tag Country=DE --limit 10
  kore-sessions fetch --session-id 6957063b4769ed4e8221a001 6957063b4769ed4e8221a002
  kore-sessions fetch --session-id $(cat ids.txt) > sessions.ndjson

Exit codes: 0 these are all that Kore holds (or as many as --limit says), 1 Kore failed, does not know an id, or rows and
totals do not agree, 2 wrong usage or settings, 130 interrupted.`;

/** `fetch`: sessions straight from the API, as NDJSON. */
export function fetchCommand(io: CommandIo, finish: Finish): Command {
  return new Command("fetch")
    .description("Print sessions straight from Kore, one JSON document a line, without an archive.")
    .option("--session-id <id...>", "just these sessions; any number, asked for in batches of 50")
    .option("--call-id <id>", "sessions of a call, as the telephony names it")
    .option("--user-id <id>", "sessions of a user, as Kore names them")
    .option("--tag <name=value...>", "sessions with this tag; may be repeated")
    .addOption(new Option("--session-type <type>", "sessions of this type").choices(SESSION_TYPES))
    .addOption(new Option("--containment-type <type>", "sessions of this containment type").choices(CONTAINMENT_TYPES))
    .option("--from <when>", "first day, yyyy-mm-dd, or instant, such as 2026-01-02T03:00:00Z")
    .option("--to <when>", "last day, included, or instant, not included (default: now)")
    .option("--limit <n>", "stop after so many sessions")
    .option("--bot <id...>", "a bot to ask about; may be repeated (default: KORE_BOT_IDS)")
    .option("--account", "ask about the whole account instead of bots")
    .option("--time-zone <zone>", "zone of the days in --from and --to (default: KORE_TIME_ZONE, else UTC)")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => finish(await fetchAction(options, io)));
}

async function fetchAction(options: Options, io: CommandIo): Promise<0 | 1> {
  const problems = new Problems();
  const settings = await problems.try(() => readKoreSettings(environmentWith(io.env, options)));
  const order = await problems.try(() => readOrder(options, settings?.timeZone ?? "UTC", io.clock.now()));
  problems.throwIfAny();
  if (settings === undefined || order === undefined) return 1;

  const { fetchSessions, partsOf } = await import("../fetch/fetch-sessions.ts");
  const { openRunView } = await import("../progress/run-view.ts");
  const view = await openRunView(withoutBarAmongLines(io), {
    parts: order.limit === null ? partsOf(order) : [],
    partName: "windows",
    sources: settings.sources.length,
    quota: settings.quota,
    pageSize: settings.pageSize,
    requestsFor: (sessions, parts, pageSize) => Math.ceil(sessions / pageSize) + parts,
  });
  const found: FetchProblem[] = [];
  try {
    const onProblem = (problem: FetchProblem) => void found.push(problem);
    await interruptible(fetchSessions(order, settings, { view, io, onProblem }), io.signal);
  } finally {
    view.stop();
    for (const { code, message } of found) io.log.problem(code, message);
  }
  return found.length === 0 ? 0 : 1;
}

/** Sessions that run over a terminal show by themselves how it gets on. */
function withoutBarAmongLines(io: CommandIo): CommandIo {
  if (!io.stdout.isTTY) return io;
  const { stderr } = io;
  return { ...io, stderr: { write: (text) => stderr.write(text), isTTY: false } };
}
