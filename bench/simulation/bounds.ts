import type { Outcome, SourceAccount } from "./account.ts";
import type { DayCost } from "./single-days.ts";

/** A figure that must not be larger than another. */
export interface Bound {
  readonly what: string;
  readonly value: number;
  readonly most: number;
}

/** Requests over full pages, of a day of 30,000 sessions or more. */
export const MOST_REQUEST_RATIO = 1.06;
/** Time over what the quota needs for the requests that were sent. */
export const MOST_TIME_RATIO = 1.05;

/** True if the bound holds. */
export function holds({ value, most }: Bound): boolean {
  return value <= most;
}

/** The costliest of several days, in requests over full pages. */
export function worstOf(costs: readonly DayCost[]): DayCost {
  return costs.reduce((worst, cost) => (ratioOf(cost) > ratioOf(worst) ? cost : worst));
}

/** Requests over full pages. */
export function ratioOf({ requests, fewest }: Pick<DayCost | SourceAccount, "requests" | "fewest">): number {
  return requests / fewest;
}

/** Requests over full pages for a day of so many sessions. */
export function requestBound(sessions: number, costs: readonly DayCost[]): Bound {
  const worst = worstOf(costs);
  const what = `requests over full pages, a day of ${sessions.toLocaleString("en")} (${worst.shape})`;
  return { what, value: ratioOf(worst), most: MOST_REQUEST_RATIO };
}

/** The longest of the sources' floors, be it for the requests they sent or for the fewest possible. */
export function longestFloorMs(accounts: readonly SourceAccount[], of: "floorMs" | "fewestFloorMs"): number {
  return Math.max(...accounts.map((account) => account[of]));
}

/** Time over the least that the source with the most requests needs: the others are read beside it. */
export function timeBound(name: string, { accounts, wallMs }: Outcome): Bound {
  const value = wallMs / longestFloorMs(accounts, "floorMs");
  return { what: `time over the quota's floor, ${name}`, value, most: MOST_TIME_RATIO };
}
