import { BarChart, type BarSeriesOption, LineChart, type LineSeriesOption } from "echarts/charts";
import { GridComponent, type GridComponentOption } from "echarts/components";
import { type ComposeOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { withVariables } from "./palette.ts";

use([BarChart, LineChart, GridComponent, SVGRenderer]);

/** What a chart is made of. */
export type ChartOption = ComposeOption<BarSeriesOption | LineSeriesOption | GridComponentOption>;

/** A width that a chart is drawn for, in the units of its view box; pages scale it by a third at most, either way. */
export interface Width {
  readonly name: "narrow" | "medium" | "wide";
  readonly units: number;
}

/** Widths for a card that takes half the page where that is wide. */
export const HALF: readonly Width[] = [
  { name: "narrow", units: 360 },
  { name: "medium", units: 560 },
];
/** Widths for a card that always takes the whole page. */
export const FULL: readonly Width[] = [...HALF, { name: "wide", units: 1020 }];

/** Size of the text in all charts. */
export const FONT_SIZE = 13;

/** One drawing of a chart, and how high it is. */
export interface Drawing {
  readonly option: ChartOption;
  readonly height: number;
}

/**
 * Draws a chart as SVG for each width: without a script, with the page's font and colours, and with ids that begin with
 * `id`. The same numbers give the same text. The SVG is markup: echarts escapes the texts in it.
 */
export function drawChart(id: string, widths: readonly Width[], at: (width: Width) => Drawing): string {
  return widths.map((width) => drawn(`${id}-${width.name}`, width, at(width))).join("");
}

function drawn(id: string, { name, units }: Width, { option, height }: Drawing): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: units, height });
  try {
    chart.setOption({ animation: false, textStyle: { fontFamily: "inherit", fontSize: FONT_SIZE }, ...option });
    return withVariables(cleaned(chart.renderToSVGString(), id)).replace("<svg ", `<svg class="${name}" `);
  } finally {
    chart.dispose();
  }
}

/** Without what is for scripts, and with ids that do not tell how many charts were drawn before. */
function cleaned(svg: string, id: string): string {
  const [, number = ""] = /zr(\d+)-c/.exec(svg) ?? [];
  const unmarked = svg
    .replace(/<style\s*>.*?<\/style>/s, "")
    .replace(/ (?:ecmeta_\w+|pointer-events|class)="[^"]*"/g, "")
    .replace(/<svg width="\d+" height="\d+"/, "<svg");
  return number === "" ? unmarked : unmarked.replaceAll(new RegExp(`="(url\\(#)?zr${number}-`, "g"), `="$1${id}-`);
}
