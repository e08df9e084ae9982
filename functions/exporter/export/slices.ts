import type { Window } from "./calendar.ts";

/** Halving stops here, however many sessions such a slice holds. */
const SHORTEST_SLICE_MS = 60_000;

/** A slice that is to be read, and how many sessions it is to hold; null: nobody knows. */
export interface PlannedSlice extends Window {
  readonly size: number | null;
}

/**
 * Cuts a window into slices of at most `budget` sessions each, as far as halving can, joins neighbours that fit into one,
 * and returns them in order.
 *
 * `size` is the number of sessions in the window, and `countIn` asks for it in a part of it (null: not known); it is
 * asked once per halving. The same sizes always give the same slices, so that a re-export meets the same files.
 */
export async function planSlices(
  window: Window,
  size: number,
  countIn: (part: Window) => Promise<number | null>,
  budget: number,
): Promise<PlannedSlice[]> {
  const joined: PlannedSlice[] = [];
  for (const slice of await halve(window, size, countIn, budget)) {
    const before = joined.at(-1);
    const size = (before?.size ?? 0) + slice.size;
    const fits = size <= budget || slice.size === 0;
    if (before !== undefined && fits) joined.splice(-1, 1, { from: before.from, to: slice.to, size });
    else joined.push(slice);
  }
  return joined;
}

async function halve(
  window: Window,
  size: number,
  countIn: (part: Window) => Promise<number | null>,
  budget: number,
): Promise<(Window & { readonly size: number })[]> {
  const half = Math.floor((window.to - window.from) / 2);
  if (size <= budget || half < SHORTEST_SLICE_MS) return [{ ...window, size }];
  const first = { from: window.from, to: window.from + half };
  const second = { from: first.to, to: window.to };
  const firstSize = Math.min((await countIn(first)) ?? Math.ceil(size / 2), size);
  return [
    ...(await halve(first, firstSize, countIn, budget)),
    ...(await halve(second, size - firstSize, countIn, budget)),
  ];
}
