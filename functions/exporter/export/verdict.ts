import type { LedgerRecord, LedgerStatus, Problem } from "../archive/ledger.ts";
import { ERRORS, type ExporterError } from "../errors.ts";
import type { Window } from "./calendar.ts";

/** A day read less than this after its end may still get sessions: some appear minutes after their start. */
const SETTLING_MS = 3_600_000;

/** What a finished reading says, as far as the decision needs it. */
export interface Finding {
  /** Sessions archived and rejected, together. */
  readonly sessions: number;
  readonly active: number;
  readonly problems: readonly Problem[];
  readonly startedAt: number;
}

/** The reading's files replace the day's. */
export interface Publish {
  readonly action: "publish";
  readonly status: LedgerStatus;
  readonly problems: readonly Problem[];
}

/** The day's files stay, and its record says why. */
export interface Keep {
  readonly action: "keep";
  readonly status: LedgerStatus;
  readonly problems: readonly Problem[];
  /** True if that is no failure of the run. */
  readonly ok: boolean;
  /** True if the reading was proven, so that what the API reported is worth recording. */
  readonly proven: boolean;
}

/** True for a day that nothing but a proven reading may change: complete, or provisional and read after its end. */
function isSettled(record: LedgerRecord): boolean {
  if (record.status === "complete") return true;
  return record.status === "provisional" && Date.parse(record.started_at) >= Date.parse(record.window_to);
}

/** True if what the record lists was never proven to be all of the day. */
function isUnproven(record: LedgerRecord): boolean {
  const unproven: readonly string[] = ["ERR_NOT_RECONCILED", "ERR_TOTALS_MISSING", "ERR_WINDOW_IGNORED"];
  return record.status === "incomplete" && record.problems.some(({ code }) => unproven.includes(code));
}

/** The verdict on a reading that came to its end. `previous` is the day's record so far. */
export function judgeReading(
  finding: Finding,
  previous: LedgerRecord | null,
  day: Window,
  acceptFewer: boolean,
): Publish | Keep {
  const { problems } = finding;
  const proven = problems.every(({ code }) => ERRORS[code].exitCode === 0);
  const before = previous === null ? 0 : previous.archived.total + previous.rejected;
  const fewer = finding.sessions < before;
  if (proven) {
    if (previous !== null && fewer && !acceptFewer && !isUnproven(previous)) return keepGone(finding, previous, before);
    const open = finding.active > 0 || finding.startedAt < day.to + SETTLING_MS;
    return { action: "publish", status: open ? "provisional" : "complete", problems };
  }
  if (previous !== null && (isSettled(previous) || fewer))
    return keepAfterFailure(problems, previous, finding.startedAt);
  return { action: "publish", status: "incomplete", problems };
}

/** The verdict on a reading that broke off with an error. */
export function judgeFailure(error: ExporterError, previous: LedgerRecord | null, startedAt: number): Keep {
  return keepAfterFailure([{ code: error.code, message: error.message }], previous, startedAt);
}

function keepAfterFailure(problems: readonly Problem[], previous: LedgerRecord | null, startedAt: number): Keep {
  const status = previous !== null && isSettled(previous) ? previous.status : "incomplete";
  const attempt = `Attempt of ${new Date(startedAt).toISOString()}:`;
  const dated = problems.map(({ code, message }) => ({ code, message: `${attempt} ${message}` }));
  return { action: "keep", status, problems: joined(previous, dated), ok: false, proven: false };
}

function keepGone(finding: Finding, previous: LedgerRecord, before: number): Keep {
  const message =
    `Kore now holds ${finding.sessions} sessions of this day, the archive ${before}; the archive keeps them. ` +
    "Export the day with --accept-fewer to take over what Kore holds.";
  const problems = joined(previous, [{ code: "ERR_SESSIONS_GONE", message }]);
  return { action: "keep", status: previous.status, problems, ok: previous.status !== "incomplete", proven: true };
}

/** What the record said before, and what is to be said now; the newest word on each code. */
function joined(previous: LedgerRecord | null, problems: readonly Problem[]): Problem[] {
  const codes = new Set<string>(problems.map(({ code }) => code));
  const kept = (previous?.problems ?? []).filter(({ code }) => !codes.has(code)) as Problem[];
  return [...kept, ...problems];
}
