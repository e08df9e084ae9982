import { stripVTControlCharacters } from "node:util";
import type { Output } from "../../cli/io.ts";
import { runCli } from "../../cli/program.ts";
import type { Environment } from "../../functions/exporter/settings.ts";
import { BOT, type CommandResult, type Scenario } from "./scenario.ts";

/** What a command line finds at its ends; without it, no terminal anywhere. */
export interface TerminalOptions {
  readonly stdout?: Partial<Omit<Output, "write">>;
  readonly stderr?: Partial<Omit<Output, "write">>;
  /** Over the scenario's own settings. */
  readonly env?: Environment;
  readonly signal?: AbortSignal;
}

/** What a command line did, and what it drew on stderr: each text that is not blank, without what steers a terminal. */
export interface TerminalResult extends CommandResult {
  readonly drawn: readonly string[];
}

/** Runs a command line of a scenario in this process, with terminals or other ends of its own. */
export async function runOn(
  { kore, archive, clock }: Scenario,
  args: readonly string[],
  { stdout = {}, stderr = {}, env = {}, signal = new AbortController().signal }: TerminalOptions = {},
): Promise<TerminalResult> {
  const [told, messages]: [string[], string[]] = [[], []];
  const code = await runCli(args, {
    stdout: { isTTY: false, ...stdout, write: (text) => void told.push(text) },
    stderr: { isTTY: false, ...stderr, write: (text) => void messages.push(text) },
    env: {
      KORE_HOST: kore.url,
      KORE_BOT_IDS: BOT,
      KORE_CLIENT_ID: "cs-demo",
      KORE_CLIENT_SECRET: "demo-secret-of-the-stand-in",
      KORE_ARCHIVE: archive,
      KORE_REQUEST_TIMEOUT_SECONDS: "1",
      ...env,
    },
    clock,
    signal,
  });
  const drawn = messages.map((text) => stripVTControlCharacters(text).trim()).filter((text) => text !== "");
  return { code, stdout: told.join(""), stderr: messages.join(""), drawn };
}
