import type { Random } from "../../demo/stand-in/random.ts";

/** Returns one of a list's members. Throws a `RangeError` if it has none. */
export function pick<T>(random: Random, list: readonly T[]): T {
  const [first, ...rest] = list;
  if (first === undefined) throw new RangeError("there is nothing to pick from");
  return random.pick([first, ...rest]);
}
