import type { ChartOption } from "./draw.ts";
import { FONT_SIZE } from "./draw.ts";
import { INK } from "./palette.ts";

type Axis<T> = Extract<T, readonly unknown[]> extends readonly (infer One)[] ? One : never;
/** An axis below a chart, and one beside it. */
export type XAxis = Axis<ChartOption["xAxis"]>;
export type YAxis = Axis<ChartOption["yAxis"]>;

/** Rough width of a text in the charts' font, in the units of the view box: nothing is measured where no page is. */
export function textWidth(text: string): number {
  return Math.ceil(text.length * FONT_SIZE * 0.56);
}

/** An axis of amounts beside a chart, with lines across it. */
export function amountAxis(format: (amount: number) => string, more: object = {}): YAxis {
  return {
    type: "value",
    splitNumber: 4,
    axisLabel: { color: INK.faint, fontSize: FONT_SIZE, formatter: format },
    splitLine: { lineStyle: { color: INK.line } },
    axisLine: { show: false },
    axisTick: { show: false },
    ...more,
  };
}

/** An axis of names below a chart, of which at most so many are written, evenly spaced, the first among them. */
export function nameAxis(names: readonly string[], mostLabels: number, more: object = {}): XAxis {
  const step = stepFor(names.length, mostLabels);
  return {
    type: "category",
    data: [...names],
    axisLabel: { color: INK.faint, fontSize: FONT_SIZE, interval: (index: number) => index % step === 0 },
    axisLine: { lineStyle: { color: INK.faint } },
    axisTick: { show: false },
    ...more,
  };
}

/** Weeks and their multiples make steps that people recognise. */
function stepFor(count: number, most: number): number {
  const least = Math.ceil(count / most);
  return [1, 2, 3, 4, 6, 7, 14, 21, 28].find((step) => step >= least) ?? least;
}
