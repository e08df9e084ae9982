import type { Credentials } from "./credentials.ts";
import { ActiveFaults, type BeforeRequest, type Hits } from "./faults.ts";
import { insteadReply } from "./instead-faults.ts";
import { bendPage, pageReply } from "./page-reply.ts";
import { type Query, readQuery } from "./query.ts";
import { readPage } from "./reading.ts";
import { isRefusal, type Refusal, refusal } from "./refusals.ts";
import { type Reply, refusalReply } from "./reply.ts";
import type { RollingQuota } from "./rolling-quota.ts";
import { ACCOUNT, type SessionStore } from "./session-store.ts";
import { applyChange } from "./store-changes.ts";

/** A request as it came over HTTP. */
export interface Incoming {
  readonly method: string;
  readonly url: URL;
  readonly auth: string | undefined;
  readonly contentType: string | undefined;
  readonly body: Buffer;
}

/** What the stand-in remembers of a request. */
export interface RequestRecord {
  /** Milliseconds, by the stand-in's clock. */
  readonly at: number;
  /** The bot id, or "account"; null when the path names neither. */
  readonly source: string | null;
  readonly containmentType: string | null;
  /** The parsed body; undefined when there was none, or it is no JSON. */
  readonly body: unknown;
  /** The HTTP status; 0 when the request got no answer. */
  readonly status: number;
  /** Sessions in the answer. */
  readonly rows: number;
  /** The kinds of the faults that hit it, joined by "+". */
  readonly fault?: string;
  /** The token's id, if the token was good. */
  readonly jti?: string;
  /** Set when the request broke the quota; never by a fault. */
  readonly quotaExceeded?: true;
  /** Why it was refused, in more words than the answer had. */
  readonly reason?: string;
}

export interface SessionsApiParts {
  readonly store: SessionStore;
  readonly credentials: Credentials;
  readonly quota: RollingQuota;
  readonly pageCap: number;
  readonly clock: { now(): number };
}

const BOT_PATH = /^\/api\/public\/bot\/([^/]+)\/getSessions$/;
const ACCOUNT_PATH = "/api/public/getSessions";

/** The Sessions History API: one endpoint per bot, and one for the account. */
export class SessionsApi {
  readonly requests: RequestRecord[] = [];
  readonly faults = new ActiveFaults();
  readonly #parts: SessionsApiParts;

  constructor(parts: SessionsApiParts) {
    this.#parts = parts;
  }

  async reply(incoming: Incoming): Promise<Reply> {
    const at = this.#parts.clock.now();
    const source = sourceOf(incoming.url.pathname);
    const body = parsedBody(incoming.body);
    const containmentType = incoming.url.searchParams.get("containmentType");
    const known = { at, source, containmentType, body };
    const record = (outcome: Omit<RequestRecord, keyof typeof known>): void => {
      this.requests.push({ ...known, ...outcome });
    };

    const checked = await this.#check(incoming, source, body, at);
    if (isRefusal(checked)) {
      const { status, reason } = checked;
      record({ status, rows: 0, reason, ...(checked.quotaExceeded === true && { quotaExceeded: true }) });
      return refusalReply(checked);
    }
    const { reply, rows, fault } = this.#answer(checked, at);
    record({ status: reply.status, rows, jti: checked.jti, ...(fault !== "" && { fault }) });
    return reply;
  }

  async #check(
    incoming: Incoming,
    source: string | null,
    body: unknown,
    at: number,
  ): Promise<Accepted | (Refusal & { readonly quotaExceeded?: true })> {
    const { store, quota, credentials } = this.#parts;
    if (source === null) return refusal(404, "unknown path");
    if (incoming.method !== "POST") return refusal(405, `${incoming.method} instead of POST`);
    if (!quota.admits(source, at)) return { ...refusal(429, "quota exceeded"), quotaExceeded: true };
    const token = await credentials.check(incoming.auth, source, at);
    if (isRefusal(token)) return token;
    if (source !== ACCOUNT && !store.hasBot(source)) return refusal(400, "unknown bot", "Invalid StreamId");
    const badBody = bodyProblem(incoming, body);
    if (badBody !== undefined) return refusal(412, badBody);
    const query = readQuery(incoming.url.searchParams, body, at);
    return isRefusal(query) ? query : { source, query, jti: token.jti };
  }

  #answer({ source, query }: Accepted, at: number): { reply: Reply; rows: number; fault: string } {
    const { store, pageCap } = this.#parts;
    const hits = this.faults.hitting(source, query);
    const fault = namesOf(hits);
    for (const before of hits.before) change(store, before);
    if (hits.instead !== undefined) return { reply: insteadReply(hits.instead, at), rows: 0, fault };
    const page = bendPage(readPage(store, source, query, pageCap, hits.reading), hits.page);
    return { reply: pageReply(page, hits.delivery), rows: page.rows.length, fault };
  }
}

interface Accepted {
  readonly source: string;
  readonly query: Query;
  readonly jti: string;
}

/** The bot id or "account" of a path; null for any other path. */
function sourceOf(path: string): string | null {
  if (path === ACCOUNT_PATH) return ACCOUNT;
  const encoded = BOT_PATH.exec(path)?.[1];
  try {
    return encoded === undefined ? null : decodeURIComponent(encoded);
  } catch {
    return null;
  }
}

function parsedBody(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

function bodyProblem(incoming: Incoming, body: unknown): string | undefined {
  if (incoming.body.length === 0) return undefined;
  if (!/^application\/json\s*(;|$)/i.test(incoming.contentType ?? "")) return "content-type is not application/json";
  return typeof body === "object" && body !== null ? undefined : "the body is not a JSON object";
}

function change(store: SessionStore, { change: wanted }: BeforeRequest): void {
  if (typeof wanted === "function") wanted(store);
  else for (const one of wanted) applyChange(store, one);
}

function namesOf({ before, instead, reading, page, delivery }: Hits): string {
  const faults = [...before, ...(instead === undefined ? [] : [instead]), ...reading, ...page, ...delivery];
  return faults.map(({ kind }) => kind).join("+");
}
