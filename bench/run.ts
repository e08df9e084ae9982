import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { type BenchCase, type CaseReport, isKept, type Scale } from "./bench-case.ts";
import { dayEndToEnd } from "./cases/day-end-to-end.ts";
import { dayMemory } from "./cases/day-memory.ts";
import { growth } from "./cases/growth.ts";
import { lambdaStart } from "./cases/lambda-start.ts";
import { mapAndCut } from "./cases/map-and-cut.ts";
import { quotaFloor } from "./cases/quota-floor.ts";
import { writeParquet } from "./cases/write-parquet.ts";
import { measure } from "./measure.ts";
import { countOf } from "./report/format.ts";
import { benchmarksPage, CHART } from "./report/page.ts";
import { type Surroundings, surroundings } from "./report/surroundings.ts";
import { inText, promisesTable, resultsTable } from "./report/tables.ts";

const PAGE = "docs/benchmarks.md";
const CASES: readonly ((scale: Scale) => BenchCase)[] = [
  writeParquet,
  mapAndCut,
  dayEndToEnd,
  quotaFloor,
  dayMemory,
  growth,
  lambdaStart,
];

const USAGE = `Usage: npm run bench -- [options] [part of a name …]

Measures the exporter against others that do the same work, and against itself.

  --json    one JSON document on stdout
  --write   all cases: also writes ${PAGE} and its chart
  --quick   small work, few rounds: shows that the cases run, and judges nothing
  --help

Cases: ${CASES.map((make) => make("full").name).join(", ")}
Exit codes: 0 every aim is reached, 1 one is not, 2 wrong usage. All cases take about ten minutes and 3 GB of memory.`;

const flag = { type: "boolean" } as const;

interface Order {
  readonly cases: readonly BenchCase[];
  readonly scale: Scale;
  readonly json: boolean;
  readonly write: boolean;
}

/** Throws a `TypeError` that says what is wrong with the arguments. Null: what is wanted is help. */
function orderOf(args: string[]): Order | null {
  const options = { json: flag, write: flag, quick: flag, help: flag };
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const { json = false, write = false, quick = false, help = false } = values;
  if (help) return null;
  if (write && positionals.length > 0) throw new TypeError("--write takes no names: a page of some cases is none");
  const scale = quick ? "quick" : "full";
  const all = CASES.map((make) => make(scale));
  const unknown = positionals.find((part) => !all.some(({ name }) => name.includes(part)));
  if (unknown !== undefined) throw new TypeError(`no case is named like "${unknown}"`);
  const cases = all.filter(({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)));
  return { cases, scale, json, write };
}

function say(report: CaseReport, scale: Scale): string {
  const { name, units, unit, rounds } = report.bench;
  const lines = [`${name}: ${countOf(units, unit)}, ${countOf(rounds, "round")}`, inText(resultsTable(report))];
  if (scale === "full" && report.promises.length > 0) lines.push(inText(promisesTable(report.promises)));
  return `${lines.join("\n")}\n`;
}

async function writePage(found: Surroundings, reports: readonly CaseReport[]): Promise<void> {
  const { chartOf } = await import("./report/chart.ts");
  const chart = join(dirname(PAGE), CHART);
  await mkdir(dirname(chart), { recursive: true });
  await writeFile(chart, chartOf(reports));
  await writeFile(PAGE, benchmarksPage(found, reports));
}

async function carryOut({ cases, scale, json, write }: Order, args: readonly string[]): Promise<void> {
  const command = ["npm run bench", ...(args.length > 0 ? ["--"] : []), ...args].join(" ");
  const found = await surroundings(command, scale);
  const { cpu, cores, platform } = found.machine;
  if (!json) console.log(`Node ${found.versions.Node}, ${cores} × ${cpu}, ${platform}\n`);
  const reports: CaseReport[] = [];
  for (const bench of cases) {
    const startedAt = performance.now();
    const report = await measure(bench);
    console.error(`${bench.name}: ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
    reports.push(report);
    if (!json) console.log(say(report, scale));
  }
  if (json) console.log(JSON.stringify({ ...found, cases: reports }));
  if (write) await writePage(found, reports);
  if (scale === "quick") return;
  if (!reports.flatMap(({ promises }) => promises).every(isKept)) process.exitCode = 1;
}

function orderOrExit(args: string[]): Order {
  try {
    const order = orderOf(args);
    if (order !== null) return order;
    console.log(USAGE);
    process.exit(0);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

const args = process.argv.slice(2);
await carryOut(orderOrExit(args), args);
