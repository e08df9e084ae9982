import pRetry from "p-retry";
import { Pool } from "undici";
import type { Clock } from "../clock.ts";
import type { ExporterError } from "../errors.ts";
import { notShown, parseAnswer, type Show, showWithout } from "./answer.ts";
import { connectionFailure } from "./connection-failure.ts";
import { exchange, type WholeResponse } from "./exchange.ts";
import { KoreFailure } from "./failure.ts";
import type { Quota } from "./quota.ts";
import { refusal } from "./refusal.ts";
import { type KoreRequest, toRequest } from "./request.ts";
import { retryPolicy } from "./retry.ts";
import { type ShownQuery, shownQuery } from "./shown-query.ts";
import { type Credentials, signToken } from "./token.ts";
import type { KoreConnection, SessionsAnswer, SessionsQuery, Source, WireSession } from "./wire.ts";

/** Where the client's credentials come from. */
export interface CredentialsSource {
  /** The credentials as last read. */
  current(): Promise<Credentials>;
  /** Reads them anew, since they may have been rotated; true if they differ from those `current` gave before. */
  renew(): Promise<boolean>;
}

/** One request that was sent, retries counted one by one. `ms` is how long it took, by the client's clock. */
interface SentRequest {
  readonly path: string;
  readonly query: ShownQuery;
  readonly ms: number;
}

/** What a client tells while it works. Holds no secret, no token, and no value of a filter. */
export type KoreEvent =
  | {
      readonly kind: "waiting";
      readonly reason: "quota" | "retry";
      readonly ms: number;
      readonly error?: ExporterError;
    }
  /** `rows` is null for a refusal, and for an answer that could not be used. */
  | ({ readonly kind: "answered"; readonly status: number; readonly rows: number | null } & SentRequest)
  /** No whole answer came. */
  | ({ readonly kind: "unanswered" } & SentRequest);

export interface KoreClientOptions {
  /** Kore's environment, such as `https://platform.kore.ai`. */
  readonly host: URL;
  readonly source: Source;
  readonly credentials: CredentialsSource;
  /** Of this source; whoever else asks Kore for it must share it. */
  readonly quota: Quota;
  /** For one attempt, from the first byte sent to the last byte received. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  /**
   * Makes a session fit to be kept. Where it is given, no text of a session leaves the client but through it, not in an
   * error either.
   */
  readonly protect?: (session: WireSession) => WireSession;
  readonly onEvent?: (event: KoreEvent) => void;
}

/**
 * Asks the Sessions History API for one source: signs each attempt, stays inside the quota, retries what can pass, and
 * hands out answers that were checked.
 */
export class KoreClient implements KoreConnection {
  readonly #options: KoreClientOptions;
  readonly #pool: Pool;
  /** The host's own path, which those of requests go below. */
  readonly #path: string;
  readonly #closed = new AbortController();
  #attempts = 0;

  constructor(options: KoreClientOptions) {
    this.#options = options;
    this.#pool = new Pool(options.host.origin, { pipelining: 1, connections: 4, headersTimeout: 0, bodyTimeout: 0 });
    this.#path = options.host.pathname.replace(/\/+$/, "");
  }

  get attempts(): number {
    return this.#attempts;
  }

  /**
   * One page. Throws an `ExporterError` of the `ERR_KORE_…` family once retrying is over; rejects with the signal's
   * reason if that is aborted, and with an `AbortError` if the client is closed.
   */
  async sessions(query: SessionsQuery, wanted?: AbortSignal): Promise<SessionsAnswer> {
    const signal = AbortSignal.any([this.#closed.signal, ...(wanted ? [wanted] : [])]);
    const asked: Asked = { ...toRequest(this.#options.source, query), query: shownQuery(query) };
    const waitBeforeRetry = retryPolicy(this.#options.random);
    try {
      const answer = await pRetry(() => this.#attempt(asked, signal), {
        retries: Number.POSITIVE_INFINITY,
        minTimeout: 0,
        shouldRetry: ({ error }) => this.#readyToRetry(error, waitBeforeRetry, signal),
      });
      const { protect } = this.#options;
      return protect ? protectedAnswer(answer, query, protect) : answer;
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof KoreFailure ? error.error : error;
    }
  }

  /** Says how many requests the work at hand will still need: see `Quota.expect`. */
  expect(requests: number): void {
    this.#options.quota.expect(requests);
  }

  /** Ends whatever is still asked or waited for, and closes every connection, at once. */
  async close(): Promise<void> {
    this.#closed.abort();
    await this.#pool.destroy();
  }

  async #readyToRetry(
    error: Error,
    waitBeforeRetry: ReturnType<typeof retryPolicy>,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (!(error instanceof KoreFailure)) return false;
    const ms = waitBeforeRetry(error);
    if (ms === null) return false;
    if (error.kind === "unauthorized") return this.#options.credentials.renew();
    this.#tell({ kind: "waiting", reason: "retry", ms, error: error.error });
    await this.#options.clock.sleep(ms, signal);
    return true;
  }

  #attempt(asked: Asked, signal: AbortSignal): Promise<SessionsAnswer> {
    const onWait = (ms: number) => this.#tell({ kind: "waiting", reason: "quota", ms });
    return this.#options.quota.run(() => this.#send(asked, signal), onWait, signal);
  }

  async #send(asked: Asked, signal: AbortSignal): Promise<SessionsAnswer> {
    const { credentials, clock } = this.#options;
    const secret = await credentials.current();
    const token = await signToken(secret, clock.now());
    this.#attempts++;
    const sentAt = clock.now();
    const sent = () => ({ path: asked.path, query: asked.query, ms: clock.now() - sentAt });
    const response = await this.#exchange(asked, token, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      this.#tell({ kind: "unanswered", ...sent() });
      throw connectionFailure(error);
    });
    let rows: number | null = null;
    try {
      const answer = this.#understand(response, showWithout([token, secret.clientSecret]));
      rows = answer.sessions.length;
      return answer;
    } catch (error) {
      throw connectionFailure(error);
    } finally {
      this.#tell({ kind: "answered", ...sent(), status: response.status, rows });
    }
  }

  #exchange({ path, search, body }: Asked, token: string, signal: AbortSignal): Promise<WholeResponse> {
    const request = {
      method: "POST",
      path: `${this.#path}${path}${search === "" ? "" : `?${search}`}`,
      headers: {
        auth: token,
        "content-type": "application/json",
        accept: "application/json",
        "accept-encoding": "gzip",
      },
      body,
    } as const;
    return exchange(this.#pool, request, this.#options.timeoutMs, signal);
  }

  #understand({ status, headers, body }: WholeResponse, show: Show): SessionsAnswer {
    const { clock, protect } = this.#options;
    if (status === 200) return parseAnswer(body, protect ? notShown : show);
    throw refusal(status, headers, body.toString(), clock.now(), show, protect ? notShown : show);
  }

  #tell(event: KoreEvent): void {
    this.#options.onEvent?.(event);
  }
}

/** A request, and what of its query may be told. */
interface Asked extends KoreRequest {
  readonly query: ShownQuery;
}

/** The answer with every session protected; of ids that Kore does not know, those that were asked for. */
function protectedAnswer(
  answer: SessionsAnswer,
  { sessionId = [] }: SessionsQuery,
  protect: (session: WireSession) => WireSession,
): SessionsAnswer {
  const invalidSessions = answer.invalidSessions.filter((id) => sessionId.includes(id));
  return { ...answer, sessions: answer.sessions.map(protect), invalidSessions };
}
