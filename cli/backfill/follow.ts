import { ACCOUNT_SOURCE } from "../../functions/exporter/contract.ts";
import type { MonthAnswer } from "./answers.ts";
import { judge, type MonthError, type MonthStatus } from "./judge.ts";
import type { Month } from "./months.ts";
import { executionName } from "./names.ts";
import { patiently, untilEnded, type WaitPorts } from "./patience.ts";

const POLL_MS = 30_000;
const BUSY_WAIT_MS = 600_000;
/** Twenty hours: no run takes longer. */
const MOST_BUSY_WAITS = 120;

/** What became of a month of a source. */
export interface MonthOutcome {
  readonly source: string;
  readonly month: Month;
  readonly status: MonthStatus;
  /** The days that executions told of, in order; those that were archived already are not among them. */
  readonly days: MonthAnswer["days"];
  /** Names of the executions, the latest last. */
  readonly executions: readonly string[];
  readonly error: MonthError | null;
}

/** How a month of a source gets on, in words. */
export interface Change {
  readonly text: string;
  /** Something is in the way, and is waited for. */
  readonly isTrouble: boolean;
  /** Nothing more will be done for the month. */
  readonly isEnd: boolean;
}

/** What following needs from the world. */
export interface FollowPorts extends WaitPorts {
  /** Hears of each change, and of some things that are none. */
  readonly tell: (source: string, month: Month, change: Change) => void;
}

/**
 * Archives months of several sources with executions of the deployed function: the sources side by side, a source's
 * months one after another in the order given, each by as many executions as it takes. An execution that has been
 * started before is followed, not started again; one that failed before is followed by a new one. A failure now ends the
 * source, unless it is of a single day. Rejects, once every source has stopped, if AWS cannot be asked any more.
 */
export async function followSources(
  sources: readonly string[],
  months: readonly Month[],
  ports: FollowPorts,
): Promise<MonthOutcome[]> {
  const failure = new AbortController();
  const signal = AbortSignal.any([ports.signal, failure.signal]);
  const since = ports.clock.now();
  const outcomes = await Promise.allSettled(
    sources.map(async (source) => {
      try {
        return await followSource(source, months, since, { ...ports, signal });
      } catch (error) {
        failure.abort(error);
        throw error;
      }
    }),
  );
  ports.signal.throwIfAborted();
  failure.signal.throwIfAborted();
  return outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? outcome.value : []));
}

async function followSource(
  source: string,
  months: readonly Month[],
  since: number,
  ports: FollowPorts,
): Promise<MonthOutcome[]> {
  const outcomes: MonthOutcome[] = [];
  for (const month of months) {
    const failed = outcomes.some(({ status }) => status === "failed");
    if (failed) outcomes.push({ source, month, status: "not begun", days: [], executions: [], error: null });
    else outcomes.push(await followMonth(source, month, since, ports));
  }
  return outcomes;
}

async function followMonth(source: string, month: Month, since: number, ports: FollowPorts): Promise<MonthOutcome> {
  const { deployed, clock, signal } = ports;
  const tell = (text: string, kind: Partial<Change> = {}) =>
    ports.tell(source, month, { text, isTrouble: false, isEnd: false, ...kind });
  const trouble = (text: string) => tell(text, { isTrouble: true });
  const bot = source === ACCOUNT_SOURCE ? {} : { bot: source };
  const event = { from: month.from, to: month.to, ...bot, onlyMissing: true };
  const executions: string[] = [];
  const days = new Map<string, string>();
  let leftBefore = Number.POSITIVE_INFINITY;
  let waits = 0;
  for (let attempt = 1; ; attempt++) {
    const name = executionName(source, month, attempt);
    const start = () => deployed.start(name, event, signal);
    const arn = await patiently(start, () => trouble("AWS does not answer; asks again"), clock, signal);
    if (arn === null) continue;
    executions.push(name);
    const ended = await untilEnded(arn, POLL_MS, ports, (text) =>
      tell(`${text} (${name})`, { isTrouble: text !== "at work" }),
    );
    const { answer, verdict } = judge(ended, { since, leftBefore, mayWait: waits < MOST_BUSY_WAITS });
    for (const { dt, status } of answer?.days ?? []) days.set(dt, status);
    if (verdict.next === "stop") {
      const { status, error } = verdict;
      tell(status, { isEnd: true });
      return { source, month, status, days: inOrder(days), executions, error };
    }
    if (verdict.next === "wait") {
      waits++;
      trouble("another run is at work on this source; asks again in 10 minutes");
      await clock.sleep(BUSY_WAIT_MS, signal);
    }
    if (answer !== null && ended.endedAt >= since) leftBefore = answer.left;
  }
}

function inOrder(days: ReadonlyMap<string, string>): MonthAnswer["days"] {
  return [...days].map(([dt, status]) => ({ dt, status })).sort((one, other) => (one.dt < other.dt ? -1 : 1));
}
