import type { CaseReport } from "../bench-case.ts";
import { countOf } from "./format.ts";
import type { Surroundings } from "./surroundings.ts";
import { inMarkdown, promisesTable, resultsTable } from "./tables.ts";

/** Path of the chart, seen from the page. */
export const CHART = "images/benchmarks.svg";

/** docs/benchmarks.md. */
export function benchmarksPage(surroundings: Surroundings, cases: readonly CaseReport[]): string {
  const { date, command, machine, versions, scale } = surroundings;
  const quick =
    "\n> **A quick run**: small work, one or two rounds. It shows that the cases run, and says nothing about speed; nothing is judged.\n";
  const { cpu, cores, memoryGiB, platform } = machine;
  return `# Benchmarks

Written by \`${command}\` on ${date}. Ratios hold on other machines, times do not.
${scale === "quick" ? quick : ""}
${inMarkdown({
  head: ["machine", ""],
  rows: [
    ["processor", `${cores} × ${cpu}`],
    ["memory", `${memoryGiB} GiB`],
    ["system", platform],
    ...Object.entries(versions),
  ],
})}

Contenders take turns, round after round, each time beginning with another one; a round before the first is not counted where
work is short. A cell is the median, and the least and the largest in parentheses. \`ratio\` is a contender's time over
that of the first row in the same round: above 1 is slower than ours. MB are millions of bytes.
Sessions are generated, about 1.4 KB of JSON each, most of it tags.

![Bars: time to write a row, time to map one, sessions a second, peak memory, and time over the quota's floor](${CHART})

## Aims

${judgement(surroundings, cases)}
${cases.map(section).join("")}`;
}

function judgement({ scale }: Surroundings, cases: readonly CaseReport[]): string {
  if (scale === "quick") return "Not judged in a quick run.";
  return `By medians.\n\n${inMarkdown(promisesTable(cases.flatMap(({ promises }) => promises)))}`;
}

function section(report: CaseReport): string {
  const { title, name, about, units, unit, rounds } = report.bench;
  const size = countOf(units, unit);
  const often = countOf(rounds, "round");
  return `
## ${title}

${about} \`npm run bench -- ${name}\`: ${size}, ${often}.

${inMarkdown(resultsTable(report))}
`;
}
