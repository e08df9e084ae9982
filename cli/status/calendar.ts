import { styleText } from "node:util";
import type { DayStatus, SourceStatus } from "../../functions/exporter/export/archive-status.ts";
import { count } from "../amounts.ts";

type Days = SourceStatus["days"];
type Style = Parameters<typeof styleText>[0];

const MARKS: Readonly<Record<DayStatus, { readonly letter: string; readonly style: Style; readonly means: string }>> = {
  complete: { letter: "C", style: "green", means: "complete" },
  provisional: { letter: "p", style: "cyan", means: "provisional" },
  incomplete: { letter: "I", style: ["bgRed", "white"], means: "incomplete" },
  missing: { letter: "-", style: ["bgYellow", "black"], means: "missing" },
  unreadable: { letter: "?", style: ["bgMagenta", "white"], means: "damaged record" },
};

const DAYS = Array.from({ length: 31 }, (_, index) => index + 1);
const RULER_DAYS = [1, 5, 10, 15, 20, 25, 30];
/** A letter for each day but the last, with a space after each. */
const RULER_WIDTH = 2 * (DAYS.length - 1);

/** A line for each month and a letter for each day, with the month's sessions; 80 columns wide. */
export function calendar(days: Days, isColoured: boolean): string {
  const months = Map.groupBy(days, ({ dt }) => dt.slice(0, 7));
  const lines = [...months].map(([month, ofMonth]) => {
    const sessions = ofMonth.reduce((sum, { record }) => sum + (record?.archived.total ?? 0), 0);
    return `  ${month}  ${cells(ofMonth, isColoured)} ${count(sessions).padStart(7)}\n`;
  });
  return lines.length === 0 ? "" : `           ${ruler()} sessions\n${lines.join("")}`;
}

/** What the letters mean. */
export function legend(isColoured: boolean): string {
  const meanings = Object.values(MARKS).map(
    ({ letter, style, means }) => `${paint(letter, style, isColoured)} ${means}`,
  );
  return `${meanings.join(", ")}\n`;
}

function cells(days: Days, isColoured: boolean): string {
  const statuses = new Map(days.map(({ dt, status }) => [Number(dt.slice(8)), MARKS[status]]));
  const marks = DAYS.map((day) => {
    const mark = statuses.get(day);
    return mark === undefined ? " " : paint(mark.letter, mark.style, isColoured);
  });
  return marks.join(" ");
}

function paint(text: string, style: Style, isColoured: boolean): string {
  return isColoured ? styleText(style, text, { validateStream: false }) : text;
}

/** Numbers of days above their letters. */
function ruler(): string {
  const line = Array.from({ length: RULER_WIDTH }, () => " ");
  for (const day of RULER_DAYS) for (const [at, digit] of [...String(day)].entries()) line[2 * (day - 1) + at] = digit;
  return line.join("");
}
