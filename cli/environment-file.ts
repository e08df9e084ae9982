import { join } from "node:path";
import { parseEnv } from "node:util";
import type { Environment } from "../functions/exporter/settings.ts";
import { ENVIRONMENT_NAMES, isForEnvironmentOnly, nameProblem } from "./environment-names.ts";
import { type OwnFile, readOwnFile } from "./own-file.ts";

/** Name of the file that holds settings, in the folder that a command is run in. */
export const ENVIRONMENT_FILE = ".env";

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
  /** Those of its variables that are taken; none if the file is refused. */
  readonly variables: Readonly<Record<string, string>>;
  /** A sentence for each line that cannot be read, or why the file is refused. It never shows a line. */
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

/**
 * Reads `.env` in a folder. Without such a file there are no variables; a folder of that name is none. A file that
 * somebody else can have written is refused: it could have this user's credentials used, or sessions sent elsewhere.
 */
export function readEnvironmentFile(folder: string): EnvironmentFile {
  const path = join(folder, ENVIRONMENT_FILE);
  try {
    const file = readOwnFile(path);
    return file === null ? { variables: {}, problems: [], warnings: [] } : contentOf(path, file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { variables: {}, problems: [`${path} ${reason}`], warnings: [] };
  }
}

function contentOf(path: string, { text, mode }: OwnFile): EnvironmentFile {
  const variables = variablesOf(text);
  const { entries, problems } = environmentEntries(text);
  const misnamed = entries.flatMap(({ name, first }) => {
    const problem = nameProblem(name);
    return problem === null ? [] : [`line ${first + 1}, ${problem}`];
  });
  const notTaken = entries.flatMap(({ name, first }) =>
    isForEnvironmentOnly(name)
      ? [`${path}, line ${first + 1}, ${name} is not taken from a file; set it in the environment instead.`]
      : [],
  );
  return {
    variables,
    problems: [...problems, ...misnamed].map((problem) => `${path}, ${problem}`),
    warnings: [...exposure(path, mode, variables), ...notTaken],
  };
}

/** A warning if others can read a secret in the file. */
function exposure(path: string, mode: number, variables: EnvironmentFile["variables"]): string[] {
  const isOpen = process.platform !== "win32" && (mode & 0o077) !== 0;
  const secret = SECRETS.find((name) => (variables[name] ?? "") !== "");
  if (!isOpen || secret === undefined) return [];
  return [`${path} holds ${secret}, and other users of this computer can read it; chmod 600 ${path}.`];
}

/** Returns the variables in a file's text that are taken from it. */
export function variablesOf(text: string): Readonly<Record<string, string>> {
  const all = Object.entries(parseEnv(withoutMark(text)));
  return Object.fromEntries(all.flatMap(([name, value]) => (ENVIRONMENT_NAMES.has(name) ? [[name, value ?? ""]] : [])));
}

/** Returns the variables of the file that the environment lacks. The environment wins, also where it says the same otherwise. */
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
  if (!ENVIRONMENT_NAMES.has(name) || !/^[^'"`\s#][^\s#]*#/.test(value)) return null;
  return `has a # in the value of ${name}, which begins a comment; put the value in single quotes.`;
}

/** Windows editors put a mark in front of UTF-8. */
function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, "");
}
