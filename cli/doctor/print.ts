import { styleText } from "node:util";
import { counted } from "../amounts.ts";
import type { CommandIo } from "../io.ts";
import { CHECKS, type Check, type CheckStatus } from "./checks.ts";

const MARKS = {
  ok: { mark: "✔", colour: "green" },
  warning: { mark: "!", colour: "yellow" },
  problem: { mark: "✘", colour: "red" },
  skipped: { mark: "–", colour: "gray" },
} as const satisfies Record<CheckStatus, unknown>;

const STATUS_WIDTH = 7;
const TITLE_WIDTH = Math.max(...Object.values(CHECKS).map(({ title }) => title.length));
const WIDEST = 120;
const NARROWEST = 60;

type PrintIo = Pick<CommandIo, "stdout" | "env">;

/**
 * Writes each check to stdout as soon as it is known, with what to do about problems and warnings, and a line that sums up. Returns
 * the checks. Readable without colour; in colour on a terminal, unless NO_COLOR is set (https://no-color.org).
 */
export async function printChecks(checks: AsyncIterable<Check>, io: PrintIo): Promise<Check[]> {
  const told: Check[] = [];
  let group = "";
  for await (const check of checks) {
    if (CHECKS[check.name].group !== group) {
      io.stdout.write(`${group === "" ? "" : "\n"}${styled("bold", CHECKS[check.name].group, io)}\n`);
      group = CHECKS[check.name].group;
    }
    io.stdout.write(linesOf(check, io));
    told.push(check);
  }
  io.stdout.write(`\n${summary(told)}\n`);
  return told;
}

/** `2` if a setting is wrong, `1` for any other problem, else `0`. */
export function exitCodeOf(checks: readonly Check[]): 0 | 1 | 2 {
  const problems = checks.filter(({ status }) => status === "problem");
  if (problems.some(({ name }) => name === "settings")) return 2;
  return problems.length > 0 ? 1 : 0;
}

/** All checks as one document. */
export function checksJson(checks: readonly Check[]): object {
  return { ok: exitCodeOf(checks) === 0, checks };
}

function linesOf(check: Check, io: PrintIo): string {
  const { mark, colour } = MARKS[check.status];
  const status = styled(colour, `${mark} ${check.status.padEnd(STATUS_WIDTH)}`, io);
  const indent = `  ${" ".repeat(2 + STATUS_WIDTH + 2 + TITLE_WIDTH)}  `;
  const width = Math.max(NARROWEST, Math.min(io.stdout.columns ?? WIDEST, WIDEST)) - indent.length;
  const says = check.source === undefined ? check.says : `${check.source}: ${check.says}`;
  const [first = "", ...rest] = wrapped(printable(says), width);
  const lines = [
    `  ${status}  ${CHECKS[check.name].title.padEnd(TITLE_WIDTH)}  ${first}`,
    ...rest.map((line) => indent + line),
  ];
  const remedy = check.remedy === undefined ? [] : wrapped(printable(check.remedy), width - 2);
  const mended = remedy.map((line, index) => `${indent}${index === 0 ? "→ " : "  "}${line}`);
  return [...lines, ...mended].map((line) => `${line.trimEnd()}\n`).join("");
}

function summary(checks: readonly Check[]): string {
  const count = (wanted: CheckStatus) => checks.filter(({ status }) => status === wanted).length;
  const problems = count("problem");
  const found = problems === 0 ? "No problem" : counted(problems, "problem");
  const warnings = count("warning") === 0 ? "" : `, ${counted(count("warning"), "warning")}`;
  return `${found}${warnings}, ${count("ok")} ok, ${count("skipped")} skipped. Nothing was changed.`;
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** What servers say must not steer the reader's terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\s]+/gu, " ").trim();
}

function styled(format: Parameters<typeof styleText>[0], text: string, { stdout, env }: PrintIo): string {
  const isPlain = !stdout.isTTY || (env.NO_COLOR ?? "") !== "";
  return isPlain ? text : styleText(format, text, { validateStream: false });
}
