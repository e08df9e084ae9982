import type { Window } from "./calendar.ts";
import { type Opening, type Reading, readOnce } from "./reading.ts";
import { type Reconciled, weigh } from "./reconcile.ts";
import type { Reader } from "./totals.ts";

const MOST_READINGS = 3;

/**
 * Reads a slice until a reading reconciles, at most three times, and says what is held. The set may shift while it is
 * read (new sessions come first in the list); a reading that reconciles stands alone, since a session can also
 * disappear.
 */
export async function readSlice(reader: Reader, slice: Window, opening: Opening): Promise<Reconciled> {
  const first = await readOnce(reader, slice, opening);
  const readings: [Reading, ...Reading[]] = [first];
  let reconciled = weigh(readings);
  while (reconciled.problems.length > 0 && readings.length < MOST_READINGS) {
    const { all } = reconciled.last.closing;
    // An API that counted before, and refuses now, is not one that never counts.
    const next = await readOnce(reader, slice, all === "refused" ? opening : all);
    readings.push(next);
    reconciled = weigh([next]);
  }
  return reconciled.problems.length === 0 ? reconciled : weigh(readings);
}
