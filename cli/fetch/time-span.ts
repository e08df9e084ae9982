import { Temporal } from "temporal-polyfill";
import { addDays, dayWindow, isDay, type Window } from "../../functions/exporter/export/calendar.ts";
import { LONGEST_SPAN_MS } from "../../functions/exporter/kore/request.ts";

/** The question about a window reaches a millisecond further than the window, and has to stay below the longest span. */
const LONGEST_WINDOW_MS = LONGEST_SPAN_MS - 2;

/** When sessions are to have started; an end that is not given is the API's own default. */
export interface TimeSpanOptions {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/**
 * The span that the options name: days with both ends included, in the zone given, or instants, the last of which is not
 * included. Without `to` it ends now; without `from` it begins seven days earlier.
 * Source: `dateFrom` and `dateTo` under "Request Body Parameters" of Kore's page for the defaults.
 *
 * Throws an `Error` with a sentence for people.
 */
export function readTimeSpan({ from, to }: TimeSpanOptions, timeZone: string, nowMs: number): Window {
  const end = to === undefined ? nowMs : instantOf("--to", to, timeZone, 1);
  const start = from === undefined ? end - LONGEST_SPAN_MS : instantOf("--from", from, timeZone, 0);
  if (start < end) return { from: start, to: end };
  const before = to === undefined ? "the present" : `--to ${to}`;
  throw new Error(`--from ${from} does not lie before ${before}; give an earlier one.`);
}

/** The start of a day, or of the day so many days later; or an instant. */
function instantOf(option: string, text: string, timeZone: string, daysLater: number): number {
  if (isDay(text)) return dayWindow(addDays(text, daysLater), timeZone).from;
  try {
    return Temporal.Instant.from(text).epochMilliseconds;
  } catch {
    const help = "give a day that exists, as yyyy-mm-dd, or an instant with its offset, as 2026-01-02T03:00:00Z.";
    throw new Error(`${option} is "${text}"; ${help}`);
  }
}

/** The span in as few windows of one length as the API answers about, the newest first. */
export function windowsOf({ from, to }: Window): Window[] {
  const count = Math.ceil((to - from) / LONGEST_WINDOW_MS);
  const border = (index: number) => from + Math.round(((to - from) * index) / count);
  return Array.from({ length: count }, (_, index) => ({ from: border(index), to: border(index + 1) })).reverse();
}
