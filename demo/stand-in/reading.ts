import type { ReadingFault } from "./faults.ts";
import type { Query, SessionFilter } from "./query.ts";
import { type RowList, withChangedRow, withExtraRows, withRepeatedRows } from "./row-list.ts";
import { DAY_MS, namedTags, type Session, type StoredSession } from "./session.ts";
import { HeldSessions } from "./session-sequence.ts";
import type { SessionStore } from "./session-store.ts";

/** One page, before faults touch its members; an undefined member is absent. */
export interface Page {
  readonly total: unknown;
  readonly moreAvailable: unknown;
  readonly rows: readonly Buffer[];
  readonly invalidSessions?: readonly string[];
}

type WindowQuery = Extract<Query, { by: "window" }>;

/** Answers a question from the store, as the faults bend it. */
export function readPage(
  store: SessionStore,
  source: string,
  query: Query,
  pageCap: number,
  faults: readonly ReadingFault[],
): Page {
  if (query.by === "ids") return sessionsById(store, source, query.sessionIds);
  const list = faults.reduce(
    (rows, fault) => bendList(rows, fault, { store, source, query, pageCap }),
    listOf(store, source, query, faults),
  );
  const skip = faults.some(({ kind }) => kind === "skip-ignored") ? 0 : query.skip;
  const caps = faults.flatMap((fault) => (fault.kind === "page-cap" ? [fault.rows] : []));
  const rows = list.slice(skip, skip + Math.min(query.limit, pageCap, ...caps));
  return { total: list.total, moreAvailable: skip + rows.length < list.length, rows };
}

function sessionsById(store: SessionStore, source: string, sessionIds: readonly string[]): Page {
  const found = new HeldSessions();
  const invalidSessions: string[] = [];
  for (const sessionId of new Set(sessionIds)) {
    const row = store.find(source, sessionId);
    if (row === undefined) invalidSessions.push(sessionId);
    else found.add(row);
  }
  const rows = Array.from({ length: found.length }, (_, position) => found.rowAt(position).bytes);
  return { total: rows.length, moreAvailable: false, rows, invalidSessions };
}

function listOf(store: SessionStore, source: string, query: WindowQuery, faults: readonly ReadingFault[]): RowList {
  const { fromMs, toMs } = boundsOf(query, faults);
  const also = faults.flatMap((fault) => alsoUnder(store, source, query, fault));
  const selection = store.select(source, query.containmentType, fromMs, toMs, also);
  const { filter } = query;
  if (filter === null) {
    const { length } = selection;
    return { length, total: length, slice: (from, to) => selection.slice(from, to).map((row) => row.bytes) };
  }
  const kept = selection
    .rows()
    .filter((row) => passes(row.session, filter))
    .toArray();
  return {
    length: kept.length,
    total: kept.length,
    slice: (from, to) => kept.slice(from, to).map((row) => row.bytes),
  };
}

/** The window in whole milliseconds, both bounds included. */
function boundsOf(query: WindowQuery, faults: readonly ReadingFault[]): { fromMs: number; toMs: number } {
  if (faults.some(({ kind }) => kind === "window-ignored")) return { fromMs: -Infinity, toMs: Infinity };
  const bounds = faults.findLast((fault) => fault.kind === "bounds")?.bounds ?? "inclusive";
  return {
    fromMs: query.fromMs + (bounds === "exclusive" || bounds === "exclusive-lower" ? 1 : 0),
    toMs: query.toMs - (bounds === "exclusive" || bounds === "exclusive-upper" ? 1 : 0),
  };
}

function alsoUnder(store: SessionStore, source: string, query: WindowQuery, fault: ReadingFault): HeldSessions[] {
  if (fault.kind !== "two-types" || fault.under !== query.containmentType) return [];
  const row = store.find(source, fault.sessionId);
  if (row === undefined || row.containmentType === fault.under) return [];
  const list = new HeldSessions();
  list.add(row);
  return [list];
}

interface Asked {
  readonly store: SessionStore;
  readonly source: string;
  readonly query: WindowQuery;
  readonly pageCap: number;
}

function bendList(list: RowList, fault: ReadingFault, asked: Asked): RowList {
  switch (fault.kind) {
    case "repeated-rows":
      return withRepeatedRows(list, { of: fault.of, every: fault.every ?? asked.pageCap, counted: fault.counted });
    case "extra-rows": {
      const others = fault.of === "other-days" ? rowsOfOtherDays(asked) : rowsOfOtherBots(asked);
      const extra = others.take(fault.rows ?? 1).map((row) => row.bytes);
      return withExtraRows(list, extra.toArray(), fault.counted);
    }
    case "broken-row":
      return withChangedRow(list, fault.position ?? 0, (row) => broken(row, fault.as));
    default:
      return list;
  }
}

/** Sessions more than a day away from the window: older ones first, then newer ones. */
function* rowsOfOtherDays({ store, source, query }: Asked): IteratorObject<StoredSession, undefined> {
  const { containmentType } = query;
  yield* store.select(source, containmentType, -Infinity, query.fromMs - DAY_MS).rows();
  yield* store.select(source, containmentType, query.toMs + DAY_MS, Infinity).rows();
}

/** Sessions of the same window, held by bots that were not asked. */
function* rowsOfOtherBots({ store, source, query }: Asked): IteratorObject<StoredSession, undefined> {
  for (const botId of store.bots()) {
    if (botId !== source) yield* store.select(botId, query.containmentType, query.fromMs, query.toMs).rows();
  }
}

type BrokenAs = Extract<ReadingFault, { kind: "broken-row" }>["as"];

function broken(row: Buffer, as: BrokenAs): Buffer {
  const session: Session = JSON.parse(row.toString());
  const { sessionId, start_time, ...rest } = session;
  const instead: Record<BrokenAs, unknown> = {
    "no-id": { start_time, ...rest },
    "null-id": { ...session, sessionId: null },
    "no-start": { sessionId, ...rest },
    "bad-start": { ...session, start_time: "yesterday, about noon" },
    null: null,
    string: `session ${String(sessionId)} is not available`,
  };
  return Buffer.from(JSON.stringify(instead[as]));
}

/** A call id and a tag may stand among the user's tags or the session's. */
function passes(session: Session, filter: SessionFilter): boolean {
  const { userId, sessionType, callId, tags = {} } = filter;
  if (userId !== undefined && session.userId !== userId) return false;
  if (sessionType !== undefined && session.sessionType !== sessionType) return false;
  const wanted = [...Object.entries(tags), ...(callId === undefined ? [] : [["callId", callId] as const])];
  if (wanted.length === 0) return true;
  const named = namedTags(session);
  return wanted.every(([name, value]) => named.some((tag) => tag.name === name && String(tag.value) === String(value)));
}
