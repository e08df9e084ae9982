import pRetry from "p-retry";
import { Agent, type Dispatcher, request } from "undici";
import type { Clock } from "../clock.ts";
import type { ExporterError } from "../errors.ts";
import { notShown, parseAnswer, type Show, showWithout } from "./answer.ts";
import { KoreFailure } from "./failure.ts";
import type { Quota } from "./quota.ts";
import { refusal } from "./refusal.ts";
import { type KoreRequest, toRequest } from "./request.ts";
import { retryPolicy } from "./retry.ts";
import { type Credentials, signToken } from "./token.ts";
import { connectionFailure, readBody } from "./transport.ts";
import type { KoreConnection, SessionsAnswer, SessionsQuery, Source, WireSession } from "./wire.ts";

/** Where the client's credentials come from. */
export interface CredentialsSource {
  /** The credentials as last read. */
  current(): Promise<Credentials>;
  /** Reads them anew, since they may have been rotated; true if they differ from those `current` gave before. */
  renew(): Promise<boolean>;
}

/** What a client tells while it works. Holds no secret and no token. */
export type KoreEvent =
  | {
      readonly kind: "waiting";
      readonly reason: "quota" | "retry";
      readonly ms: number;
      readonly error?: ExporterError;
    }
  | { readonly kind: "answered"; readonly path: string; readonly status: number; readonly rows: number | null };

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
  readonly #agent = new Agent({ pipelining: 1, connections: 4, headersTimeout: 0, bodyTimeout: 0 });
  #attempts = 0;

  constructor(options: KoreClientOptions) {
    this.#options = options;
  }

  get attempts(): number {
    return this.#attempts;
  }

  /**
   * One page. Throws an `ExporterError` of the `ERR_KORE_…` family once retrying is over; rejects with the signal's
   * reason if that is aborted.
   */
  async sessions(query: SessionsQuery, signal?: AbortSignal): Promise<SessionsAnswer> {
    const asked = toRequest(this.#options.source, query);
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
      signal?.throwIfAborted();
      throw error instanceof KoreFailure ? error.error : error;
    }
  }

  /** Says how many requests the work at hand will still need: see `Quota.expect`. */
  expect(requests: number): void {
    this.#options.quota.expect(requests);
  }

  /** Closes every connection at once. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #readyToRetry(
    error: Error,
    waitBeforeRetry: ReturnType<typeof retryPolicy>,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (!(error instanceof KoreFailure)) return false;
    const ms = waitBeforeRetry(error);
    if (ms === null) return false;
    if (error.kind === "unauthorized") return this.#options.credentials.renew();
    this.#tell({ kind: "waiting", reason: "retry", ms, error: error.error });
    await this.#options.clock.sleep(ms, signal);
    return true;
  }

  #attempt(asked: KoreRequest, signal: AbortSignal | undefined): Promise<SessionsAnswer> {
    const onWait = (ms: number) => this.#tell({ kind: "waiting", reason: "quota", ms });
    return this.#options.quota.run(() => this.#send(asked, signal), onWait, signal);
  }

  async #send(asked: KoreRequest, signal: AbortSignal | undefined): Promise<SessionsAnswer> {
    const { host, credentials, clock, timeoutMs } = this.#options;
    const secret = await credentials.current();
    const token = await signToken(secret, clock.now());
    const timeout = AbortSignal.timeout(timeoutMs);
    this.#attempts++;
    try {
      const response = await request(addressOf(host, asked), {
        method: "POST",
        headers: {
          auth: token,
          "content-type": "application/json",
          accept: "application/json",
          "accept-encoding": "gzip",
        },
        body: asked.body,
        dispatcher: this.#agent,
        signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
      });
      return this.#understand(asked, response, await readBody(response), showWithout([token, secret.clientSecret]));
    } catch (error) {
      signal?.throwIfAborted();
      throw connectionFailure(error, timeout.aborted ? timeoutMs : null);
    }
  }

  #understand(
    asked: KoreRequest,
    { statusCode, headers }: Dispatcher.ResponseData,
    body: Buffer,
    show: Show,
  ): SessionsAnswer {
    const { clock, protect } = this.#options;
    const answered = { kind: "answered", path: asked.path, status: statusCode } as const;
    if (statusCode !== 200) {
      this.#tell({ ...answered, rows: null });
      throw refusal(statusCode, headers, body.toString(), clock.now(), show, protect ? notShown : show);
    }
    const answer = parseAnswer(body, protect ? notShown : show);
    this.#tell({ ...answered, rows: answer.sessions.length });
    return answer;
  }

  #tell(event: KoreEvent): void {
    this.#options.onEvent?.(event);
  }
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

/** The host's own address with the request's path below its own; never another host, whatever slashes there are. */
function addressOf(host: URL, asked: KoreRequest): URL {
  const url = new URL(host);
  url.pathname = `${host.pathname.replace(/\/+$/, "")}${asked.path}`;
  url.search = asked.search;
  return url;
}
