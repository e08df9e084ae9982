import fc from "fast-check";
import { XMLValidator } from "fast-xml-parser";
import { describe, expect, test } from "vitest";
import type { BenchCase, CaseReport, Contender, Promised } from "../../bench/bench-case.ts";
import { measure } from "../../bench/measure.ts";
import { chartOf } from "../../bench/report/chart.ts";
import { countOf, durationText, figure, spreadText } from "../../bench/report/format.ts";
import { benchmarksPage } from "../../bench/report/page.ts";
import { spread } from "../../bench/report/spread.ts";
import type { Surroundings } from "../../bench/report/surroundings.ts";
import { inMarkdown, inText, promisesTable, resultsTable } from "../../bench/report/tables.ts";
import { SerialisedSessions } from "../../bench/server/serialised-sessions.ts";
import { CONTAINMENT_TYPES, type ContainmentType } from "../../functions/exporter/contract.ts";

const once = (value: number) => ({ median: value, min: value, max: value });

describe("a spread", () => {
  test("has the middle value of an odd number, and the mean of the middle two of an even one", () => {
    expect(spread([5, 1, 9])).toEqual({ median: 5, min: 1, max: 9 });
    expect(spread([4, 10, 1, 2])).toEqual({ median: 3, min: 1, max: 10 });
  });

  test("is the same in whatever order the values come", () => {
    const values = fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1 });
    fc.assert(
      fc.property(values, (list) => {
        expect(spread(list.toReversed())).toEqual(spread(list));
      }),
    );
  });

  test.each([
    [{ median: 12.34, min: 12, max: 13 }, "12.3 µs (12–13 µs)"],
    [{ median: 1_500, min: 900, max: 2_000 }, "1.5 ms (0.9–2 ms)"],
    [once(2_000_000), "2 s"],
  ])("of microseconds is told in one unit: %j", (given, text) => {
    expect(durationText(given)).toBe(text);
  });

  test("is told without its ends where they look like the median", () => {
    expect(spreadText({ median: 1_234.4, min: 1_234.1, max: 1_234.3 })).toBe("1,234");
    expect(spreadText({ median: 1.5, min: 1.4, max: 1.5 })).toBe("1.5 (1.4–1.5)");
  });
});

test("figures keep three digits, and all digits of a large whole", () => {
  expect([0.012_34, 1.006, 99.94, 123_456.7].map(figure)).toEqual(["0.0123", "1.01", "99.9", "123,457"]);
  expect([countOf(1, "round"), countOf(30_000, "row")]).toEqual(["1 round", "30,000 rows"]);
});

describe("measuring", () => {
  /** Contenders whose work takes as long as it is said to, by turns. */
  function benchOf(times: Readonly<Record<string, readonly number[]>>, more: Partial<BenchCase> = {}) {
    const ran: string[] = [];
    let cleanedUp = 0;
    const contenders = Object.entries(times).map(([name, all]): Contender => {
      let run = 0;
      return {
        name,
        run: async () => {
          ran.push(name);
          const elapsedMs = all[run++];
          if (elapsedMs === undefined) throw new Error(`${name} is wrong`);
          return { elapsedMs, figures: { run } };
        },
      };
    });
    const cleanUp = async () => void cleanedUp++;
    const bench: BenchCase = {
      ...{ name: "example", title: "Example", about: "", unit: "row", units: 10, rounds: 2 },
      ...{ warmUp: false, compares: true, promises: () => [] },
      prepare: async () => ({ contenders, cleanUp }),
      ...more,
    };
    return { bench, ran, cleanedUp: () => cleanedUp };
  }

  test("lets contenders take turns, another one first in each round", async () => {
    const { bench, ran } = benchOf({ a: [1, 1, 1], b: [1, 1, 1], c: [1, 1, 1] }, { rounds: 3 });
    await measure(bench);
    expect(ran.join("")).toBe("abcbcacab");
  });

  test("gives times for a unit, and ratios to the first within the same round", async () => {
    const { bench } = benchOf({ ours: [1, 10], other: [3, 20] });
    const { results } = await measure(bench);
    expect(results.map(({ microseconds }) => microseconds)).toEqual([
      { median: 550, min: 100, max: 1_000 },
      { median: 1_150, min: 300, max: 2_000 },
    ]);
    expect(results[1]?.ratio).toEqual({ median: 2.5, min: 2, max: 3 });
  });

  test("compares time for a unit where contenders have units of their own", async () => {
    const { bench } = benchOf({ small: [1], large: [100] }, { rounds: 1 });
    const { contenders, cleanUp } = await bench.prepare();
    const own = contenders.map((contender, index) => ({ ...contender, units: [10, 1_000][index] ?? 0 }));
    const { results } = await measure({ ...bench, prepare: async () => ({ contenders: own, cleanUp }) });
    expect(results[1]?.ratio).toEqual(once(1));
  });

  test("leaves the round that warms up out", async () => {
    const { bench } = benchOf({ ours: [500, 1, 2] }, { warmUp: true });
    const { results } = await measure(bench);
    expect(results[0]?.microseconds.max).toBe(200);
    expect(results[0]?.figures.run).toEqual({ median: 2.5, min: 2, max: 3 });
  });

  test("cleans up and fails when a contender's work is wrong", async () => {
    const { bench, cleanedUp } = benchOf({ ours: [1], other: [] });
    await expect(measure(bench)).rejects.toThrow("other is wrong");
    expect(cleanedUp()).toBe(1);
  });
});

describe("the report", () => {
  const promises: Promised[] = [
    { what: "times as fast", value: 6, sense: "at least", limit: 6 },
    { what: "times the memory", value: 1.2, sense: "at most", limit: 1.1 },
  ];
  const report: CaseReport = {
    bench: { name: "write-parquet", title: "Rows", about: "About.", unit: "row", units: 5, rounds: 2, compares: true },
    results: [
      { contender: "ours", microseconds: once(10), ratio: once(1), figures: { "MB peak": once(90) } },
      { contender: "other <&>", microseconds: { median: 30, min: 20, max: 40 }, ratio: once(3), figures: {} },
    ],
    promises,
  };
  const surroundings: Surroundings = {
    ...{ date: "2026-01-02", command: "npm run bench -- --write", scale: "full" },
    machine: { cpu: "Example", cores: 2, memoryGiB: 8, platform: "linux arm64" },
    versions: { Node: "24.0.0" },
  };

  test("says of each promise whether it is kept", () => {
    expect(promisesTable(promises).rows.map((cells) => cells.at(-1))).toEqual(["yes", "**no**"]);
  });

  test("has a column for every figure, and a gap where a contender has none", () => {
    expect(inMarkdown(resultsTable(report)).split("\n")).toEqual([
      "|  | time/row | ratio | MB peak |",
      "| --- | ---: | ---: | ---: |",
      "| ours | 10 µs | 1.00 | 90 |",
      "| other <&> | 30 µs (20–40 µs) | 3.00 |  |",
    ]);
    expect(inText(resultsTable(report)).split("\n")[1]).toMatch(/^ {2}ours {2,}10 µs {2,}1\.00 {2,}90$/);
  });

  test("judges a full run, and says of a quick one that it tells nothing", () => {
    const full = benchmarksPage(surroundings, [report]);
    expect(full).toContain("| times the memory | 1.2 | at most 1.1 | **no** |");
    expect(full).not.toContain("quick");
    const quick = benchmarksPage({ ...surroundings, scale: "quick" }, [report]);
    expect(quick).toContain("Not judged in a quick run");
    expect(quick).not.toContain("**no**");
  });

  test("draws a bar for each contender, in well-formed SVG with its values", () => {
    const svg = chartOf([report]);
    expect(XMLValidator.validate(svg)).toBe(true);
    for (const text of ["Write a row as Parquet, µs: less is better", "ours", "other &lt;&amp;&gt;", "30  (20–40)"]) {
      expect(svg).toContain(text);
    }
    expect(svg).not.toContain("Peak memory");
  });
});

describe("the server's sessions", () => {
  const days = [
    { day: "2026-01-02", sessions: 1_001 },
    { day: "2026-01-03", sessions: 40 },
  ];
  const sessions = new SerialisedSessions(days);
  const from = Date.parse("2026-01-02");
  const to = from + 86_400_000;
  const ask = (type: ContainmentType | null, window: { from: number; to: number }, skip: number, limit: number) =>
    JSON.parse(Buffer.concat(sessions.page({ type, ...window, skip, limit })).toString()) as {
      total: number;
      moreAvailable: boolean;
      sessions: { sessionId: string; start_time: string; end_time: string; userId: string }[];
    };

  function readAll(type: ContainmentType, window: { from: number; to: number }) {
    const found: ReturnType<typeof ask>["sessions"] = [];
    for (;;) {
      const page = ask(type, window, found.length, 100);
      found.push(...page.sessions);
      expect(page.moreAvailable).toBe(found.length < page.total);
      if (!page.moreAvailable) return found;
    }
  }

  test("come page by page, each once, newest first, and as many as the day has", () => {
    const all = CONTAINMENT_TYPES.flatMap((type) => {
      const found = readAll(type, { from, to });
      const starts = found.map(({ start_time }) => start_time);
      expect(starts).toEqual(starts.toSorted().reverse());
      return found;
    });
    expect(all).toHaveLength(1_001);
    expect(new Set(all.map(({ sessionId }) => sessionId)).size).toBe(1_001);
    expect(new Set(all.map(({ userId }) => userId)).size).toBe(1_001);
    for (const { start_time, end_time } of all) {
      expect(start_time.slice(0, 10)).toBe("2026-01-02");
      expect(end_time >= start_time).toBe(true);
    }
  });

  test("are as many in two windows as in both together, wherever the windows meet", () => {
    fc.assert(
      fc.property(fc.integer({ min: from, max: to }), fc.constantFrom(null, ...CONTAINMENT_TYPES), (middle, type) => {
        const totals = [
          ask(type, { from, to: middle }, 0, 1).total,
          ask(type, { from: middle, to }, 0, 1).total,
          ask(type, { from, to }, 0, 1).total,
        ];
        expect((totals[0] ?? 0) + (totals[1] ?? 0)).toBe(totals[2]);
      }),
    );
  });

  test("of all types are merged, newest first", () => {
    const merged = ask(null, { from, to }, 5, 20);
    const separate = CONTAINMENT_TYPES.flatMap((type) => readAll(type, { from, to }));
    const starts = separate.map(({ start_time }) => start_time).toSorted();
    expect(merged.total).toBe(1_001);
    expect(merged.sessions.map(({ start_time }) => start_time)).toEqual(starts.toReversed().slice(5, 25));
  });

  test("beyond the last are none", () => {
    expect(ask("agent", { from, to }, 5_000, 100)).toMatchObject({ moreAvailable: false, sessions: [] });
  });
});
