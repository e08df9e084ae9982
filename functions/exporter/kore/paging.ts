import type { SessionsApi, SessionsQuery, WireSession } from "./wire.ts";

/** What was seen of a list while it was read to its end. */
export interface ListTotals {
  /** Rows received, repeated ones included. */
  readonly rows: number;
  /** Every `total` the pages gave; more than one means that the list changed, null that a page gave none. */
  readonly totals: ReadonlySet<number | null>;
}

/** A list may grow while it is read; beyond twice its total and this, it is not that list any more. */
const SLACK_ROWS = 10_000;

/**
 * Reads a list page by page to its end.
 *
 * `take` gets each page's sessions and returns how many of them it had not met before. The next page is asked from
 * behind the rows received, whatever was asked for: servers cap pages. The list ends at an empty page; or when its
 * rows reach `total` and `moreAvailable` is false; or at a page that brings nothing new, since a server that ignores
 * `skip`, or says for ever that more is available, would keep it going without end; or when it has given more than
 * `mostRows` rows and far more than its `total`.
 */
export async function readList(
  api: SessionsApi,
  query: SessionsQuery,
  pageSize: number,
  mostRows: number,
  take: (sessions: readonly WireSession[]) => number,
  signal?: AbortSignal,
): Promise<ListTotals> {
  const totals = new Set<number | null>();
  let rows = 0;
  for (;;) {
    const page = await api.sessions({ ...query, skip: rows, limit: pageSize }, signal);
    totals.add(page.total);
    rows += page.sessions.length;
    const isNew = take(page.sessions);
    const ended = page.total !== null && rows >= page.total && page.moreAvailable === false;
    const enough = Math.max(mostRows, 2 * (page.total ?? 0) + SLACK_ROWS);
    if (page.sessions.length === 0 || isNew === 0 || ended || rows >= enough) return { rows, totals };
  }
}
