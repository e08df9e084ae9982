import {
  type PersonalDataDays,
  personalDataDays,
  type SourceStatus,
} from "../functions/exporter/export/archive-status.ts";
import { addDays } from "../functions/exporter/export/calendar.ts";

/** Stretches of days that a line names. */
const MOST_STRETCHES = 5;

/**
 * Which days were archived under which rules for personal data, if they are not the same everywhere, or not those of
 * `wanted` (null: not known). Else empty.
 */
export function personalDataLines(sources: readonly SourceStatus[], wanted: string | null): string {
  const found = personalDataDays(sources);
  const spellings = new Set([...found.map(({ spelling }) => spelling), ...(wanted === null ? [] : [wanted])]);
  if (found.length === 0 || spellings.size < 2) return "";
  const setting = wanted === null ? "" : ` (KORE_PII says ${wanted})`;
  return `Rules for personal data that the days were archived under${setting}:\n${found.map(lineOf).join("")}${HELP}`;
}

const HELP = "A day is archived anew under other rules by exporting it again: see docs/personal-data.md.\n";

function lineOf({ source, spelling, days }: PersonalDataDays): string {
  const stretches = stretchesOf(days);
  const named = stretches.slice(0, MOST_STRETCHES).join(", ");
  const rest = stretches.length > MOST_STRETCHES ? `, and ${stretches.length - MOST_STRETCHES} more` : "";
  return `  ${source}  ${spelling}: ${named}${rest}\n`;
}

/** Days that follow each other, as `first to last`. */
function stretchesOf(days: PersonalDataDays["days"]): string[] {
  const stretches: [first: string, last: string][] = [];
  for (const day of days) {
    const current = stretches.at(-1);
    if (current !== undefined && addDays(current[1], 1) === day) current[1] = day;
    else stretches.push([day, day]);
  }
  return stretches.map(([first, last]) => (first === last ? first : `${first} to ${last}`));
}
