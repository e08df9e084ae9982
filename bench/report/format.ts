import type { Spread } from "../bench-case.ts";

/** Enough digits to compare: three for small values, whole numbers with separators for large ones. */
export function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

/** Median, and in parentheses the least and the largest where they can be told from it. */
export function spreadText({ median, min, max }: Spread, show: (value: number) => string = figure): string {
  const middle = show(median);
  const [least, most] = [show(min), show(max)];
  return least === middle && most === middle ? middle : `${middle} (${least}–${most})`;
}

/** Microseconds, in the unit in which the median is easiest to read. */
export function durationText({ median, min, max }: Spread): string {
  const [unit, microseconds] = UNITS.find(([, size]) => median < 1_000 * size) ?? ["s", 1e6];
  const inUnit = { median: median / microseconds, min: min / microseconds, max: max / microseconds };
  return spreadText(inUnit, (value) => `${figure(value)} ${unit}`).replaceAll(` ${unit}–`, "–");
}

const UNITS = [
  ["µs", 1],
  ["ms", 1_000],
] as const;

/** A number of things, such as "1 round" or "30,000 rows". */
export function countOf(count: number, thing: string): string {
  return `${count.toLocaleString("en")} ${thing}${count === 1 ? "" : "s"}`;
}

/** A ratio to the first contender. */
export function ratio(value: number): string {
  return value.toFixed(2);
}
