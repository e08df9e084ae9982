import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import type { Environment } from "../functions/exporter/settings.ts";

/** Name of the file that holds settings, in the folder that a command is run in. */
export const ENVIRONMENT_FILE = ".env";

/** Variables that are taken from the file; the rest is another program's. */
const OURS = /^(?:KORE|AWS)_/;

/** Variables that nobody but the file's owner should be able to read. */
const SECRETS = ["KORE_CLIENT_SECRET", "KORE_HASH_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

const AWS_CREDENTIALS = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"];

/** Variables of the file that count for nothing once the environment has the variable named first: it says the same otherwise. */
const DISPLACED: Readonly<Record<string, readonly string[]>> = {
  KORE_BOT_IDS: ["KORE_ACCOUNT"],
  KORE_ACCOUNT: ["KORE_BOT_IDS"],
  KORE_CLIENT_ID: ["KORE_SECRET_ID"],
  KORE_CLIENT_SECRET: ["KORE_SECRET_ID"],
  KORE_SECRET_ID: ["KORE_CLIENT_ID", "KORE_CLIENT_SECRET", "KORE_HASH_KEY"],
  AWS_ACCESS_KEY_ID: AWS_CREDENTIALS,
  AWS_PROFILE: AWS_CREDENTIALS,
};

/** What the file says. */
export interface EnvironmentFile {
  /** Its variables whose names begin with `KORE_` or `AWS_`. */
  readonly variables: Readonly<Record<string, string>>;
  /** A sentence for each line that cannot be read. It never shows the line. */
  readonly problems: readonly string[];
  /** What a person should look at although the file can be read. */
  readonly warnings: readonly string[];
}

/** Where a variable stands in the file's text. */
export interface EnvironmentEntry {
  readonly name: string;
  /** Index of its first line. */
  readonly first: number;
  /** Index of its last line: a value in quotes can have several. */
  readonly last: number;
}

/** Reads `.env` in a folder. Without such a file there are no variables; a folder of that name is none. */
export function readEnvironmentFile(folder: string): EnvironmentFile {
  const path = join(folder, ENVIRONMENT_FILE);
  try {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined || status.isDirectory()) return { variables: {}, problems: [], warnings: [] };
    const text = readFileSync(path, "utf8");
    const variables = variablesOf(text);
    const problems = environmentEntries(text).problems.map((problem) => `${path}, ${problem}`);
    const isOpen = process.platform !== "win32" && (status.mode & 0o077) !== 0;
    const secret = SECRETS.find((name) => (variables[name] ?? "") !== "");
    const warning = `${path} holds ${secret}, and other users of this computer can read it; chmod 600 ${path}.`;
    return { variables, problems, warnings: isOpen && secret !== undefined ? [warning] : [] };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { variables: {}, problems: [`${path} cannot be read (${reason}); mend it or remove it.`], warnings: [] };
  }
}

/** The variables in a file's text that are ours. */
export function variablesOf(text: string): Readonly<Record<string, string>> {
  const all = Object.entries(parseEnv(withoutMark(text)));
  return Object.fromEntries(all.flatMap(([name, value]) => (OURS.test(name) ? [[name, value ?? ""]] : [])));
}

/** The variables of the file that the environment lacks. The environment wins, also where it says the same otherwise. */
export function missingVariables(
  variables: Readonly<Record<string, string>>,
  env: Environment,
): Record<string, string> {
  const given = (name: string) => !["", "false"].includes(env[name]?.trim() ?? "");
  const displaced = Object.entries(DISPLACED).flatMap(([name, others]) => (given(name) ? others : []));
  return Object.fromEntries(
    Object.entries(variables).filter(([name]) => env[name] === undefined && !displaced.includes(name)),
  );
}

/**
 * Takes a file's text apart, in the grammar of Node's `util.parseEnv`, which leaves out silently what it cannot read:
 * here each such line is a problem.
 */
export function environmentEntries(text: string): { entries: EnvironmentEntry[]; problems: string[] } {
  const lines = withoutMark(text).split("\n");
  const entries: EnvironmentEntry[] = [];
  const problems: string[] = [];
  for (let first = 0; first < lines.length; first++) {
    const line = (lines[first] ?? "").trim();
    if (line === "" || line.startsWith("#")) continue;
    const [, name, value = ""] = /^(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) {
      problems.push(`line ${first + 1}, is not NAME=value; mend it, or begin it with #.`);
      continue;
    }
    const last = lastLine(lines, first, value);
    const problem = valueProblem(name, value, last);
    if (problem !== null) problems.push(`line ${first + 1}, ${problem}`);
    entries.push({ name, first, last: last ?? first });
    first = last ?? first;
  }
  return { entries, problems };
}

/** The line on which a value ends; null if its quote is never closed. */
function lastLine(lines: readonly string[], first: number, value: string): number | null {
  const [quote = ""] = /^['"`]/.exec(value) ?? [];
  if (quote === "" || value.includes(quote, 1)) return first;
  const found = lines.findIndex((line, index) => index > first && line.includes(quote));
  return found === -1 ? null : found;
}

function valueProblem(name: string, value: string, last: number | null): string | null {
  if (last === null) return `opens a quote for ${name} that is never closed; close it.`;
  if (!OURS.test(name) || !/^[^'"`\s#][^\s#]*#/.test(value)) return null;
  return `has a # in the value of ${name}, which begins a comment; put the value in single quotes.`;
}

/** Windows editors put a mark in front of UTF-8. */
function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, "");
}
