import type { ErrorCode } from "../../functions/exporter/errors.ts";
import { counted } from "../amounts.ts";
import { type MonthAnswer, readMonth } from "./answers.ts";
import type { Ended } from "./deployed-function.ts";

/** How a month stands. `incomplete`: some of its days are not proven. `failed`: the source's other months would fail, too. */
export type MonthStatus = "done" | "incomplete" | "failed" | "not begun";

/** What to do after an execution has ended: stop, start another one now, or once another run has left the source. */
export type Verdict =
  | { readonly next: "stop"; readonly status: MonthStatus; readonly error: MonthError | null }
  | { readonly next: "again" | "wait" };

/** Why a month is not done: a code of ours, or whatever else AWS names. */
export interface MonthError {
  readonly code: string;
  readonly message: string;
}

/** What the verdict depends on besides the execution. */
export interface Situation {
  /** When the command began: what ended earlier tells of a past that a person may have mended. */
  readonly since: number;
  /** Days that were left after the month's latest execution of this command. */
  readonly leftBefore: number;
  readonly mayWait: boolean;
}

/** Another run is at work on the source. */
const BUSY: ErrorCode = "ERR_SOURCE_BUSY";

/** Failures of single days, which say nothing about other days. */
const OF_A_DAY: ReadonlySet<string> = new Set<ErrorCode>([
  "ERR_NOT_RECONCILED",
  "ERR_TOTALS_MISSING",
  "ERR_WINDOW_IGNORED",
  "ERR_ARCHIVE_CHANGED",
  "ERR_PUBLISH_DEADLINE",
  "ERR_LEDGER_UNREADABLE",
]);

/** Decides what an execution's end means for its month; `answer` is null if it failed. */
export function judge(ended: Ended, situation: Situation): { answer: MonthAnswer | null; verdict: Verdict } {
  if (ended.status !== "SUCCEEDED") return { answer: null, verdict: judgeFailure(ended, situation) };
  const answer = readMonth(ended.result);
  return { answer, verdict: judgeSuccess(answer, ended.endedAt, situation) };
}

function judgeFailure(
  { code, message, endedAt }: Exclude<Ended, { status: "SUCCEEDED" }>,
  situation: Situation,
): Verdict {
  if (endedAt < situation.since) return { next: "again" };
  if (code === BUSY && situation.mayWait) return { next: "wait" };
  return { next: "stop", status: OF_A_DAY.has(code) ? "incomplete" : "failed", error: { code, message } };
}

function judgeSuccess(
  { days, left }: MonthAnswer,
  endedAt: number,
  { since, leftBefore, mayWait }: Situation,
): Verdict {
  const proven = days.every(({ status }) => status === "complete" || status === "provisional");
  if (left === 0 && proven) return { next: "stop", status: "done", error: null };
  if (endedAt < since) return { next: "again" };
  if (left === 0) return { next: "stop", status: "incomplete", error: null };
  if (days.length === 0 && mayWait) return { next: "wait" };
  if (days.length > 0 && left < leftBefore) return { next: "again" };
  const message = `Executions come no further: ${counted(left, "day")} ${left === 1 ? "is" : "are"} left. Look into the function's logs, then repeat the command.`;
  const status = days.length === 0 ? "failed" : "incomplete";
  return { next: "stop", status, error: { code: "ERR_FUNCTION_FAILED", message } };
}
