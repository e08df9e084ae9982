import { plainText, shortened } from "../page/html.ts";
import { exact, percent } from "../words.ts";
import { textWidth } from "./axes.ts";
import { type Drawing, drawChart, FONT_SIZE, HALF, type Width } from "./draw.ts";
import { INK } from "./palette.ts";

/** A bar, with the name that stands beside it. */
export interface Bar {
  readonly name: string;
  readonly sessions: number;
  /** Not a thing of its own, such as what all others add up to. */
  readonly isRest?: boolean;
}

const BAR_HEIGHT = 27;
const MOST_CHARACTERS = { narrow: 18, medium: 24, wide: 40 } as const;

/** Bars from the left, one below the other, with their amounts and their shares of `whole` behind them. */
export function barsChart(id: string, bars: readonly Bar[], whole: number): string {
  return drawChart(id, HALF, (width) => barsDrawing(bars, whole, width));
}

function barsDrawing(bars: readonly Bar[], whole: number, { name: width }: Width): Drawing {
  const names = bars.map(({ name }) => shortened(plainText(name), MOST_CHARACTERS[width]));
  const amounts = bars.map(({ sessions }) =>
    sessions === 0 ? "0" : `${exact(sessions)} · ${percent(sessions, whole)}`,
  );
  const longest = (texts: readonly string[]) => Math.max(0, ...texts.map(textWidth));
  const option = {
    grid: { left: longest(names) + 16, right: longest(amounts) + 16, top: 2, bottom: 2 },
    xAxis: { type: "value" as const, show: false, max: Math.max(1, ...bars.map(({ sessions }) => sessions)) },
    yAxis: {
      type: "category" as const,
      inverse: true,
      data: names,
      axisLabel: { color: INK.text, fontSize: FONT_SIZE, interval: 0 },
      axisLine: { show: false },
      axisTick: { show: false },
    },
    series: [
      {
        type: "bar" as const,
        silent: true,
        barWidth: "64%",
        barMinHeight: 1,
        label: {
          show: true,
          position: "right" as const,
          color: INK.faint,
          fontSize: FONT_SIZE,
          formatter: ({ dataIndex }: { readonly dataIndex: number }) => amounts[dataIndex] ?? "",
        },
        data: bars.map(({ sessions, isRest }) => ({
          value: sessions,
          itemStyle: { color: isRest ? INK.rest : INK.accent, borderRadius: [0, 3, 3, 0] },
        })),
      },
    ],
  };
  return { option, height: Math.max(1, bars.length) * BAR_HEIGHT + 4 };
}
