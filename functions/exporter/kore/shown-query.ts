import type { ContainmentType } from "../contract.ts";
import type { SessionsQuery } from "./wire.ts";

/** What a request asked for, fit for a log: of what may tell of a person, only that it was asked for. */
export interface ShownQuery {
  readonly containmentType: ContainmentType | null;
  /** As sent; null where the request names no such date. */
  readonly dateFrom: string | null;
  readonly dateTo: string | null;
  readonly skip: number | null;
  readonly limit: number | null;
  /** How many sessions were asked for by their ids. */
  readonly sessionIds: number;
  /** The names of further filters, without their values. */
  readonly filters: readonly string[];
}

const FILTERS = ["callId", "userId", "tags", "sessionType"] as const satisfies readonly (keyof SessionsQuery)[];

/** The query without the values of filters, which may be personal data. */
export function shownQuery(query: SessionsQuery): ShownQuery {
  return {
    containmentType: query.containmentType ?? null,
    dateFrom: query.dateFrom ?? null,
    dateTo: query.dateTo ?? null,
    skip: query.skip ?? null,
    limit: query.limit ?? null,
    sessionIds: query.sessionId?.length ?? 0,
    filters: FILTERS.filter((name) => query[name] !== undefined),
  };
}
