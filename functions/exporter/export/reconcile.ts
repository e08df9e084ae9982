import type { Problem } from "../archive/ledger.ts";
import { CONTAINMENT_TYPES } from "../contract.ts";
import { countHeld, type Held, holdings, type ListReading, type Reading } from "./reading.ts";
import { LISTS, type ListName, type Total } from "./totals.ts";

/** What a slice's readings add up to. */
export interface Reconciled {
  /** The last of the readings that the slice's sessions are taken from. */
  readonly last: Reading;
  readonly held: ReadonlyMap<string, Held>;
  /** Why the slice is not proven complete; empty if it is. */
  readonly problems: readonly Problem[];
}

/**
 * Weighs the readings of a slice: one by itself, or several that did not reconcile one by one.
 *
 * A reading proves the slice complete if every list's total stayed the same from its first page to the closing
 * requests and equals the different sessions held (those set aside for want of an id included), and nothing came that
 * was not asked for. Several prove it under the same rule for what they hold between them: then totals never moved, and
 * only the order of the pages was unsteady.
 */
export function weigh(readings: readonly [Reading, ...Reading[]]): Reconciled {
  const held = holdings(readings);
  const last = readings.at(-1) ?? readings[0];
  const problems = [
    ...strays(held),
    ...LISTS.flatMap((list) => unsteadyTotal(list, totalsSeen(readings, list))),
    ...LISTS.flatMap((list) => missing(list, last.closing[list], countOf(list, readings, held))),
  ];
  return { last, held, problems: onePerCode(problems) };
}

function strays(held: ReadonlyMap<string, Held>): Problem[] {
  const count = held.size - countHeld(held.values());
  if (count === 0) return [];
  const message = `${count} rows came that were not asked for (outside the window, or of another bot); see rejected/.`;
  return [{ code: "ERR_WINDOW_IGNORED", message }];
}

function unsteadyTotal(list: ListName, seen: ReadonlySet<Total>): Problem[] {
  if (seen.size === 1 && !seen.has(null)) return [];
  if (seen.has(null)) {
    return [{ code: "ERR_TOTALS_MISSING", message: `${nameOf(list)}: the API gave no usable total.` }];
  }
  const message = `${nameOf(list)}: the total moved while it was read (${[...seen].join(", ")}).`;
  return [{ code: "ERR_NOT_RECONCILED", message }];
}

function missing(list: ListName, total: Total, held: number): Problem[] {
  if (typeof total !== "number" || total === held) return [];
  const message = `${nameOf(list)}: the API reports ${total} sessions, ${held} were read.`;
  return [{ code: "ERR_NOT_RECONCILED", message }];
}

function totalsSeen(readings: readonly Reading[], list: ListName): Set<Total> {
  const seen = new Set<Total>();
  for (const { lists, opening, closing } of readings) {
    for (const total of lists.get(list)?.totals ?? []) seen.add(total);
    seen.add(closing[list]);
    if (list === "all" && opening !== "unasked") seen.add(opening);
  }
  return seen;
}

/** Different rows of a list, strays left out: as the one reading's list had them, or of several by their latest type. */
function countOf(list: ListName, readings: readonly Reading[], held: ReadonlyMap<string, Held>): number {
  if (list === "all") return countHeld(held.values());
  const [only] = readings;
  if (readings.length === 1 && only !== undefined) return countSights(only.lists.get(list));
  return countHeld([...held.values()].filter(({ type }) => type === list));
}

/** Different rows of a list that the API's total counts. */
function countSights(list: ListReading | undefined): number {
  let count = 0;
  for (const sight of list?.sights.values() ?? []) if (sight.kind !== "stray") count++;
  return count;
}

/** Rows that were received more often than once within the types' lists of a reading. */
export function countDuplicates(reading: Reading): number {
  const rows = CONTAINMENT_TYPES.reduce((sum, type) => sum + (reading.lists.get(type)?.rows ?? 0), 0);
  return rows - reading.typed.size;
}

/** A list as messages name it. */
export function nameOf(list: ListName): string {
  return list === "all" ? "without a containment type" : list;
}

/** Messages of one code that are told in full. */
const MOST_MESSAGES = 5;

/** One problem for each code, with the messages of all, or of the first few. */
export function onePerCode(problems: readonly Problem[]): Problem[] {
  return [...Map.groupBy(problems, ({ code }) => code)].map(([code, all]) => {
    const told = all.slice(0, MOST_MESSAGES).map(({ message }) => message);
    const more = all.length > MOST_MESSAGES ? [`And ${all.length - MOST_MESSAGES} more like these.`] : [];
    return { code, message: [...told, ...more].join(" ") };
  });
}
