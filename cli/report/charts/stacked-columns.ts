import { PARTITION_TYPES } from "../../../functions/exporter/contract.ts";
import { count } from "../../amounts.ts";
import type { DaySessions } from "../numbers/numbers.ts";
import { type Period, typesOf } from "../numbers/periods.ts";
import { shortDate, stackedTypes, TYPE_NAMES } from "../words.ts";
import { amountAxis, nameAxis } from "./axes.ts";
import { type Drawing, drawChart, FULL, type Width } from "./draw.ts";
import { INK } from "./palette.ts";

/** Sessions of the average day of each period, stacked by containment type. */
export function sessionsChart(periods: readonly Period<DaySessions>[]): string {
  return drawChart("sessions", FULL, (width) => sessionsDrawing(periods, width));
}

function sessionsDrawing(periods: readonly Period<DaySessions>[], { units, name }: Width): Drawing {
  const sums = periods.map((period) => ({ types: typesOf(period), days: period.days.length }));
  const all = Object.fromEntries(
    PARTITION_TYPES.map((type) => [type, sums.reduce((sum, { types }) => sum + types[type], 0)]),
  ) as Parameters<typeof stackedTypes>[0];
  const isRoomy = units / periods.length > 9;
  const series = stackedTypes(all).map((type) => ({
    type: "bar" as const,
    name: TYPE_NAMES[type],
    stack: "sessions",
    silent: true,
    barCategoryGap: isRoomy ? "22%" : "8%",
    itemStyle: { color: INK[type], borderColor: INK.paper, borderWidth: isRoomy ? 1 : 0 },
    // Nothing is drawn of a type without sessions, not even its edge.
    data: sums.map(({ types, days }) => (types[type] === 0 ? null : types[type] / days)),
  }));
  const option = {
    grid: { left: 52, right: 8, top: 12, bottom: 28 },
    xAxis: nameAxis(
      periods.map(({ from }) => shortDate(from)),
      name === "narrow" ? 5 : units / 80,
    ),
    yAxis: amountAxis(count, { minInterval: 1 }),
    series,
  };
  return { option, height: name === "narrow" ? 240 : 300 };
}
