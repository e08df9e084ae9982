import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type BenchCase,
  type Contender,
  type ContenderResult,
  medianOf,
  type Promised,
  type Scale,
} from "../bench-case.ts";
import { checkLedger, runProcess, startServer } from "../processes.ts";
import type { BusyDay } from "../server/serialised-sessions.ts";

const DAY = "2026-01-02";
const PEAK = "MB peak";

/** Ways to export a day: the command line at once, and what is deployed, in steps with a scratch of its own. */
const WAYS = {
  "at once": ["cli/main.js", "export", "--json", "--date"],
  "in steps": ["bench/deployed-day.ts"],
} as const;
type Way = keyof typeof WAYS;
const ALL_WAYS = Object.keys(WAYS) as Way[];

/** Peak memory of a day and of one ten times as large. */
export function dayMemory(scale: Scale): BenchCase {
  const sizes = scale === "full" ? ([100_000, 1_000_000] as const) : ([10_000, 50_000] as const);
  return {
    name: "day-memory",
    title: "Peak memory",
    about:
      "The largest resident set of the process that exports a day: by the command line, at once, and by the deployed function's handler, in steps. " +
      "The server is another process. Checked: the ledger.",
    unit: "session",
    units: sizes[0],
    rounds: 1,
    warmUp: false,
    compares: false,
    prepare: () => prepare(sizes),
    promises: (results) => ALL_WAYS.flatMap((way) => promisesFor(way, sizes, results)),
  };
}

async function prepare(sizes: readonly number[]) {
  const folder = await mkdtemp(join(tmpdir(), "bench-memory-"));
  const contenders = sizes.flatMap((sessions) => ALL_WAYS.map((way) => contender(way, sessions, folder)));
  return { contenders, cleanUp: () => rm(folder, { recursive: true, force: true }) };
}

const nameOf = (way: Way, sessions: number) => `${sessions.toLocaleString("en")} sessions ${way}`;

function contender(way: Way, sessions: number, folder: string): Contender {
  const day: BusyDay = { day: DAY, sessions };
  const own = join(folder, nameOf(way, sessions));
  return {
    name: nameOf(way, sessions),
    units: sessions,
    run: async () => {
      const server = await startServer([day]);
      try {
        const use = await runProcess([...WAYS[way], DAY], server.url, own);
        await checkLedger(own, day);
        return { elapsedMs: use.elapsedMs, figures: { [PEAK]: use.peakMegabytes, "CPU s": use.cpuSeconds } };
      } finally {
        server.stop();
        await rm(own, { recursive: true, force: true });
      }
    },
  };
}

function promisesFor(
  way: Way,
  [small, large]: readonly [number, number],
  results: readonly ContenderResult[],
): Promised[] {
  const most = medianOf(results, nameOf(way, large), PEAK);
  const ratio = most / medianOf(results, nameOf(way, small), PEAK);
  const [of, over] = [large.toLocaleString("en"), small.toLocaleString("en")];
  return [
    { what: `peak memory of ${of} sessions over that of ${over}, ${way}`, value: ratio, sense: "at most", limit: 1.1 },
    { what: `peak memory of ${of} sessions ${way}, MB`, value: most, sense: "at most", limit: 400 },
  ];
}
