import { ExporterError } from "../errors.ts";
import type { SessionsQuery, Source } from "./wire.ts";

const DAY_MS = 86_400_000;

/** The API refuses longer spans. Source: Kore's page, "The duration … should be less than 7 days". */
export const LONGEST_SPAN_MS = 7 * DAY_MS;

/** Source: Kore's page, `sessionId`. */
export const MOST_SESSION_IDS = 50;

/** One HTTP request to the API, without its token. */
export interface KoreRequest {
  readonly path: string;
  /** Query string without its question mark; may be empty. */
  readonly search: string;
  /** JSON text, or null for a request without a body. */
  readonly body: string | null;
}

/** An instant as the API wants it in `dateFrom` and `dateTo`: `yyyy-mm-ddThh:mm:ss.msZ`. */
export function koreInstant(ms: number): string {
  return new Date(ms).toISOString();
}

/** The request for a query. Throws `ERR_SETTINGS`, and sends nothing, if the API's page forbids the query. */
export function toRequest(source: Source, query: SessionsQuery): KoreRequest {
  checkQuery(query);
  const { containmentType, callId, ...body } = query;
  const search = new URLSearchParams();
  if (containmentType !== undefined) search.set("containmentType", containmentType);
  if (callId !== undefined) search.set("callId", callId);
  const place = source.kind === "bot" ? `bot/${encodeURIComponent(source.botId)}/` : "";
  return {
    path: `/api/public/${place}getSessions`,
    search: search.toString(),
    body: Object.keys(body).length > 0 ? JSON.stringify(body) : null,
  };
}

function checkQuery(query: SessionsQuery): void {
  const { skip, limit, sessionId } = query;
  if (skip !== undefined && !(Number.isSafeInteger(skip) && skip >= 0)) {
    throw refused(`skip is ${skip}; it must be a whole number from 0`);
  }
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1)) {
    throw refused(`limit is ${limit}; it must be a whole number from 1`);
  }
  if (sessionId !== undefined && (sessionId.length === 0 || sessionId.length > MOST_SESSION_IDS)) {
    throw refused(`sessionId holds ${sessionId.length} ids; one request takes 1 to ${MOST_SESSION_IDS}`);
  }
  checkSpan(query);
}

function checkSpan(query: SessionsQuery): void {
  const from = query.dateFrom === undefined ? null : parseDate("dateFrom", query.dateFrom);
  const to = query.dateTo === undefined ? null : parseDate("dateTo", query.dateTo);
  if (from === null || to === null) return;
  if (to < from) throw refused(`dateTo ${query.dateTo} lies before dateFrom ${query.dateFrom}`);
  if (to - from >= LONGEST_SPAN_MS) {
    throw refused(`${query.dateFrom} to ${query.dateTo} is 7 days or more; ask for shorter windows one by one`);
  }
}

function parseDate(name: string, text: string): number {
  const ms = Date.parse(text);
  const iso = Number.isNaN(ms) ? "" : new Date(ms).toISOString();
  if (text !== iso && text !== iso.slice(0, 10)) {
    throw refused(`${name} is "${text}"; write yyyy-mm-dd or yyyy-mm-ddThh:mm:ss.msZ`);
  }
  return ms;
}

function refused(reason: string): ExporterError {
  return new ExporterError("ERR_SETTINGS", `The Sessions History API does not take this request: ${reason}.`);
}
