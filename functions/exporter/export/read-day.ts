import type { Problem } from "../archive/ledger.ts";
import { CONTAINMENT_TYPES } from "../contract.ts";
import { type BuiltSlice, buildSlice, type RejectedRow } from "./build-slice.ts";
import type { Window } from "./calendar.ts";
import { readSlice } from "./read-slice.ts";
import { nameOf, onePerCode } from "./reconcile.ts";
import type { Room } from "./room.ts";
import { planSlices } from "./slices.ts";
import { askSize, askTotal, askTotals, LISTS, type ListName, type Reader, type Total, type Totals } from "./totals.ts";

/** Sessions that a slice holds at most: a few minutes of Kore's quota, and less than 100 MB of memory. */
export const SLICE_BUDGET = 30_000;

/** How often slices whose totals moved, while other slices were read, are read again. */
const MOST_ROUNDS = 2;

/** A day as it was read: its slices' parts lie in the scratch folder. */
export interface DayReading {
  readonly slices: readonly BuiltSlice[];
  /** The API's totals for the whole day, asked after its last slice. */
  readonly reported: Totals;
  /** Each rejected row once, whichever slices returned it. */
  readonly rejected: readonly RejectedRow[];
  readonly problems: readonly Problem[];
}

export interface DayReader extends Reader {
  readonly sliceBudget: number;
  readonly room: Room;
  /** Hears how many sessions the API promises, once it said so. */
  readonly onExpected?: (sessions: number) => void;
}

/** Reads a day slice by slice, and proves that the slices add up to what the API reports for the whole of it. */
export async function readDay(reader: DayReader, day: Window, scratch: string): Promise<DayReading> {
  const opening = await askSize(reader, day);
  if (opening.size !== null) reader.onExpected?.(opening.size);
  const countIn = async (part: Window) => (await askSize(reader, part)).size;
  const windows = opening.size === null ? [day] : await planSlices(day, opening.size, countIn, reader.sliceBudget);
  if (opening.size !== null) reader.client.expect(requestsFor(opening.size, windows.length, reader.pageSize));
  const build = async (window: Window, index: number) => {
    const known = windows.length === 1 || opening.all === "refused";
    const all = known ? opening.all : await askTotal(reader, "all", window);
    // Without a total nobody knows how much comes.
    const sessions = all === null ? Number.POSITIVE_INFINITY : all === "refused" ? reader.sliceBudget : all;
    return reader.room.run(sessions, async () => buildSlice(await readSlice(reader, window, all), index, scratch));
  };
  const slices: BuiltSlice[] = [];
  for (const [index, window] of windows.entries()) slices.push(await build(window, index));
  const [only] = slices;
  if (windows.length === 1 && only !== undefined) return dayReading(slices, only.totals);
  const askAll = (window: Window) => askTotals(reader, window, opening.all !== "refused");
  return dayReading(slices, await settle(slices, windows, day, askAll, build));
}

/** About how many requests a day costs: its pages, what is asked before and after each slice, and for the day. */
function requestsFor(sessions: number, slices: number, pageSize: number): number {
  const partlyFilledPages = CONTAINMENT_TYPES.length * slices;
  return Math.ceil(sessions / pageSize) + partlyFilledPages + 5 * slices + 4;
}

/**
 * Asks for the totals of the whole day. If proven slices do not add up to them, some have changed while others were
 * read: those whose totals moved are read again, in place, and so are slices that hold the same session. Returns the
 * day's last totals.
 */
async function settle(
  slices: BuiltSlice[],
  windows: readonly Window[],
  day: Window,
  askAll: (window: Window) => Promise<Totals>,
  build: (window: Window, index: number) => Promise<BuiltSlice>,
): Promise<Totals> {
  let reported = await askAll(day);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const proven = slices.every((slice) => slice.problems.length === 0);
    const shared = slicesThatShare(slices);
    if (shared.size === 0 && (!proven || mismatches(slices, reported, shared).length === 0)) return reported;
    for (const [index, window] of windows.entries()) {
      const moved = proven && !sameTotals(await askAll(window), slices[index]?.totals);
      if (moved || shared.has(index)) slices[index] = await build(window, index);
    }
    reported = await askAll(day);
  }
  return reported;
}

function sameTotals(one: Totals, other: Totals | undefined): boolean {
  return LISTS.every((list) => one[list] === other?.[list]);
}

function dayReading(slices: readonly BuiltSlice[], reported: Totals): DayReading {
  const rejected = uniqueRejected(slices);
  const counted = rejected.filter((row) => row.counted).length;
  const problems = problemsOf(slices, reported);
  if (reported.all === "refused") {
    const message = "The API does not count without a containment type; the three types are taken to be all there is.";
    problems.push({ code: "ERR_UNFILTERED_REFUSED", message });
  }
  if (counted > 0) {
    const message = `${counted} sessions have no usable id or start time; they are kept under rejected/ only.`;
    problems.push({ code: "ERR_ROWS_REJECTED", message });
  }
  return { slices, reported, rejected, problems };
}

/** Why the day is not proven complete; empty if it is. */
function problemsOf(slices: readonly BuiltSlice[], reported: Totals): Problem[] {
  const problems = onePerCode(slices.flatMap((slice) => slice.problems));
  if (problems.length > 0 || slices.length === 1) return problems;
  return mismatches(slices, reported, slicesThatShare(slices));
}

/** In what several slices are not the day. One slice is the day, and was weighed by itself. */
function mismatches(slices: readonly BuiltSlice[], reported: Totals, shared: ReadonlySet<number>): Problem[] {
  const twice = `${shared.size} slices hold sessions that other slices hold, too: their start time moved.`;
  const double: Problem[] = shared.size === 0 ? [] : [{ code: "ERR_NOT_RECONCILED", message: twice }];
  return [...double, ...LISTS.flatMap((list) => mismatch(slices, list, reported[list]))];
}

function mismatch(slices: readonly BuiltSlice[], list: ListName, total: Total): Problem[] {
  if (total === "refused") return [];
  if (slices.some((slice) => slice.totals[list] === "refused")) {
    const message = `${nameOf(list)}: the API counted the day, but refused to count some of its slices.`;
    return [{ code: "ERR_NOT_RECONCILED", message }];
  }
  const sum = sumOf(slices, list);
  if (total === sum) return [];
  const message = `${nameOf(list)}: the API reports ${total ?? "no total"} for the day, its slices add up to ${sum}.`;
  return [{ code: total === null ? "ERR_TOTALS_MISSING" : "ERR_NOT_RECONCILED", message }];
}

/** Indexes of slices that hold a session which another one holds, too. Eight bytes a session, whatever its id. */
function slicesThatShare(slices: readonly BuiltSlice[]): Set<number> {
  const all = new BigUint64Array(slices.reduce((count, { ids }) => count + ids.length, 0));
  let at = 0;
  for (const { ids } of slices) {
    all.set(ids, at);
    at += ids.length;
  }
  all.sort();
  const twice = new Set(all.filter((id, index) => index > 0 && all[index - 1] === id));
  return new Set(
    slices.flatMap(({ ids }, index) => (twice.size > 0 && ids.some((id) => twice.has(id)) ? [index] : [])),
  );
}

/** The day's total of a list according to its slices: neighbours' rows between slices count once. */
function sumOf(slices: readonly BuiltSlice[], list: ListName): number {
  let sum = 0;
  for (const [index, slice] of slices.entries()) {
    sum += Number(slice.totals[list]);
    if (index > 0) sum -= slice.before[list];
    if (index < slices.length - 1) sum -= slice.after[list];
  }
  return sum - repeatedRejections(slices, list);
}

/** A row without a start time may come with every slice, and be counted in each. */
function repeatedRejections(slices: readonly BuiltSlice[], list: ListName): number {
  const inList = slices.flatMap((slice) =>
    slice.rejected.filter((row) => row.counted && (list === "all" || row.type === list)),
  );
  return inList.length - new Set(inList.map((row) => row.raw)).size;
}

function uniqueRejected(slices: readonly BuiltSlice[]): RejectedRow[] {
  const byText = new Map(slices.flatMap((slice) => slice.rejected).map((row) => [row.raw, row]));
  return [...byText.values()];
}
