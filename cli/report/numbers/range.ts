import { addDays, type Day } from "../../../functions/exporter/export/calendar.ts";
import type { DayRange } from "../../status/report.ts";
import type { SourceSummary } from "../../status/source-summary.ts";
import type { ReportRange } from "./numbers.ts";

/** Months that are looked at if nobody says which days. */
const MONTHS = 12;

/**
 * The days to report on: those asked for, as far as the archive has been told of them; without a first day, the twelve
 * months up to the last one. Null if the archive knows none of them.
 */
export function reportRange(sources: readonly SourceSummary[], asked: DayRange): ReportRange | null {
  const known = sources.flatMap(({ days }) => days.map(({ dt }) => dt)).sort();
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) return null;
  const to = earlier(asked.to ?? last, last);
  const from = later(asked.from ?? monthsBefore(to), first);
  return from <= to ? { from, to } : null;
}

/** The day after which twelve months end on this one. */
function monthsBefore(day: Day): Day {
  const [year = 0, month = 1, dayOfMonth = 1] = addDays(day, 1).split("-").map(Number);
  return new Date(Date.UTC(year, month - 1 - MONTHS, dayOfMonth)).toISOString().slice(0, 10);
}

function earlier(one: Day, other: Day): Day {
  return one < other ? one : other;
}

function later(one: Day, other: Day): Day {
  return one > other ? one : other;
}
