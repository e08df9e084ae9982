import type { SessionsAnswer, SessionsApi, SessionsQuery } from "./wire.ts";

/** A page that was asked for before its turn. */
interface Ahead {
  readonly query: SessionsQuery;
  readonly answer: Promise<SessionsAnswer>;
  readonly stop: AbortController;
}

/**
 * Asks for a list's next page while the one that is wanted is still on its way or being read, so that neither Kore nor
 * we wait for the other. Two requests are under way at most, and no page is asked for that the list's `total` does not
 * promise: as long as the list is what its last page said, it costs the same requests.
 *
 * For one reader, who takes page after page.
 */
export class ReadAhead implements SessionsApi {
  readonly #api: SessionsApi;
  #ahead: Ahead | null = null;
  /** The last full page, and the total it gave. */
  #full: { readonly query: SessionsQuery; readonly total: number } | null = null;

  constructor(api: SessionsApi) {
    this.#api = api;
  }

  expect(requests: number): void {
    this.#api.expect(requests);
  }

  async sessions(query: SessionsQuery, signal?: AbortSignal): Promise<SessionsAnswer> {
    const wanted = this.#take(query) ?? this.#api.sessions(query, signal);
    const next = this.#pageBehind(query);
    if (next !== null) this.#ask(next, signal);
    try {
      const answer = await wanted;
      const { total, sessions } = answer;
      const isFull = query.skip !== undefined && sessions.length === query.limit;
      this.#full = isFull && total !== null ? { query, total } : null;
      return answer;
    } catch (error) {
      this.#drop();
      throw error;
    }
  }

  /** What was asked for ahead, if it is this; anything else that was is not wanted any more. */
  #take(query: SessionsQuery): Promise<SessionsAnswer> | null {
    const ahead = this.#ahead;
    if (ahead === null || !isSame(ahead.query, query)) {
      this.#drop();
      return null;
    }
    this.#ahead = null;
    return ahead.answer;
  }

  /** The page behind a page that follows a full one, if there are sessions for it. */
  #pageBehind(query: SessionsQuery): SessionsQuery | null {
    const { skip, limit } = query;
    if (this.#full === null || skip === undefined || limit === undefined) return null;
    const isNext = isSame({ ...this.#full.query, skip: (this.#full.query.skip ?? 0) + limit }, query);
    return isNext && skip + limit < this.#full.total ? { ...query, skip: skip + limit } : null;
  }

  #ask(query: SessionsQuery, signal: AbortSignal | undefined): void {
    const stop = new AbortController();
    const answer = this.#api.sessions(query, signal ? AbortSignal.any([signal, stop.signal]) : stop.signal);
    // Who takes it hears of its failure; else nobody needs to.
    answer.catch(() => {});
    this.#ahead = { query, answer, stop };
  }

  #drop(): void {
    this.#ahead?.stop.abort();
    this.#ahead = null;
  }
}

function isSame(one: SessionsQuery, other: SessionsQuery): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
