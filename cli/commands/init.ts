import { Command } from "commander";
import type { InitOptions } from "../init/options.ts";
import type { CommandIo } from "../io.ts";
import { withArchive } from "../options.ts";
import type { Finish } from "../program.ts";

const EXAMPLES = `
Asks for what no flag gives, if there is a terminal; docs/first-steps.md has the clicks in Kore that lead
to the answers. Writes .env in this folder, which every command reads when it is run here, for its
owner's eyes only, and has git ignore it. Other lines of an .env stay; a value is replaced only if you
agree, or with --force. The secret is never an option, since other users see those: it is asked for,
piped in, or taken from KORE_CLIENT_SECRET.

Examples:
  kore-sessions init
  kore-sessions init --host https://platform.kore.ai --bot st-1 --client-id cs-1 --client-secret-stdin < secret.txt
  kore-sessions init --account --secret-id kore/sessions --archive s3://my-bucket/kore --yes
  kore-sessions init --deploy --alarm-email you@example.com

Exit codes: 0 all is written and checked, 1 a check failed or you declined, 2 wrong usage or settings,
130 interrupted (nothing is written then).`;

/** `init`: sets up a folder for all other commands. */
export function initCommand(io: CommandIo, finish: Finish): Command {
  return withArchive(new Command("init"))
    .description("Set up this folder: ask what to archive, write .env (and cdk.json), and check that it works.")
    .option("--host <url>", "Kore's environment, such as https://platform.kore.ai")
    .option("--bot <id...>", "a bot to archive; may be repeated")
    .option("--account", "archive the whole account instead of bots")
    .option("--client-id <id>", "client id of the app made in Kore")
    .option("--client-secret-stdin", "read the client secret from stdin")
    .option("--secret-id <name>", "AWS Secrets Manager secret that holds both, instead of them")
    .option("--time-zone <zone>", "zone of the archive's days, which cannot change later (default: UTC)")
    .option("--start-date <day>", "first day that --repair and the nightly run archive, yyyy-mm-dd")
    .option("--deploy", "write the settings of the deployment into cdk.json too")
    .option("--alarm-email <address>", "who is mailed when the deployed exporter has a problem")
    .option("--yes", "ask nothing: take flags, the environment and defaults")
    .option("--force", "replace values that .env or cdk.json have already")
    .option("--no-check", "do not check that the settings work")
    .option("--json", "print one JSON document")
    .addHelpText("after", EXAMPLES)
    .action(async (options: InitOptions) => {
      const { runInit } = await import("../init/run-init.ts");
      finish(await runInit(options, io));
    });
}
