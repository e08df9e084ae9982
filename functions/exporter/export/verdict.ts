import type { LedgerStatus, Problem } from "../archive/ledger.ts";
import { type ExporterError, isFailure } from "../errors.ts";
import type { Window } from "./calendar.ts";
import type { Erasure } from "./erased-users.ts";
import { isErasing, missingSessions, type NextRecord, SETTLING_MS } from "./record.ts";
import type { LeftOut } from "./tally.ts";

/** What a finished reading says, as far as the decision needs it. */
export interface Finding {
  /** Sessions that the reading would archive. */
  readonly sessions: number;
  readonly active: number;
  readonly problems: readonly Problem[];
  readonly startedAt: number;
  /** Sessions of erased users, which it left out, by erasure. */
  readonly leftOut: readonly LeftOut[];
  /** `ERR_ERASURE_NOT_VOUCHED` if it left rows out for an erasure that no digest names. */
  readonly notVouched: Problem | null;
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
  /** True if the reading was proven, so that what the API reported is worth recording. */
  readonly proven: boolean;
}

/** True for a day that nothing but a proven reading may change: complete, or provisional and read after its end. */
function isSettled(record: NextRecord): boolean {
  if (record.status === "complete") return true;
  return record.status === "provisional" && Date.parse(record.started_at) >= Date.parse(record.window_to);
}

/** True if what an incomplete record lists was never proven: a proven reading's totals add up to what is archived. */
function isUnproven(record: NextRecord): boolean {
  if (record.status !== "incomplete") return false;
  const missing = missingSessions(record);
  return missing !== 0 && !(missing !== null && missing > 0 && record.erasures.length > 0);
}

/** True if a run died while it replaced the day's files: some are old, some are new. */
function isUnfinished(record: NextRecord): boolean {
  return isErasing(record) || record.problems.some(({ code }) => code === "ERR_EXPORT_UNFINISHED");
}

/** Rows left out that the day's files may still hold: a record lists an erasure once it is carried out. */
function leftOutNow(leftOut: readonly LeftOut[], previous: NextRecord): number {
  const done = isErasing(previous) ? [] : previous.erasures;
  const isDone = (one: Erasure) => done.some(({ at, reference }) => at === one.at && reference === one.reference);
  return leftOut.reduce((sum, one) => sum + (isDone(one) ? 0 : one.rows), 0);
}

/** Returns the sessions that the day's files hold, as far as the record knows; of a first export that died, those it was to hold. */
export function heldBy(record: NextRecord): number {
  if (!isUnfinished(record)) return record.archived.total;
  const files = record.files.filter((file) => file.containment_type !== null);
  const listed = files.reduce((sum, file) => sum + file.row_count, 0);
  return Math.max(record.archived.total, listed);
}

/** The verdict on a reading that came to its end. `previous` is the day's record so far. */
export function judgeReading(
  finding: Finding,
  previous: NextRecord | null,
  day: Window,
  acceptFewer: boolean,
): Publish | Keep {
  const proven = !finding.problems.some(({ code }) => isFailure(code));
  const notVouched = finding.notVouched === null ? [] : [finding.notVouched];
  if (previous === null) return publish(finding, day, proven, notVouched);
  // Anybody who can write to the archive could make a person's rows go from it so.
  if (finding.notVouched !== null && isSettled(previous)) {
    return { action: "keep", status: previous.status, problems: joined(previous, notVouched), proven };
  }
  const held = heldBy(previous);
  const sessions = finding.sessions + leftOutNow(finding.leftOut, previous);
  const fewer = sessions < held;
  if (!proven) {
    const keeps = fewer || isSettled(previous);
    return keeps
      ? keepAfterFailure(finding.problems, previous, finding.startedAt)
      : publish(finding, day, proven, notVouched);
  }
  if (!fewer || acceptFewer) return publish(finding, day, proven, notVouched);
  if (!isUnfinished(previous)) return keepGone(finding, previous, day);
  // A mixture of old and new files is no archive to keep; but neither is one that has lost most of the day. That of an
  // erasure is one: repeating the erasure makes it whole.
  if (isErasing(previous) || sessions * 2 < held) return keepMixture(finding, previous, held);
  return publish(finding, day, proven, [...notVouched, lostInBetween(finding, held)]);
}

/** The verdict on a reading that broke off with an error. */
export function judgeFailure(error: ExporterError, previous: NextRecord | null, startedAt: number): Keep {
  return keepAfterFailure([{ code: error.code, message: error.message }], previous, startedAt);
}

function publish(finding: Finding, day: Window, proven: boolean, more: readonly Problem[] = []): Publish {
  const status = proven ? provenStatus(finding, day) : "incomplete";
  return { action: "publish", status, problems: [...finding.problems, ...more] };
}

function provenStatus(finding: Finding, day: Window): LedgerStatus {
  return finding.active > 0 || finding.startedAt < day.to + SETTLING_MS ? "provisional" : "complete";
}

function keepAfterFailure(problems: readonly Problem[], previous: NextRecord | null, startedAt: number): Keep {
  const status = previous !== null && isSettled(previous) ? previous.status : "incomplete";
  const attempt = `Attempt of ${new Date(startedAt).toISOString()}:`;
  const dated = problems.map(({ code, message }) => ({ code, message: `${attempt} ${message}` }));
  return { action: "keep", status, problems: joined(previous, dated), proven: false };
}

/** The archive's rows stay. If they were proven once, a failure since then is mended by this reading. */
function keepGone(finding: Finding, previous: NextRecord, day: Window): Keep {
  const message =
    `Kore now holds ${finding.sessions} sessions of this day, the archive ${previous.archived.total}; the archive ` +
    "keeps them. Export the day with --accept-fewer to take over what Kore holds.";
  const gone: Problem = { code: "ERR_SESSIONS_GONE", message };
  if (isUnproven(previous)) {
    return { action: "keep", status: "incomplete", problems: joined(previous, [gone]), proven: true };
  }
  const readAfterItsEnd = Date.parse(previous.started_at) >= day.to;
  const mended = readAfterItsEnd ? provenStatus(finding, day) : "provisional";
  const status = previous.status === "incomplete" ? mended : previous.status;
  return { action: "keep", status, problems: [...finding.problems, gone], proven: true };
}

function keepMixture(finding: Finding, previous: NextRecord, held: number): Keep {
  const message =
    `An ${isErasing(previous) ? "erasure" : "export"} of this day was broken off when it held ${held} sessions; Kore ` +
    `holds only ${finding.sessions} now. The files stay as they are. ${isErasing(previous) ? "Repeat the erasure. " : ""}` +
    "Look at their earlier versions; --accept-fewer takes over what Kore holds.";
  const problems = joined(previous, [{ code: "ERR_SESSIONS_GONE", message }]);
  return { action: "keep", status: "incomplete", problems, proven: true };
}

function lostInBetween(finding: Finding, held: number): Problem {
  const message =
    `The archive held ${held} sessions of this day when an export of it was broken off; Kore holds ` +
    `${finding.sessions} now, and so does the archive. On a versioned bucket the earlier files are still there.`;
  return { code: "ERR_SESSIONS_GONE", message };
}

/** Returns what is to be said where a reading has fewer sessions than digests vouched for; null if it has not. */
export function sessionsLost({ sessions, leftOut }: Finding, vouched: number): Problem | null {
  const found = sessions + leftOut.reduce((sum, { rows }) => sum + rows, 0);
  if (found >= vouched) return null;
  const message =
    `Digests vouched for ${vouched} sessions of this day, in files that are no longer there; Kore holds ${sessions} now, ` +
    "and so does the archive. Look for earlier versions of the files; --accept-fewer takes over what Kore holds.";
  return { code: "ERR_SESSIONS_GONE", message };
}

/** What the record said before, and what is to be said now; the newest word on each code. */
function joined(previous: NextRecord | null, problems: readonly Problem[]): Problem[] {
  const codes = new Set<string>(problems.map(({ code }) => code));
  const kept = (previous?.problems ?? []).filter(({ code }) => !codes.has(code)) as Problem[];
  return [...kept, ...problems];
}
