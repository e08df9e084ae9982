import type { Clock } from "../clock.ts";
import { ExporterError } from "../errors.ts";
import type { Quota } from "../kore/quota.ts";
import { isRefusedCount, KoreRefusal } from "../kore/refusal.ts";
import type { KoreConnection, SessionsAnswer, SessionsApi, SessionsQuery } from "../kore/wire.ts";
import type { KeptAnswer, KeptAnswers } from "./kept-answers.ts";
import { Pause } from "./pause.ts";

/** What one turn of asking takes at most, besides its batch of requests. */
const LONGEST_TURN_MS = 90_000;
const LARGEST_TURN_BYTES = 24 * 1024 * 1024;
/** Shorter waits for the minute's quota are not worth a pause. */
const SHORT_WAIT_MS = 5_000;
/** A pause ends so long before Kore may be asked again: until a turn can ask, it has to start and to read what is kept. */
const HEAD_START_MS = 1_000;

/** Answers from what is kept, then asks Kore for at most a batch, then throws a `Pause`. */
export class RememberingApi implements SessionsApi {
  readonly #kept: KeptAnswers;
  readonly #client: KoreConnection;
  readonly #quota: Quota;
  readonly #clock: Clock;
  readonly #batch: number;
  readonly #endMs: number;

  constructor(kept: KeptAnswers, client: KoreConnection, quota: Quota, clock: Clock, batch: number) {
    this.#kept = kept;
    this.#client = client;
    this.#quota = quota;
    this.#clock = clock;
    this.#batch = batch;
    this.#endMs = clock.now() + LONGEST_TURN_MS;
  }

  async sessions(query: SessionsQuery, signal?: AbortSignal): Promise<SessionsAnswer> {
    const known = this.#kept.again(query);
    if (known !== null) return pageOf(known);
    signal?.throwIfAborted();
    this.#pauseIfDue();
    const answer = await this.#client.sessions(query, signal).catch((error: unknown) => answerToActOn(query, error));
    this.#kept.add(query, answer);
    return pageOf(answer);
  }

  expect(requests: number): void {
    this.#client.expect(requests);
  }

  #pauseIfDue(): void {
    const waitMs = this.#quota.wait();
    const used = this.#client.attempts >= this.#batch || this.#kept.freshBytes >= LARGEST_TURN_BYTES;
    if (used || waitMs > SHORT_WAIT_MS || this.#clock.now() >= this.#endMs)
      throw new Pause(Math.max(0, waitMs - HEAD_START_MS));
  }
}

/** Answers from what is kept alone: for work on what was read before. Throws `ERR_INTERNAL` where that is not all. */
export function onlyKept(kept: KeptAnswers): SessionsApi {
  return {
    sessions: async (query) => {
      const known = kept.again(query);
      if (known !== null) return pageOf(known);
      throw new ExporterError("ERR_INTERNAL", "Answers that were kept in scratch are gone. Run again.");
    },
    expect: () => {},
  };
}

/** An API that refuses to count without a containment type is read by other means; any other refusal ends the reading. */
function answerToActOn(query: SessionsQuery, error: unknown): KoreRefusal {
  if (error instanceof KoreRefusal && query.containmentType === undefined && isRefusedCount(error)) return error;
  throw error;
}

function pageOf(answer: KeptAnswer): SessionsAnswer {
  if (answer instanceof KoreRefusal) throw answer;
  return answer;
}
