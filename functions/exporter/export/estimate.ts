import { LONGEST_SPAN_MS } from "../kore/request.ts";
import { type Day, dayWindow, type Window } from "./calendar.ts";
import { requestsFor, SLICE_BUDGET } from "./read-day.ts";
import { askSize, type Reader } from "./totals.ts";

/** The question about a window reaches a millisecond further than the window, and has to stay below the longest span. */
const LONGEST_WINDOW_MS = LONGEST_SPAN_MS - 2;

/**
 * About how many sessions the source has on these days, in any order, asked with one request for each week or part of
 * one; null if the API gives no totals. A session at the border of two windows may count twice. Throws `ERR_KORE_…`.
 */
export async function estimateSessions(reader: Reader, days: readonly Day[], timeZone: string): Promise<number | null> {
  let sessions = 0;
  for (const window of longWindows(days, timeZone)) {
    const { size } = await askSize(reader, window);
    if (size === null) return null;
    sessions += size;
  }
  return sessions;
}

/** About how many requests it takes to archive these days: their pages, and what is asked to prove each of them. */
export function requestsForDays(sessions: number, days: number, pageSize: number): number {
  return requestsFor(sessions, Math.max(days, Math.ceil(sessions / SLICE_BUDGET)), pageSize);
}

/** The days' time in as few windows as the API answers about. */
function longWindows(days: readonly Day[], timeZone: string): Window[] {
  return joined(days.toSorted().map((day) => dayWindow(day, timeZone))).flatMap(({ from, to }) => {
    const count = Math.ceil((to - from) / LONGEST_WINDOW_MS);
    return Array.from({ length: count }, (_, index) => {
      const start = from + index * LONGEST_WINDOW_MS;
      return { from: start, to: Math.min(start + LONGEST_WINDOW_MS, to) };
    });
  });
}

/** Windows in order, those that touch made one. */
function joined(windows: readonly Window[]): Window[] {
  const spans: Window[] = [];
  for (const window of windows) {
    const last = spans.at(-1);
    if (last?.to === window.from) spans[spans.length - 1] = { from: last.from, to: window.to };
    else spans.push(window);
  }
  return spans;
}
