import type { BenchCase, CaseReport, Contender, ContenderResult, Outcome } from "./bench-case.ts";
import { spread } from "./report/spread.ts";

/** Rounds in which each contender runs once, in turning order, so that a slow moment of the machine hits all alike. */
export async function measure(bench: BenchCase): Promise<CaseReport> {
  const { contenders, cleanUp } = await bench.prepare();
  const outcomes = new Map<Contender, Outcome[]>(contenders.map((contender) => [contender, []]));
  try {
    for (let round = bench.warmUp ? -1 : 0; round < bench.rounds; round++) {
      for (const contender of turned(contenders, round)) {
        const outcome = await contender.run();
        // Round -1 warms up.
        if (round >= 0) outcomes.get(contender)?.push(outcome);
      }
    }
  } finally {
    await cleanUp();
  }
  const { name, title, about, unit, units, rounds, compares } = bench;
  const results = resultsOf(outcomes, units);
  return { bench: { name, title, about, unit, units, rounds, compares }, results, promises: bench.promises(results) };
}

function resultsOf(outcomes: ReadonlyMap<Contender, readonly Outcome[]>, units: number): ContenderResult[] {
  const perUnit = (contender: Contender, own: readonly Outcome[]) =>
    own.map(({ elapsedMs }) => (elapsedMs * 1_000) / (contender.units ?? units));
  const [first = []] = [...outcomes].map(([contender, own]) => perUnit(contender, own));
  return [...outcomes].map(([contender, own]) => {
    const microseconds = perUnit(contender, own);
    const names = Object.keys(own[0]?.figures ?? {});
    return {
      contender: contender.name,
      microseconds: spread(microseconds),
      ratio: spread(microseconds.map((time, round) => time / (first[round] ?? Number.NaN))),
      figures: Object.fromEntries(
        names.map((figure) => [figure, spread(own.map(({ figures }) => figures[figure] ?? Number.NaN))]),
      ),
    };
  });
}

function turned<T>(list: readonly T[], by: number): T[] {
  const start = (by + list.length) % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}
