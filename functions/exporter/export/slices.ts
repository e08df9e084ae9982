import type { Window } from "./calendar.ts";

/** Halving stops here, however many sessions such a slice holds. */
const SHORTEST_SLICE_MS = 60_000;

/** A slice that is to be read, and how many sessions it is to hold; null: nobody knows. */
export interface PlannedSlice extends Window {
  readonly size: number | null;
}

/**
 * Cuts a window into slices of at most `budget` sessions each, as far as halving can, and returns them in order.
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
  const half = Math.floor((window.to - window.from) / 2);
  if (size <= budget || half < SHORTEST_SLICE_MS) return [{ ...window, size }];
  const first = { from: window.from, to: window.from + half };
  const second = { from: first.to, to: window.to };
  const firstSize = Math.min((await countIn(first)) ?? Math.ceil(size / 2), size);
  return [
    ...(await planSlices(first, firstSize, countIn, budget)),
    ...(await planSlices(second, size - firstSize, countIn, budget)),
  ];
}
