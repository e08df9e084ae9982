import type { KoreEvent } from "../../functions/exporter/kore/client.ts";
import { counted } from "../amounts.ts";
import type { Facts } from "../log.ts";

/** A request that was sent, retries one by one. */
export type RequestEvent = Exclude<KoreEvent, { readonly kind: "waiting" }>;

/** What `--verbose` tells of a request. */
export function toldRequest(source: string, event: RequestEvent): { readonly message: string; readonly facts: Facts } {
  return { message: requestLine(event), facts: requestFacts(source, event) };
}

/** The request in a line: what was asked for, without values of filters, and what came of it. */
function requestLine(event: RequestEvent): string {
  const { path, query, ms } = event;
  const window = query.dateFrom === null && query.dateTo === null ? [] : [`${query.dateFrom} to ${query.dateTo}`];
  const asked = [
    ...(query.containmentType === null ? [] : [query.containmentType]),
    ...window,
    ...(query.sessionIds > 0 ? [counted(query.sessionIds, "session id")] : []),
    ...query.filters.map((name) => `by ${name}`),
    ...(query.skip === null ? [] : [`skip ${query.skip}`]),
    ...(query.limit === null ? [] : [`limit ${query.limit}`]),
  ];
  return `POST ${path} ${asked.join(", ")}: ${outcome(event)}, ${ms} ms`;
}

function outcome(event: RequestEvent): string {
  if (event.kind === "unanswered") return "no answer";
  return event.rows === null ? `${event.status}` : `${event.status}, ${counted(event.rows, "row")}`;
}

/** The same for programs. */
function requestFacts(source: string, event: RequestEvent): Facts {
  const { path, query, ms } = event;
  const { status, rows } = event.kind === "answered" ? event : { status: null, rows: null };
  return {
    source,
    method: "POST",
    path,
    containment_type: query.containmentType,
    date_from: query.dateFrom,
    date_to: query.dateTo,
    session_ids: query.sessionIds,
    filters: query.filters,
    skip: query.skip,
    limit: query.limit,
    status,
    rows,
    ms,
  };
}
