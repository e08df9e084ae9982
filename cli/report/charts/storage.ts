import { size } from "../../amounts.ts";
import type { DayBytes } from "../numbers/numbers.ts";
import type { Period } from "../numbers/periods.ts";
import { shortDate } from "../words.ts";
import { amountAxis, nameAxis } from "./axes.ts";
import { type Drawing, drawChart, FONT_SIZE, HALF, type Width } from "./draw.ts";
import { INK } from "./palette.ts";

/** Bytes of the whole archive at the end of each period, and below them those of its average day. */
export function storageChart(periods: readonly Period<DayBytes>[]): string {
  return drawChart("storage", HALF, (width) => storageDrawing(periods, width));
}

function storageDrawing(periods: readonly Period<DayBytes>[], { units, name }: Width): Drawing {
  const labels = periods.map(({ from }) => shortDate(from));
  const most = name === "narrow" ? 4 : units / 80;
  const added = periods.map(({ days }) => days.reduce((sum, { bytes }) => sum + bytes, 0) / days.length);
  const grid = { left: 62, right: 12 };
  const option = {
    grid: [
      { ...grid, top: 28, height: 110 },
      { ...grid, top: 184, height: 70 },
    ],
    xAxis: [
      nameAxis(labels, most, { gridIndex: 0, axisLabel: { show: false } }),
      nameAxis(labels, most, { gridIndex: 1 }),
    ],
    yAxis: [
      amountAxis(size, { gridIndex: 0, splitNumber: 3, ...heading("Whole archive") }),
      amountAxis(size, { gridIndex: 1, splitNumber: 2, ...heading("Each day") }),
    ],
    series: [
      {
        type: "line" as const,
        silent: true,
        xAxisIndex: 0,
        yAxisIndex: 0,
        showSymbol: periods.length === 1,
        symbol: "circle",
        itemStyle: { color: INK.accent },
        lineStyle: { color: INK.accent, width: 2.5 },
        areaStyle: { color: INK.accent, opacity: 0.15 },
        data: periods.map(({ days }) => days.at(-1)?.cumulative ?? 0),
      },
      {
        type: "bar" as const,
        silent: true,
        xAxisIndex: 1,
        yAxisIndex: 1,
        barCategoryGap: "18%",
        itemStyle: { color: INK.accent },
        data: added,
      },
    ],
  };
  return { option, height: 284 };
}

/** A name above an axis, from the chart's left edge on. */
function heading(name: string) {
  return {
    name,
    nameLocation: "end",
    nameGap: 12,
    nameTextStyle: { color: INK.text, fontSize: FONT_SIZE, align: "left", padding: [0, 0, 0, -56] },
  };
}
