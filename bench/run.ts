import { cpus } from "node:os";
import { parseArgs } from "node:util";
import type { BenchCase, Contender } from "./bench-case.ts";
import { dayMemory } from "./cases/day-memory.ts";
import { writeParquet } from "./cases/write-parquet.ts";

const CASES: readonly BenchCase[] = [writeParquet, dayMemory];

interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

interface Result {
  readonly contender: string;
  /** Microseconds for one unit. */
  readonly microseconds: Spread;
  /** Its time divided by ours, within the same round. */
  readonly ratio: Spread;
  readonly figures: Readonly<Record<string, number>>;
}

/** Rounds in which each contender runs once, in turning order, so that a slow moment of the machine hits all alike. */
async function measure(bench: BenchCase): Promise<Result[]> {
  const { contenders, cleanUp } = await bench.prepare();
  const times = new Map(contenders.map((contender) => [contender, [] as number[]]));
  const figures = new Map<Contender, Readonly<Record<string, number>>>();
  try {
    for (let round = bench.warmUp ? -1 : 0; round < bench.repeats; round++) {
      for (const contender of turned(contenders, round)) {
        const outcome = await contender.run();
        figures.set(contender, outcome.figures);
        // Round -1 warms up.
        if (round >= 0) times.get(contender)?.push(outcome.elapsedMs);
      }
    }
  } finally {
    await cleanUp();
  }
  const [ours = []] = times.values();
  return contenders.map((contender) => {
    const own = times.get(contender) ?? [];
    return {
      contender: contender.name,
      microseconds: spread(own.map((ms) => (ms * 1000) / (contender.units ?? bench.units))),
      ratio: spread(own.map((ms, round) => ms / (ours[round] ?? Number.NaN))),
      figures: figures.get(contender) ?? {},
    };
  });
}

function turned<T>(list: readonly T[], by: number): T[] {
  const start = (by + list.length) % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}

function spread(values: readonly number[]): Spread {
  const ascending = values.toSorted((a, b) => a - b);
  const at = (share: number) => ascending[Math.round((ascending.length - 1) * share)] ?? Number.NaN;
  return { median: at(0.5), min: at(0), max: at(1) };
}

function line(bench: BenchCase, { contender, microseconds, ratio, figures }: Result): string {
  const ratios = `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)})`;
  const more = Object.entries(figures).map(([name, value]) => `${Number(value.toPrecision(4))} ${name}`);
  const time = `${microseconds.median.toFixed(1)} µs/${bench.unit}`;
  return `  ${contender.padEnd(32)} ${time.padStart(14)}  ratio ${ratios}  ${more.join(", ")}`;
}

const { values, positionals } = parseArgs({
  options: { json: { type: "boolean" }, help: { type: "boolean" } },
  allowPositionals: true,
});
const chosen = CASES.filter(({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)));
if (values.help || chosen.length === 0) {
  console.error(
    `Usage: npm run bench -- [--json] [part of a name …]\nCases: ${CASES.map(({ name }) => name).join(", ")}`,
  );
  process.exit(values.help ? 0 : 2);
}
const machine = { node: process.version, arch: process.arch, cpu: cpus()[0]?.model ?? "", cores: cpus().length };
const report = [];
if (!values.json) console.log(`Node ${machine.node}, ${machine.cores} x ${machine.cpu} (${machine.arch})`);
for (const bench of chosen) {
  const results = await measure(bench);
  report.push({ name: bench.name, unit: bench.unit, units: bench.units, repeats: bench.repeats, results });
  if (!values.json) {
    console.log(
      `${bench.name}: ${bench.units} ${bench.unit}s, ${bench.repeats} rounds; ratio to the first, above 1 is slower`,
    );
    for (const result of results) console.log(line(bench, result));
  }
}
if (values.json) console.log(JSON.stringify({ machine, cases: report }));
