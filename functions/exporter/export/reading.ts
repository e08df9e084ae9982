import { CONTAINMENT_TYPES, type ContainmentType, type PartitionType, UNCLASSIFIED } from "../contract.ts";
import { readList } from "../kore/paging.ts";
import type { WireSession } from "../kore/wire.ts";
import type { Window } from "./calendar.ts";
import { judge, type Sight } from "./sight.ts";
import { askTotals, type ListName, listQuery, type Reader, type Total, type Totals } from "./totals.ts";

/** Rows that are read at most of a list whose total is missing or far too low: it could not be sliced to fit memory. */
const MOST_ROWS = 100_000;

/** One list of a slice, read to its end. */
export interface ListReading {
  /** What was seen, by key; the latest sight of a session. */
  readonly sights: ReadonlyMap<string, Sight>;
  readonly rows: number;
  /** Every total its pages gave. */
  readonly totals: ReadonlySet<number | null>;
}

/** The unfiltered total before a reading, or that it was not asked for. */
export type Opening = Total | "unasked";

/** A slice, read once: its lists, and the totals that the API gave afterwards. */
export interface Reading {
  readonly lists: ReadonlyMap<ListName, ListReading>;
  /** What the lists of the three types hold between them, by key. */
  readonly typed: ReadonlyMap<string, Held>;
  readonly opening: Opening;
  readonly closing: Totals;
}

/** A held session, and the containment type it is archived under. */
export interface Held {
  readonly sight: Sight;
  readonly type: PartitionType;
}

/**
 * Reads a slice once: the three types, and also without a type if the unfiltered total promises sessions that none of
 * them returned; then asks for the totals. Where no total was asked for before, these tell, and are asked for again.
 */
export async function readOnce(reader: Reader, slice: Window, opening: Opening): Promise<Reading> {
  const lists = new Map<ListName, ListReading>();
  for (const type of CONTAINMENT_TYPES) lists.set(type, await readWholeList(reader, slice, type));
  const typed = heldByType([{ lists }]);
  const different = countHeld(typed.values());
  const readAllIf = async (total: Total): Promise<boolean> => {
    if (typeof total !== "number" || different >= total) return false;
    lists.set("all", await readWholeList(reader, slice, "all"));
    return true;
  };
  if (opening !== "unasked") await readAllIf(opening);
  const closing = await askTotals(reader, slice, opening !== "refused");
  if (opening !== "unasked" || !(await readAllIf(closing.all))) return { lists, typed, opening, closing };
  return { lists, typed, opening: closing.all, closing: await askTotals(reader, slice, true) };
}

async function readWholeList(reader: Reader, slice: Window, list: ListName): Promise<ListReading> {
  const sights = new Map<string, Sight>();
  const take = (sessions: readonly WireSession[]): number => {
    reader.onReceived?.(sessions.length);
    let met = 0;
    for (const session of sessions) {
      const sight = judge(session, reader.source, slice);
      if (sight.kind !== "stray" && !sights.has(sight.key)) met++;
      sights.set(sight.key, sight);
    }
    return met;
  };
  const { rows, totals } = await readList(
    reader.api,
    listQuery(list, slice),
    reader.pageSize,
    MOST_ROWS,
    take,
    reader.signal,
  );
  return { sights, rows, totals };
}

/**
 * Everything that the readings hold between them, by key. A later sight replaces an earlier one; a session that only
 * an unfiltered list returned goes to its own containment type if that is one of the three, else to `unclassified`.
 */
export function holdings(readings: readonly Pick<Reading, "lists" | "typed">[]): ReadonlyMap<string, Held> {
  const [only] = readings;
  if (readings.length === 1 && only !== undefined && !only.lists.has("all")) return only.typed;
  const held = heldByType(readings);
  for (const { lists } of readings) {
    for (const [key, sight] of lists.get("all")?.sights ?? []) {
      const known = held.get(key);
      if (known === undefined || known.type === UNCLASSIFIED) held.set(key, { sight, type: ownType(sight) });
    }
  }
  return held;
}

function heldByType(readings: readonly Pick<Reading, "lists">[]): Map<string, Held> {
  const held = new Map<string, Held>();
  for (const { lists } of readings) {
    for (const type of CONTAINMENT_TYPES) {
      for (const [key, sight] of lists.get(type)?.sights ?? []) held.set(key, { sight, type });
    }
  }
  return held;
}

/** How many of these the API's totals count: all but strays. */
export function countHeld(held: Iterable<Held>): number {
  let count = 0;
  for (const { sight } of held) if (sight.kind !== "stray") count++;
  return count;
}

function ownType(sight: Sight): PartitionType {
  if (sight.kind === "edge") return UNCLASSIFIED;
  const value = sight.kind === "session" ? sight.session.value : (JSON.parse(sight.raw) as unknown);
  const own = (value as { containmentType?: unknown } | null)?.containmentType;
  const type = CONTAINMENT_TYPES.find(
    (known: ContainmentType) => typeof own === "string" && known.toLowerCase() === own.toLowerCase(),
  );
  return type ?? UNCLASSIFIED;
}
