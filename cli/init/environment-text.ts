import { SettingsError } from "../../functions/exporter/errors.ts";
import { SETTINGS } from "../../functions/exporter/settings.ts";
import { environmentEntries, variablesOf } from "../environment-file.ts";

/** A variable as it is to stand in `.env`; undefined: not at all. */
export type Variables = Readonly<Record<string, string | undefined>>;

const HEADING = `# Settings of kore-sessions: every command that is run in this folder reads them. Variables of the shell win over
# this file, and flags over both. Names of other programs do not count, nor does a line that begins with #.
# Keep the file to yourself if it holds a secret, and out of git.
`;

/** A new file: every setting with its meaning, none of them set. */
function template(): string {
  const settings = Object.entries(SETTINGS).map(([name, meaning]) => `\n# ${meaning}\n# ${name}=\n`);
  return `${HEADING}${settings.join("")}`;
}

/**
 * The text of `.env` with some variables set and others not; `text` is what it has been so far, null if there is no
 * file. All other lines stay as they are; a variable that is not to be set any more becomes a comment. Throws
 * `SettingsError` for a value that no quotes can hold.
 */
export function withVariables(text: string | null, variables: Variables): string {
  let current = text ?? template();
  const before = variablesOf(current);
  for (const [name, value] of Object.entries(variables)) {
    if (value === before[name]) continue;
    current = value === undefined ? withoutVariable(current, name) : withVariable(current, name, value);
  }
  return current;
}

function withVariable(text: string, name: string, value: string): string {
  const line = `${name}=${quoted(name, value)}`;
  const lines = text.split("\n");
  // Of several lines the last one counts.
  const entry = environmentEntries(text).entries.findLast((one) => one.name === name);
  if (entry !== undefined) {
    const [prefix = ""] = /^\s*export\s+/.exec(lines[entry.first] ?? "") ?? [];
    return lines.toSpliced(entry.first, entry.last - entry.first + 1, `${prefix}${line}`).join("\n");
  }
  const place = lines.findIndex((one) => one.trim() === `# ${name}=`);
  if (place !== -1) return lines.toSpliced(place, 1, line).join("\n");
  const end = text === "" || text.endsWith("\n") ? "" : "\n";
  return `${text}${end}\n# ${SETTINGS[name as keyof typeof SETTINGS]}\n${line}\n`;
}

function withoutVariable(text: string, name: string): string {
  const entries = environmentEntries(text).entries.filter((entry) => entry.name === name);
  const isOut = (index: number) => entries.some(({ first, last }) => index >= first && index <= last);
  return text
    .split("\n")
    .map((line, index) => (isOut(index) ? `# ${line}` : line))
    .join("\n");
}

/** The value such that `util.parseEnv` reads it back: it knows no escape but `\n`, and that in double quotes only. */
function quoted(name: string, value: string): string {
  if (/^[\w./:@%+,=~?&*!^-]+$/.test(value)) return value;
  const isPrintable = !/\p{Cc}/u.test(value);
  if (isPrintable && !value.includes("'")) return `'${value}'`;
  if (isPrintable && !/["\\]/.test(value)) return `"${value}"`;
  if (isPrintable && !value.includes("`")) return `\`${value}\``;
  const next = "Leave it out of the file, and set it in the shell.";
  throw new SettingsError([`The value of ${name} has characters that no line of .env can hold. ${next}`]);
}
