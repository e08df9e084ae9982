import { containmentRate } from "../numbers/headline.ts";
import type { DaySessions } from "../numbers/numbers.ts";
import type { Period } from "../numbers/periods.ts";
import { shortDate } from "../words.ts";
import { amountAxis, nameAxis } from "./axes.ts";
import { type Drawing, drawChart, HALF, type Width } from "./draw.ts";
import { INK } from "./palette.ts";

/** Up to so many points each has a mark. */
const MARKED_POINTS = 31;

/** Containment rate of each period; where it has no sessions, the line is broken. */
export function rateChart(periods: readonly Period<DaySessions>[]): string {
  return drawChart("rate", HALF, (width) => rateDrawing(periods, width));
}

function rateDrawing(periods: readonly Period<DaySessions>[], { units, name }: Width): Drawing {
  const rates = periods.map(({ days }) => containmentRate(days));
  const isAlone = (index: number) => (rates[index - 1] ?? null) === null && (rates[index + 1] ?? null) === null;
  const option = {
    grid: { left: 48, right: 16, top: 12, bottom: 28 },
    xAxis: nameAxis(
      periods.map(({ from }) => shortDate(from)),
      name === "narrow" ? 5 : units / 80,
      { boundaryGap: rates.length === 1 },
    ),
    yAxis: amountAxis((amount) => `${amount}%`, { min: 0, max: 100, interval: 25 }),
    series: [
      {
        type: "line" as const,
        silent: true,
        showAllSymbol: true,
        symbol: "circle",
        symbolSize: (_: unknown, { dataIndex }: { readonly dataIndex: number }) =>
          rates.length <= MARKED_POINTS || isAlone(dataIndex) ? 6 : 0,
        itemStyle: { color: INK.accent },
        lineStyle: { color: INK.accent, width: 2.5 },
        data: rates.map((rate) => (rate === null ? null : Math.round(rate * 1000) / 10)),
      },
    ],
  };
  return { option, height: 240 };
}
