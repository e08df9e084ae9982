import { type CaseReport, type ContenderResult, isKept, type Promised } from "../bench-case.ts";
import { durationText, figure, ratio, spreadText } from "./format.ts";

/** A table: the first cell of each row is text, the others are numbers. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A case's contenders: time for a unit, ratio to the first where they compare, and every figure that any of them has. */
export function resultsTable({ bench, results }: CaseReport): Table {
  const figures = [...new Set(results.flatMap((result) => Object.keys(result.figures)))];
  const cells = (result: ContenderResult) => [
    result.contender,
    durationText(result.microseconds),
    ...(bench.compares ? [spreadText(result.ratio, ratio)] : []),
    ...figures.map((name) => {
      const spread = result.figures[name];
      return spread === undefined ? "" : spreadText(spread);
    }),
  ];
  const head = ["", `time/${bench.unit}`, ...(bench.compares ? ["ratio"] : []), ...figures];
  return { head, rows: results.map(cells) };
}

/** What is aimed at, and what was found. */
export function promisesTable(promises: readonly Promised[]): Table {
  const rows = promises.map((promise) => {
    const { what, value, sense, limit } = promise;
    return [what, closely(value), `${sense} ${limit}`, isKept(promise) ? "yes" : "**no**"];
  });
  return { head: ["what", "is", "aim", "reached"], rows };
}

/** With the digits that it takes to judge. */
function closely(value: number): string {
  return value >= 100 ? figure(value) : String(Number(value.toPrecision(4)));
}

/** A table in Markdown. */
export function inMarkdown({ head, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

/** A table as lines of text, columns aligned. */
export function inText({ head, rows }: Table): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)));
  const align = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return all.map((cells) => `  ${cells.map(align).join("  ")}`.trimEnd()).join("\n");
}
