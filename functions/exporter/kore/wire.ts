import type { ContainmentType } from "../contract.ts";

/**
 * What is exported: one bot, or every bot of the account through the admin-console endpoint.
 * Source: "Endpoint" of Kore's Sessions History API page.
 */
export type Source = { readonly kind: "bot"; readonly botId: string } | { readonly kind: "account" };

/**
 * A request to the Sessions History API. Names and meaning are those of "Request Body Parameters" on Kore's page;
 * `containmentType` and `callId` travel in the query string, everything else in the body.
 */
export interface SessionsQuery {
  readonly containmentType?: ContainmentType;
  readonly callId?: string;
  readonly userId?: string;
  /** Rows to leave out from the start of the list. */
  readonly skip?: number;
  /** Rows wanted in this page; the server may give fewer. */
  readonly limit?: number;
  /** `yyyy-mm-dd` or `yyyy-mm-ddThh:mm:ss.msZ`, GMT. The span from `dateFrom` to `dateTo` must be under 7 days. */
  readonly dateFrom?: string;
  readonly dateTo?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly sessionType?: "interactive" | "non-interactive";
  /** At most 50 ids; the API ignores every other filter then. */
  readonly sessionId?: readonly string[];
}

/** One element of an answer's `sessions`; a `TapedText` where its tokens are known. */
export interface WireSession {
  /** Exactly the text that the API sent for it, in UTF-8, cut from the answer: a view of the page, not a copy. */
  readonly raw: Buffer;
  /** The same text, parsed. Any JSON value: the API is not trusted to send objects. */
  readonly value: unknown;
}

/** The session that a text is: parsed only if somebody asks for its value. */
export function sessionOf(raw: Buffer): WireSession {
  return {
    raw,
    get value(): unknown {
      return JSON.parse(raw.toString());
    },
  };
}

/** One page, as the API answered it. */
export interface SessionsAnswer {
  /** Sessions that match the request, over all pages; null where the API gave no usable number. */
  readonly total: number | null;
  /** Whether the API says that more pages follow; null where it did not say. */
  readonly moreAvailable: boolean | null;
  readonly sessions: readonly WireSession[];
  /** Ids asked for by `sessionId` that the API does not know. */
  readonly invalidSessions: readonly string[];
}

/** Whoever answers requests to the API: the client itself, or something in front of it that knows earlier answers. */
export interface SessionsApi {
  /** One page. Throws an `ExporterError` of the `ERR_KORE_…` family, or the signal's reason once that is aborted. */
  sessions(query: SessionsQuery, signal?: AbortSignal): Promise<SessionsAnswer>;
  /** Hears how many requests the work at hand will still need, as far as can be told. */
  expect(requests: number): void;
}

/** Somebody who asks Kore itself, until it is closed. */
export interface KoreConnection extends SessionsApi {
  /** Requests sent so far; every attempt counts, as it does in Kore's quota. */
  readonly attempts: number;
  close(): Promise<void>;
}
