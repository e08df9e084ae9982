import { CONTAINMENT_TYPES, type ContainmentType } from "../contract.ts";
import { isRefusedCount, KoreRefusal } from "../kore/refusal.ts";
import { koreInstant } from "../kore/request.ts";
import type { SessionsApi, SessionsQuery, Source } from "../kore/wire.ts";
import type { Window } from "./calendar.ts";
import { questionAbout } from "./sight.ts";

/** The lists that the API can be asked for: one of a containment type each, and the unfiltered one of all. */
export const LISTS = [...CONTAINMENT_TYPES, "all"] as const;
export type ListName = ContainmentType | "all";

/** What the API says a list holds: a number, null if it gave none, or `refused` if it does not answer this question. */
export type Total = number | null | "refused";
export type Totals = Readonly<Record<ListName, Total>>;

/** Where and how one source is read. */
export interface Reader {
  readonly api: SessionsApi;
  readonly source: Source;
  readonly pageSize: number;
  readonly signal?: AbortSignal;
  /** Hears how many sessions each page brought. */
  readonly onReceived?: (sessions: number) => void;
  /** Hears how many sessions the API promises for a day, once it said so. */
  readonly onExpected?: (sessions: number) => void;
}

/** The question about one list of a window, without its page. */
export function listQuery(list: ListName, window: Window): SessionsQuery {
  const asked = questionAbout(window);
  const dates = { dateFrom: koreInstant(asked.from), dateTo: koreInstant(asked.to) };
  return list === "all" ? dates : { ...dates, containmentType: list };
}

/** Asks how many sessions a list holds. A request that costs one row at most. */
export async function askTotal(reader: Reader, list: ListName, window: Window): Promise<Total> {
  try {
    const query = { ...listQuery(list, window), skip: 0, limit: 1 };
    return (await reader.api.sessions(query, reader.signal)).total;
  } catch (error) {
    if (list === "all" && error instanceof KoreRefusal && isRefusedCount(error)) return "refused";
    throw error;
  }
}

/** Asks for all four totals; an API known to refuse the unfiltered count is not asked for it again. */
export async function askTotals(reader: Reader, window: Window, countsAll: boolean): Promise<Totals> {
  const dropOff = await askTotal(reader, "dropOff", window);
  const selfService = await askTotal(reader, "selfService", window);
  const agent = await askTotal(reader, "agent", window);
  const all = countsAll ? await askTotal(reader, "all", window) : "refused";
  return { dropOff, selfService, agent, all };
}

/** How many sessions a window holds in all, as far as the API can be made to say; null if it can't. */
export async function askSize(reader: Reader, window: Window): Promise<{ all: Total; size: number | null }> {
  const all = await askTotal(reader, "all", window);
  if (all !== "refused") return { all, size: all };
  let size: number | null = 0;
  for (const type of CONTAINMENT_TYPES) {
    const total = await askTotal(reader, type, window);
    size = typeof total === "number" && size !== null ? size + total : null;
  }
  return { all, size };
}
