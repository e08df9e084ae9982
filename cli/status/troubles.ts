import type { SourceStatus } from "../../functions/exporter/export/archive-status.ts";
import type { Day } from "../../functions/exporter/export/calendar.ts";

/** Troubles that are told of one source, the newest first; `--json` has all. */
const MOST_TOLD = 8;
const WIDTH = 80;
const INDENT = "      ";

/** The same thing on days that follow each other. */
interface Trouble {
  readonly first: Day;
  readonly last: Day;
  readonly days: number;
  readonly code: string;
  /** Of the newest of the days. */
  readonly message: string;
}

/** What is to be known of the days: problems of their records, days without a record, and damaged records. */
export function troubleLines(days: SourceStatus["days"]): string {
  const troubles = troublesOf(days);
  const rest = troubles.length - MOST_TOLD;
  const told = troubles.slice(0, MOST_TOLD).map(troubleText).join("");
  return rest > 0 ? `${told}  and ${rest} more, earlier: --json tells all\n` : told;
}

function troublesOf(days: SourceStatus["days"]): Trouble[] {
  const ended: Trouble[] = [];
  let running = new Map<string, Trouble>();
  for (const { dt, status, record } of days) {
    const today = new Map<string, Trouble>();
    for (const { code, message } of troublesOfDay(status, record?.problems ?? [])) {
      const before = running.get(code);
      running.delete(code);
      today.set(code, { first: before?.first ?? dt, last: dt, days: (before?.days ?? 0) + 1, code, message });
    }
    ended.push(...running.values());
    running = today;
  }
  return [...ended, ...running.values()].sort((one, other) => (one.last > other.last ? -1 : 1));
}

type Named = Pick<Trouble, "code" | "message">;

function troublesOfDay(status: SourceStatus["days"][number]["status"], problems: readonly Named[]): Named[] {
  if (status === "missing") return [{ code: "missing", message: "" }];
  if (status === "unreadable") return [{ code: "damaged record", message: "verify says what is wrong with it." }];
  const byCode = new Map(problems.map((problem) => [problem.code, problem]));
  return [...byCode.values()];
}

function troubleText({ first, last, days, code, message }: Trouble): string {
  const when = first === last ? first : `${first} to ${last}`;
  const often = days === 1 ? "" : ` (${days} days)`;
  return `  ${when}  ${code}${often}\n${wrapped(message)}`;
}

/** Words in lines of at most 80 columns, without control characters; a longer word, such as a path, has its own line. */
function wrapped(message: string): string {
  const lines: string[] = [];
  for (const word of message.split(/[\s\p{Cc}]+/u).filter((text) => text !== "")) {
    const line = lines.at(-1);
    if (line !== undefined && INDENT.length + line.length + 1 + word.length <= WIDTH)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => `${INDENT}${line}\n`).join("");
}
