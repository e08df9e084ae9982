import type { ArchiveStore } from "../archive/store.ts";
import type { Clock } from "../clock.ts";
import { ExporterError } from "../errors.ts";
import { sourceName } from "../export/export-day.ts";
import type { Reader } from "../export/totals.ts";
import type { KoreEvent } from "../kore/client.ts";
import type { Quota } from "../kore/quota.ts";
import type { KoreConnection, Source } from "../kore/wire.ts";
import { KeptAnswers } from "./kept-answers.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import { Pause, pausingClock } from "./pause.ts";
import { RememberingApi } from "./remembering-api.ts";
import type { AskingKind } from "./steps.ts";
import { revivedError, type ToldError, tellError } from "./told-error.ts";

/** Turns in a row that ask and come no further, after which asking is given up. */
const MOST_FRUITLESS_TURNS = 7;

/** What is asked: a name for people, and where its answers are kept; the prefix ends with a slash. */
export interface Topic {
  readonly kind: AskingKind;
  readonly about: string;
  readonly prefix: string;
  /** Sessions that the question holds in memory at most. */
  readonly sessions: number;
}

interface Counts {
  /** New answers, and answers kept in all. */
  readonly answers: number;
  readonly kept: number;
  readonly requests: number;
  /** Answers 429. */
  readonly throttles: number;
}

/** What a turn of asking came to. */
export type Turn<T> = Counts &
  (
    | { readonly kind: "answered"; readonly value: T }
    | { readonly kind: "failed"; readonly error: ToldError }
    | { readonly kind: "paused"; readonly waitMs: number; readonly error: ToldError | null }
  );

/** How a turn of asking ended, for logs. */
export interface TurnReport {
  readonly source: string;
  readonly about: string;
  readonly answers: number;
  readonly requests: number;
  readonly waitMs: number;
}

/** What a turn needs from the world. */
export interface TurnPorts {
  readonly clock: Clock;
  readonly scratch: ArchiveStore;
  readonly connect: (
    source: Source,
    quota: Quota,
    clock: Clock,
    onEvent: (event: KoreEvent) => void,
  ) => Promise<KoreConnection>;
  readonly pageSize: number;
  /** Hears how each turn of asking ended. */
  readonly onTurn?: (turn: TurnReport) => void;
}

/** Puts a question once more, with the answers that earlier turns got, and keeps the new ones. */
export async function takeTurn<T>(
  { about, prefix }: Topic,
  question: (reader: Reader) => Promise<T>,
  source: Source,
  quota: Quota,
  batch: number,
  signal: AbortSignal,
  { scratch, connect, pageSize, clock, onTurn }: TurnPorts,
): Promise<Turn<T>> {
  const kept = await KeptAnswers.load(scratch, prefix);
  let throttles = 0;
  let refused: ExporterError | null = null;
  const pausing = pausingClock(clock, () => kore.attempts >= batch);
  const kore: KoreConnection = await connect(source, quota, pausing, (event) => {
    if (event.kind === "answered" && event.status === 429) throttles++;
    if (event.kind === "waiting" && event.error !== undefined) refused = event.error;
  });
  try {
    const api = new RememberingApi(kept, kore, quota, clock, batch);
    const asked = await askedOf(() => question({ api, source, pageSize, signal }), signal);
    const counts = { answers: kept.fresh, kept: kept.count, requests: kore.attempts, throttles };
    await kept.keep(kore.attempts);
    const waitMs = asked.kind === "paused" ? asked.waitMs : 0;
    onTurn?.({ source: sourceName(source), about, answers: counts.answers, requests: counts.requests, waitMs });
    if (asked.kind === "done") return { kind: "answered", value: asked.value, ...counts };
    if (asked.kind === "failed") return { kind: "failed", error: asked.error, ...counts };
    return { kind: "paused", waitMs, error: refused && tellError(refused), ...counts };
  } finally {
    await kore.close();
  }
}

/** What asking came to; the end of the step's time is a pause, too. */
async function askedOf<T>(
  ask: () => Promise<T>,
  signal: AbortSignal,
): Promise<Outcome<T> | { readonly kind: "paused"; readonly waitMs: number }> {
  try {
    return await outcomeOf(ask);
  } catch (error) {
    if (error instanceof Pause) return { kind: "paused", waitMs: error.waitMs };
    if (signal.aborted) return { kind: "paused", waitMs: 0 };
    throw error;
  }
}

/** Notices when Kore is asked turn after turn, and there is never more of an answer. */
export class Patience {
  #fruitless = 0;
  #most = 0;

  /** Throws what a turn was refused with, if it is one too many. */
  after({ kept, requests }: Counts, waitMs: number, error: ToldError | null): void {
    if (kept > this.#most) this.#fruitless = 0;
    else if (requests > 0 || waitMs === 0) this.#fruitless++;
    this.#most = Math.max(kept, this.#most);
    if (this.#fruitless < MOST_FRUITLESS_TURNS) return;
    if (error !== null) throw revivedError(error);
    const message = `Kore gave no further answer in ${MOST_FRUITLESS_TURNS} turns of asking. Run again later; nothing was lost.`;
    throw new ExporterError("ERR_KORE_UNAVAILABLE", message);
  }
}
