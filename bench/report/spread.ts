import type { Spread } from "../bench-case.ts";

/** Median, least and largest of some values, not none. */
export function spread(values: readonly number[]): Spread {
  const ascending = values.toSorted((one, other) => one - other);
  const at = (index: number) => ascending[index] ?? Number.NaN;
  const last = ascending.length - 1;
  return { median: (at(Math.floor(last / 2)) + at(Math.ceil(last / 2))) / 2, min: at(0), max: at(last) };
}
