import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type BenchCase,
  type Contender,
  type ContenderResult,
  type Promised,
  resultOf,
  type Scale,
} from "../bench-case.ts";
import { checkLedger, runProcess, startServer } from "../processes.ts";
import type { BusyDay } from "../server/serialised-sessions.ts";

/** Days are small or large: several small ones in a row take long enough to be measured. */
const SMALL_DAYS = ["2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05", "2026-01-06"];
const LARGE_DAY = "2026-01-12";
const WARM_DAYS = ["2026-01-21", "2026-01-22"];

/** Whether a session costs more where there are many. */
export function growth(scale: Scale): BenchCase {
  const [small, large, warm] = scale === "full" ? [10_000, 1_000_000, 30_000] : [2_000, 50_000, 5_000];
  const name = (sessions: number) => `a day of ${sessions.toLocaleString("en")}`;
  return {
    name: "growth",
    title: "Growth",
    about:
      "Time for a session in a small day and in a large one, without the start of the process, and after two other days have warmed it up. " +
      `Of small days there are ${SMALL_DAYS.length}, one after another. The same server and checks as for a day end to end, in a process for each run.`,
    unit: "session",
    units: small * SMALL_DAYS.length,
    rounds: scale === "full" ? 3 : 1,
    warmUp: false,
    compares: true,
    prepare: async () => {
      const folder = await mkdtemp(join(tmpdir(), "bench-growth-"));
      const warmDays = WARM_DAYS.map((day) => ({ day, sessions: warm }));
      const smallDays = SMALL_DAYS.map((day) => ({ day, sessions: small }));
      const contenders = [
        contender(name(small), smallDays, warmDays, folder),
        contender(name(large), [{ day: LARGE_DAY, sessions: large }], warmDays, folder),
      ];
      return { contenders, cleanUp: () => rm(folder, { recursive: true, force: true }) };
    },
    promises: (results) => promises(name(small), name(large), results),
  };
}

function contender(name: string, days: readonly BusyDay[], warmDays: readonly BusyDay[], folder: string): Contender {
  return {
    name,
    units: days.reduce((sum, { sessions }) => sum + sessions, 0),
    run: async () => {
      const own = join(folder, name);
      const server = await startServer([...warmDays, ...days]);
      try {
        const spans = [warmDays, days].flatMap((span) => [span[0]?.day ?? "", span.at(-1)?.day ?? ""]);
        const use = await runProcess(["bench/warm-export.ts", ...spans], server.url, own);
        for (const day of days) await checkLedger(own, day);
        return { elapsedMs: (JSON.parse(use.stdout) as { elapsedMs: number }).elapsedMs, figures: {} };
      } finally {
        server.stop();
        await rm(own, { recursive: true, force: true });
      }
    },
  };
}

function promises(small: string, large: string, results: readonly ContenderResult[]): Promised[] {
  const value = resultOf(results, large).ratio.median;
  return [{ what: `time for a session in ${large} over that in ${small}`, value, sense: "at most", limit: 1.1 }];
}
