import type { Problem } from "../archive/ledger.ts";
import { CONTAINMENT_TYPES } from "../contract.ts";
import type { BuiltSlice, RejectedRow } from "./build-slice.ts";
import type { Window } from "./calendar.ts";
import { readSlice } from "./read-slice.ts";
import { nameOf, onePerCode } from "./reconcile.ts";
import { type PlannedSlice, planSlices } from "./slices.ts";
import { askSize, askTotals, LISTS, type ListName, type Reader, type Total, type Totals } from "./totals.ts";
import type { DayWork } from "./work.ts";

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

/** How a day is cut: where each slice begins, in milliseconds from the day's start, and its size if that is known. */
interface DayPlan {
  /** The unfiltered total of the day. */
  readonly all: Total;
  readonly slices: readonly (readonly [offsetMs: number, size: number | null])[];
}

/**
 * Reads a day slice by slice, until the slices add up to what the API reports for the whole of it or no further reading
 * is worth it. Returns the day's totals as asked after the last slice; null if the day is one slice, which has them.
 */
export async function readDay(work: DayWork, day: Window, sliceBudget: number): Promise<Totals | null> {
  const plan = await work.ask("plan", (reader) => planDay(reader, day, sliceBudget));
  const slices = plannedSlices(plan, day);
  const opening = slices.length === 1 || plan.all === "refused" ? plan.all : "unasked";
  const read = async (index: number, round: number) => {
    const { size, ...window } = slices[index] ?? { ...day, size: null };
    await work.slice({ index, round, size }, (reader) => readSlice(reader, window, opening));
  };
  for (const index of slices.keys()) await read(index, 0);
  if (slices.length === 1) return null;
  for (let round = 1; ; round++) {
    const { reported, again } = await work.ask(`settle ${round}`, async (reader) => {
      const askAll = (window: Window) => askTotals(reader, window, plan.all !== "refused");
      const reported = await askAll(day);
      const again = round > MOST_ROUNDS ? [] : await unsettled(await work.slices(), slices, reported, askAll);
      return { reported, again };
    });
    if (again.length === 0) return reported;
    for (const index of again) await read(index, round);
  }
}

/** Asks how much the day holds, and cuts it accordingly. */
async function planDay(reader: Reader, day: Window, sliceBudget: number): Promise<DayPlan> {
  const { all, size } = await askSize(reader, day);
  if (size === null) return { all, slices: [[0, null]] };
  reader.onExpected?.(size);
  const slices = await planSlices(day, size, async (part) => (await askSize(reader, part)).size, sliceBudget);
  reader.api.expect(requestsFor(size, slices.length, reader.pageSize));
  return { all, slices: slices.map((slice) => [slice.from - day.from, slice.size]) };
}

/** About how many requests a day costs: its pages, what is asked before and after each slice, and for the day. */
export function requestsFor(sessions: number, slices: number, pageSize: number): number {
  const partlyFilledPages = CONTAINMENT_TYPES.length * slices;
  return Math.ceil(sessions / pageSize) + partlyFilledPages + 5 * slices + 4;
}

function plannedSlices(plan: DayPlan, day: Window): PlannedSlice[] {
  const starts = plan.slices.map(([offsetMs]) => day.from + offsetMs);
  return plan.slices.map(([, size], index) => {
    return { from: starts[index] ?? day.from, to: starts[index + 1] ?? day.to, size };
  });
}

/**
 * The slices to read again. If proven slices do not add up to the day's totals, some have changed while others were
 * read: those whose totals moved, and those that hold a session which another one holds, too.
 */
async function unsettled(
  slices: readonly BuiltSlice[],
  windows: readonly Window[],
  reported: Totals,
  askAll: (window: Window) => Promise<Totals>,
): Promise<number[]> {
  const proven = slices.every((slice) => slice.problems.length === 0);
  const shared = slicesThatShare(slices);
  if (shared.size === 0 && (!proven || mismatches(slices, reported, shared).length === 0)) return [];
  const again: number[] = [];
  for (const [index, { from, to }] of windows.entries()) {
    const moved = proven && !sameTotals(await askAll({ from, to }), slices[index]?.totals);
    if (moved || shared.has(index)) again.push(index);
  }
  return again;
}

function sameTotals(one: Totals, other: Totals | undefined): boolean {
  return LISTS.every((list) => one[list] === other?.[list]);
}

/** What the slices are together. `reported` is what `readDay` returned for them. */
export function dayReading(slices: readonly BuiltSlice[], reported: Totals | null): DayReading {
  const [only] = slices;
  const totals = reported ?? only?.totals;
  if (totals === undefined) throw new TypeError("a day has at least one slice");
  return weighedDay(slices, totals);
}

function weighedDay(slices: readonly BuiltSlice[], reported: Totals): DayReading {
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
