import { count } from "../../amounts.ts";
import { amountAxis, nameAxis } from "./axes.ts";
import { type Drawing, drawChart, HALF, type Width } from "./draw.ts";
import { INK } from "./palette.ts";

/** Sessions that started in each hour of the day. */
export function hoursChart(hours: readonly number[]): string {
  return drawChart("hours", HALF, (width) => hoursDrawing(hours, width));
}

function hoursDrawing(hours: readonly number[], { name }: Width): Drawing {
  const option = {
    grid: { left: 52, right: 8, top: 12, bottom: 28 },
    xAxis: nameAxis(
      hours.map((_, hour) => String(hour).padStart(2, "0")),
      name === "narrow" ? 8 : 12,
    ),
    yAxis: amountAxis(count, { minInterval: 1 }),
    series: [
      {
        type: "bar" as const,
        silent: true,
        barCategoryGap: "18%",
        itemStyle: { color: INK.accent, borderRadius: [2, 2, 0, 0] },
        data: [...hours],
      },
    ],
  };
  return { option, height: 240 };
}
