import type { Clock } from "../../functions/exporter/clock.ts";
import { ExporterError } from "../../functions/exporter/errors.ts";
import { sourceName } from "../../functions/exporter/export/export-day.ts";
import type { KoreEvent } from "../../functions/exporter/kore/client.ts";
import { KoreFailure } from "../../functions/exporter/kore/failure.ts";
import type { Quota, QuotaLimits } from "../../functions/exporter/kore/quota.ts";
import { toRequest } from "../../functions/exporter/kore/request.ts";
import { retryPolicy } from "../../functions/exporter/kore/retry.ts";
import type { KoreConnection, SessionsAnswer, SessionsQuery, Source } from "../../functions/exporter/kore/wire.ts";
import type { InStepsPorts } from "../../functions/exporter/steps/in-steps.ts";
import { ModelSessions, type Traffic } from "./traffic.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** How Kore behaves. */
export interface KoreOptions {
  /** From sending a request to the end of its answer. */
  readonly latencyMs: number;
  readonly quota: QuotaLimits;
  /** On which requests travel; not that of whoever asks, on which nobody sleeps for long. */
  readonly clock: Clock;
  /** True while every request fails. */
  readonly isDown: (nowMs: number) => boolean;
}

/** The Sessions History API of some bots, as far as the exporter can tell. Counts requests, and does not forgive one too many. */
export class ModelKore {
  readonly #bots: ReadonlyMap<string, ModelSessions>;
  readonly #options: KoreOptions;
  /** When each bot's requests arrived. */
  readonly #arrivals = new Map<string, number[]>();

  constructor(traffics: readonly Traffic[], options: KoreOptions) {
    this.#bots = new Map(traffics.map((traffic) => [traffic.botId, new ModelSessions(traffic)]));
    this.#options = options;
  }

  /** Requests that have arrived from a source. */
  requestsOf(source: Source): number {
    return this.#arrivals.get(sourceName(source))?.length ?? 0;
  }

  /** The sessions behind a bot's answers. */
  sessionsOf(source: Source): ModelSessions {
    const sessions = this.#bots.get(sourceName(source));
    if (sessions === undefined) throw new TypeError(`there is no bot ${sourceName(source)}`);
    return sessions;
  }

  /** Answers one request. Throws `KoreFailure` while Kore is down; an error of ours if a quota is exceeded. */
  async answer(source: Source, query: SessionsQuery): Promise<SessionsAnswer> {
    const { latencyMs, isDown, clock } = this.#options;
    await clock.sleep(latencyMs / 2);
    this.#arrive(sourceName(source), clock.now());
    const down = isDown(clock.now());
    await clock.sleep(latencyMs / 2);
    if (down) throw new KoreFailure("passing", new ExporterError("ERR_KORE_UNAVAILABLE", "Kore answered 503."));
    return this.answerAtOnce(source, query);
  }

  /** The answer to a request, whenever it is asked. */
  answerAtOnce(source: Source, query: SessionsQuery): SessionsAnswer {
    const { containmentType = "all", dateFrom = "", dateTo = "", skip = 0, limit = 0 } = query;
    const [first, last] = [Date.parse(dateFrom), Date.parse(dateTo)];
    const sessions = this.sessionsOf(source);
    const total = sessions.count(containmentType, first, last);
    const page = sessions.page(containmentType, first, last, skip, limit);
    return { total, moreAvailable: skip + page.length < total, sessions: page, invalidSessions: [] };
  }

  /** How an exporter in steps reaches this model. */
  readonly connect: InStepsPorts["connect"] = async (source, quota, clock, onEvent) => {
    return new ModelConnection(this, source, quota, clock, onEvent);
  };

  /** Both windows as the server sees them. */
  #arrive(bot: string, now: number): void {
    const arrivals = this.#arrivals.get(bot) ?? [];
    this.#arrivals.set(bot, arrivals);
    const { perMinute, perHour } = this.#options.quota;
    for (const [limit, windowMs] of [
      [perMinute, MINUTE_MS],
      [perHour, HOUR_MS],
    ] as const) {
      const earlier = arrivals[arrivals.length - limit];
      if (earlier === undefined || now - earlier >= windowMs) continue;
      throw new TypeError(
        `${bot} sent more than ${limit} requests in ${windowMs} ms, at ${new Date(now).toISOString()}`,
      );
    }
    arrivals.push(now);
  }
}

/** Asks the model as `KoreClient` asks Kore: each attempt through the quota, what can pass again after a wait. */
class ModelConnection implements KoreConnection {
  readonly #kore: ModelKore;
  readonly #source: Source;
  readonly #quota: Quota;
  readonly #clock: Clock;
  readonly #onEvent: (event: KoreEvent) => void;
  #attempts = 0;

  constructor(kore: ModelKore, source: Source, quota: Quota, clock: Clock, onEvent: (event: KoreEvent) => void) {
    this.#kore = kore;
    this.#source = source;
    this.#quota = quota;
    this.#clock = clock;
    this.#onEvent = onEvent;
  }

  get attempts(): number {
    return this.#attempts;
  }

  expect(requests: number): void {
    this.#quota.expect(requests);
  }

  async close(): Promise<void> {}

  async sessions(query: SessionsQuery, signal?: AbortSignal): Promise<SessionsAnswer> {
    toRequest(this.#source, query);
    const waitBeforeRetry = retryPolicy(() => 0.5);
    for (;;) {
      try {
        return await this.#quota.run(
          () => this.#send(query),
          () => {},
          signal,
        );
      } catch (error) {
        const ms = error instanceof KoreFailure ? waitBeforeRetry(error) : null;
        if (!(error instanceof KoreFailure) || ms === null) throw error instanceof KoreFailure ? error.error : error;
        this.#onEvent({ kind: "waiting", reason: "retry", ms, error: error.error });
        await this.#clock.sleep(ms, signal);
      }
    }
  }

  #send(query: SessionsQuery): Promise<SessionsAnswer> {
    this.#attempts++;
    return this.#kore.answer(this.#source, query);
  }
}
