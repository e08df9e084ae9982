import type { Distribution } from "./numbers.ts";

/**
 * Bins from each edge to the next one, the last without an end. `counts` has the sessions of each bin by its index, and
 * of unknown values under null.
 */
export function distributionOf(
  edges: readonly number[],
  counts: ReadonlyMap<number | null, number>,
  median: number | null,
): Distribution {
  const bins = edges.map((from, index) => ({ from, to: edges[index + 1] ?? null, sessions: counts.get(index) ?? 0 }));
  return { bins, median, unknown: counts.get(null) ?? 0 };
}
