import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../../../cli/program.ts";
import { systemClock } from "../../../functions/exporter/clock.ts";

/** Options of every command of the AWS CLI. https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-options.html */
const OF_THE_AWS_CLI = ["--query", "--output", "--max-items"];

/**
 * Options of commands for which no client is installed here, from their reference pages:
 * https://docs.aws.amazon.com/cli/latest/reference/
 */
const BY_REFERENCE: Readonly<Record<string, readonly string[]>> = {
  "npm ci": [],
  "npx cdk bootstrap": [],
  "npx cdk deploy": [],
  "aws s3 sync": [],
  "aws athena start-query-execution": ["--work-group", "--query-execution-context", "--query-string"],
  "aws athena get-query-results": ["--query-execution-id"],
  "aws s3api delete-objects": ["--bucket", "--bypass-governance-retention", "--delete"],
};

/** The options of a command line (its words, with a blank between two) that its program does not know. */
export async function unknownOptions(command: string): Promise<string[]> {
  const used = command.match(/(?<= )--[a-z][a-z-]*/g) ?? [];
  const known = await knownOptions(command.split(" "));
  return used.filter((option) => !known.includes(option));
}

async function knownOptions(words: readonly string[]): Promise<readonly string[]> {
  const ours = words.indexOf("kore-sessions");
  if (ours !== -1) return helpOptions(words.slice(ours + 1).find((word) => /^[a-z]/.test(word)) ?? "");
  const name = Object.keys(BY_REFERENCE).find((known) => `${words.join(" ")} `.startsWith(`${known} `));
  if (name !== undefined) return [...(BY_REFERENCE[name] ?? []), ...OF_THE_AWS_CLI];
  const [program, service = "", operation = ""] = words;
  if (program !== "aws") throw new Error(`${words.join(" ")}: nothing here knows the options of this program`);
  return [...requestOptions(service === "s3api" ? "s3" : service, operation), ...OF_THE_AWS_CLI];
}

async function helpOptions(command: string): Promise<string[]> {
  const written: string[] = [];
  const stdout = { isTTY: false, write: (text: string) => void written.push(text) };
  const code = await runCli(command === "" ? ["--help"] : [command, "--help"], {
    stdout,
    stderr: stdout,
    env: {},
    clock: systemClock,
    signal: new AbortController().signal,
  });
  if (code !== 0) throw new Error(`there is no command ${command}`);
  // `--` is npm's, before the command's own.
  return [
    "--",
    ...(written.join("").match(/^ {2}(?:-\w, )?--[a-z-]+/gm) ?? []).map((line) => line.replace(/^.*--/, "--")),
  ];
}

/** The members of an operation's request, as options of the AWS CLI, from the types of the SDK's client. */
function requestOptions(service: string, operation: string): string[] {
  const folder = `node_modules/@aws-sdk/client-${service}/dist-types/models`;
  const types = readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8"));
  const request = `export interface ${operation.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())}Request `;
  const [, body = ""] = types.find((text) => text.includes(request))?.split(request) ?? [];
  const [members = ""] = body.split("\n}");
  return [...members.matchAll(/^ {4}(\w+)\??:/gm)].map(
    ([, member = ""]) => `--${member.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase()}`,
  );
}
