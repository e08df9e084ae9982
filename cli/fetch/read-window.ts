import type { Window } from "../../functions/exporter/export/calendar.ts";
import { judge, questionAbout } from "../../functions/exporter/export/sight.ts";
import { readList } from "../../functions/exporter/kore/paging.ts";
import { koreInstant } from "../../functions/exporter/kore/request.ts";
import type {
  SessionsAnswer,
  SessionsApi,
  SessionsQuery,
  Source,
  WireSession,
} from "../../functions/exporter/kore/wire.ts";
import { counted } from "../amounts.ts";
import type { Lines } from "./lines.ts";
import type { FetchProblem } from "./problem.ts";

/** Windows of more sessions are halved, so that the ids of one fit into little memory. */
const MOST_SESSIONS = 30_000;
const SHORTEST_WINDOW_MS = 60_000;
/** Rows that are read at most of a list whose total is missing or far too low. */
const MOST_ROWS = 100_000;
const MOST_READINGS = 3;

/** Where a window is read from, and where its sessions go. */
export interface WindowPorts {
  readonly api: SessionsApi;
  readonly source: Source;
  readonly pageSize: number;
  readonly lines: Lines;
  /** Rows without a usable id or start time that were written: any window may return them, and nothing else tells them apart. */
  readonly unusable: Set<string>;
  readonly signal: AbortSignal;
  /** Hears how many sessions of the window were received, and how many Kore promises. */
  readonly onReceived: (received: number, expected: number | null) => void;
}

/**
 * Writes the sessions of a window, each once, the newest first; `written` has the keys of those that an earlier list of the
 * window brought. Whether the API's bounds are inclusive or not does not matter: the question reaches a millisecond
 * further, and only rows with `from` ≤ start_time < `to` are written.
 *
 * The list may change while it is read. If rows and totals do not agree, it is read again, at most three times, for what
 * was missed. Returns why it still may not be whole; nothing is said where the limit of lines was reached.
 */
export async function readWindow(
  window: Window,
  filters: SessionsQuery,
  written: Set<string>,
  ports: WindowPorts,
): Promise<FetchProblem[]> {
  const asked = questionAbout(window);
  const query = { ...filters, dateFrom: koreInstant(asked.from), dateTo: koreInstant(asked.to) };
  let problem: FetchProblem | null = null;
  for (let reading = 1; reading <= MOST_READINGS; reading++) {
    const limit = pageLimit(ports);
    const first = await ports.api.sessions({ ...query, skip: 0, limit }, ports.signal);
    if (reading === 1 && isTooMuch(first, window)) return readHalves(window, filters, first.total, ports);
    problem = await readOnce(window, query, written, first, limit, ports);
    if (ports.lines.room === 0) return [];
    if (problem?.code !== "ERR_NOT_RECONCILED") break;
  }
  return problem === null ? [] : [problem];
}

/** A page for a few rows need not be full; the neighbour's rows may come with them. */
function pageLimit({ pageSize, lines }: WindowPorts): number {
  return Math.min(pageSize, lines.room + 1);
}

function isTooMuch({ total }: SessionsAnswer, { from, to }: Window): boolean {
  return total !== null && total > MOST_SESSIONS && to - from >= 2 * SHORTEST_WINDOW_MS;
}

async function readHalves(
  { from, to }: Window,
  filters: SessionsQuery,
  total: number | null,
  ports: WindowPorts,
): Promise<FetchProblem[]> {
  const middle = from + Math.floor((to - from) / 2);
  const halfPorts = { ...ports, onReceived: (received: number) => ports.onReceived(received, total) };
  const newer = await readWindow({ from: middle, to }, filters, new Set(), halfPorts);
  if (ports.lines.room === 0) return newer;
  return [...newer, ...(await readWindow({ from, to: middle }, filters, new Set(), halfPorts))];
}

/** Reads the list once, from its first page on, and writes what had not been written. */
async function readOnce(
  window: Window,
  query: SessionsQuery,
  written: Set<string>,
  first: SessionsAnswer,
  limit: number,
  ports: WindowPorts,
): Promise<FetchProblem | null> {
  const { lines, unusable, source } = ports;
  const met = new Set<string>();
  let strays = 0;
  const take = (sessions: readonly WireSession[]): number => {
    const before = met.size;
    const fresh = sessions.filter((session) => {
      const { kind, key } = judge(session, source, window);
      if (kind === "stray") strays++;
      else met.add(key);
      const known = kind === "unusable" ? unusable : written;
      if (kind === "stray" || kind === "edge" || known.has(key)) return false;
      known.add(key);
      return true;
    });
    lines.write(fresh);
    ports.onReceived(fresh.length, first.total);
    return lines.room === 0 ? 0 : met.size - before;
  };
  const api = withFirstPage(ports.api, first);
  const { totals } = await readList(api, query, limit, MOST_ROWS, take, ports.signal);
  return judged(met.size, totals, strays, query);
}

/** The API, with the answer that it gave already for the first page. */
function withFirstPage(api: SessionsApi, first: SessionsAnswer): SessionsApi {
  return {
    sessions: async (query, signal) => (query.skip === 0 ? first : api.sessions(query, signal)),
    expect: (requests) => api.expect(requests),
  };
}

function judged(
  held: number,
  totals: ReadonlySet<number | null>,
  strays: number,
  { dateFrom, dateTo }: SessionsQuery,
): FetchProblem | null {
  const where = `${dateFrom} to ${dateTo}`;
  if (strays > 0) {
    const them = strays === 1 ? "it" : "them";
    const message = `${where}: Kore returned ${counted(strays, "session")} not asked for; the output leaves ${them} out.`;
    return { code: "ERR_WINDOW_IGNORED", message };
  }
  if (totals.has(null)) {
    const message = `${where}: Kore gave no total, so nothing tells whether there are more than the ${counted(held, "session")} returned.`;
    return { code: "ERR_TOTALS_MISSING", message };
  }
  if (totals.size === 1 && totals.has(held)) return null;
  const told = [...totals].join(", then ");
  const message = `${where}: Kore reports a total of ${told}, and returned ${counted(held, "session")}. Run again; the list may be changing.`;
  return { code: "ERR_NOT_RECONCILED", message };
}
