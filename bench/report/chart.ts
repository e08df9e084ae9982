import * as echarts from "echarts";
import type { CaseReport, ContenderResult, Spread } from "../bench-case.ts";
import { figure } from "./format.ts";

const WIDTH = 860;
const BAR = 26;
const TITLE = 34;
const GAP = 26;
const MARGIN = 20;
const LABELS = 250;

/** Colours that stand apart for readers who see red and green alike. */
const COLOURS = {
  ours: "#0b5cad",
  other: "#9aa5b1",
  ink: "#1f2933",
  faint: "#52606d",
  paper: "#fbfcfd",
  edge: "#d9dee4",
};

/** One group of bars below a title. */
interface Panel {
  readonly title: string;
  readonly bars: readonly { readonly name: string; readonly value: Spread; readonly isOurs: boolean }[];
}

/** What a panel shows of a case. */
interface View {
  readonly name: string;
  readonly title: string;
  readonly spreadOf: (result: ContenderResult) => Spread | undefined;
}

const VIEWS: readonly View[] = [
  {
    name: "write-parquet",
    title: "Write a row as Parquet, µs: less is better",
    spreadOf: ({ microseconds }) => microseconds,
  },
  {
    name: "map-and-cut",
    title: "From a page to a typed row, µs: less is better",
    spreadOf: ({ microseconds }) => microseconds,
  },
  {
    name: "day-end-to-end",
    title: "A day from the API to the archive, sessions a second: more is better",
    spreadOf: ({ figures }) => figures["sessions/s"],
  },
  {
    name: "day-memory",
    title: "Peak memory of a day, MB: less is better",
    spreadOf: ({ figures }) => figures["MB peak"],
  },
  {
    name: "quota-floor",
    title: "Wall time over the least that the quota allows: 1 is best",
    spreadOf: ({ figures }) => figures["time/floor"],
  },
];

/**
 * A chart of the cases as SVG, on paper of its own so that it reads on dark pages as on light ones. The same figures give
 * the same bytes in a fresh process.
 */
export function chartOf(cases: readonly CaseReport[]): string {
  const panels = VIEWS.flatMap((view) => {
    const report = cases.find(({ bench }) => bench.name === view.name);
    return report === undefined ? [] : [panelOf(view, report)];
  });
  const tops = panels.map((_, index) =>
    panels.slice(0, index).reduce((top, panel) => top + heightOf(panel) + GAP, MARGIN),
  );
  const height = panels.reduce((sum, panel) => sum + heightOf(panel) + GAP, 2 * MARGIN - GAP);
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  try {
    chart.setOption(optionOf(panels, tops));
    return onPaper(chart.renderToSVGString(), height);
  } finally {
    chart.dispose();
  }
}

/** Where contenders do not compare, all of them are ours. */
function panelOf({ title, spreadOf }: View, { bench, results }: CaseReport): Panel {
  const bars = results.flatMap((result, index) => {
    const value = spreadOf(result);
    return value === undefined ? [] : [{ name: result.contender, value, isOurs: index === 0 || !bench.compares }];
  });
  return { title, bars };
}

function heightOf({ bars }: Panel): number {
  return TITLE + bars.length * BAR;
}

function optionOf(panels: readonly Panel[], tops: readonly number[]): echarts.EChartsOption {
  const top = (index: number) => tops[index] ?? 0;
  return {
    animation: false,
    textStyle: { fontFamily: "system-ui, sans-serif", color: COLOURS.ink },
    title: panels.map(({ title }, index) => ({
      text: title,
      top: top(index),
      left: MARGIN,
      padding: 0,
      textStyle: { fontSize: 15, fontWeight: "bold", color: COLOURS.ink },
    })),
    grid: panels.map((panel, index) => ({
      top: top(index) + TITLE - 6,
      height: panel.bars.length * BAR,
      left: LABELS,
      right: 150,
    })),
    xAxis: panels.map((_, index) => ({ type: "value", gridIndex: index, show: false, min: 0 })),
    yAxis: panels.map(({ bars }, index) => ({
      type: "category",
      gridIndex: index,
      inverse: true,
      data: bars.map(({ name }) => name),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: COLOURS.edge } },
      axisLabel: { color: COLOURS.ink, fontSize: 13 },
    })),
    series: panels.map((panel, index) => barsOf(panel, index)),
  };
}

function barsOf({ bars }: Panel, index: number): echarts.BarSeriesOption {
  return {
    type: "bar",
    xAxisIndex: index,
    yAxisIndex: index,
    barWidth: 16,
    data: bars.map(({ value, isOurs }) => ({
      value: value.median,
      itemStyle: { color: isOurs ? COLOURS.ours : COLOURS.other, borderRadius: [0, 3, 3, 0] },
      label: { show: true, position: "right", fontSize: 13, color: COLOURS.faint, formatter: labelOf(value) },
    })),
  };
}

function labelOf({ median, min, max }: Spread): string {
  const [middle, least, most] = [median, min, max].map(figure);
  return least === most ? `${middle}` : `${middle}  (${least}–${most})`;
}

function onPaper(svg: string, height: number): string {
  // Labels of the longest bars reach beyond the chart.
  const width = WIDTH + 40;
  const rect = `<rect width="${width}" height="${height}" rx="10" fill="${COLOURS.paper}" stroke="${COLOURS.edge}"/>`;
  const wider = (tag: string) =>
    tag.replace(/width="\d+"/, `width="${width}"`).replace(/viewBox="0 0 \d+/, `viewBox="0 0 ${width}`);
  return `${svg.replace(/^<svg [^>]*>/, (tag) => `${wider(tag)}\n<title>Benchmarks</title>\n${rect}`).trim()}\n`;
}
