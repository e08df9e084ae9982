import { Command } from "commander";
import { SettingsError } from "../../functions/exporter/errors.ts";
import type { CheckUpOptions } from "../doctor/check-up.ts";
import type { CommandIo, ExitCode } from "../io.ts";
import { environmentWith, type SettingOptions, withArchive } from "../options.ts";
import type { Finish } from "../program.ts";

interface Options extends SettingOptions, CheckUpOptions {
  readonly function?: string;
  readonly json?: true;
}

const EXAMPLES = `
Each line is ok, warning, problem or skipped, with what to do; docs/doctor.md has them all. Nothing is changed, in Kore,
in the archive or in AWS. Kore gets one request for each bot and three more at most.

Examples:
  kore-sessions doctor
  kore-sessions doctor --archive s3://my-bucket/kore --json
  kore-sessions doctor --function arn:aws:lambda:eu-central-1:123456789012:function:exporter:live --deployed

Exit codes: 0 no problem, 1 a problem, 2 wrong usage or settings, 130 interrupted.`;

/** `doctor`: looks at everything that an export needs. */
export function doctorCommand(io: CommandIo, finish: Finish): Command {
  return withArchive(new Command("doctor"))
    .description("Check everything that an export needs, and say how to mend what is wrong.")
    .option("--bot <id...>", "a bot to ask about; may be repeated (default: KORE_BOT_IDS)")
    .option("--account", "ask about the whole account instead of bots")
    .option("--time-zone <zone>", "zone of the archive's days (default: KORE_TIME_ZONE, else UTC)")
    .option("--function <name>", "deployed function to look at, with its schedule and tables (default: KORE_FUNCTION)")
    .option("--stack <name>", "stack whose tables are looked at (default: the function's)")
    .option("--deployed", "check the deployed function's settings instead of those here")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (options: Options) => finish(await doctorAction(options, io)));
}

async function doctorAction(options: Options, io: CommandIo): Promise<ExitCode> {
  refuseSettingsBesideDeployed(options);
  const { checkUp } = await import("../doctor/check-up.ts");
  const { checksJson, exitCodeOf, printChecks } = await import("../doctor/print.ts");
  const named = options.function?.trim() ? { KORE_FUNCTION: options.function } : {};
  const checks = checkUp({ ...environmentWith(io.env, options), ...named }, io, options);
  if (!options.json) return exitCodeOf(await printChecks(checks, io));
  const all = await Array.fromAsync(checks);
  io.stdout.write(`${JSON.stringify(checksJson(all))}\n`);
  return exitCodeOf(all);
}

function refuseSettingsBesideDeployed({ deployed, archive, bot, account, timeZone }: Options): void {
  const others = Object.entries({ archive, bot, account, "time-zone": timeZone });
  const problems = others.flatMap(([name, given]) =>
    deployed && given !== undefined ? [`--deployed takes the function's own settings; leave --${name} out.`] : [],
  );
  if (problems.length > 0) throw new SettingsError(problems);
}
