import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { type BenchCase, type ContenderResult, type Promised, resultOf, type Scale } from "../bench-case.ts";
import { archiveIn, type BenchServer, checkLedger, type ProcessUse, runProcess, startServer } from "../processes.ts";
import type { BusyDay } from "../server/serialised-sessions.ts";

const OURS = "ours: kore-sessions export";
const DOWNLOAD = "only download and JSON.parse";

/** One day from the API to the archive, in a process of its own, against downloading alone in another. */
export function dayEndToEnd(scale: Scale): BenchCase {
  const day = { day: "2026-01-02", sessions: scale === "full" ? 100_000 : 10_000 };
  return {
    name: "day-end-to-end",
    title: "A day end to end, quota off",
    about:
      "The command line, as the package's `bin` starts it, archives one day into a folder: start-up, both readings of the totals, proof, " +
      "Parquet and ledger included. The server is another process on the same machine that has all sessions serialised beforehand. Beside it, also in a process of its own, what no " +
      "exporter can go below: Node downloads the same pages over one connection, and parses them. Checked: the ledger, and each session's id in the archive, once, with DuckDB.",
    unit: "session",
    units: day.sessions,
    rounds: scale === "full" ? 7 : 1,
    warmUp: scale === "full",
    compares: true,
    prepare: () => prepare(day),
    promises,
  };
}

async function prepare(day: BusyDay) {
  const folder = await mkdtemp(join(tmpdir(), "bench-day-"));
  const server = await startServer([day]);
  const figures = ({ elapsedMs, cpuSeconds, peakMegabytes }: ProcessUse) => ({
    "sessions/s": day.sessions / (elapsedMs / 1_000),
    "CPU s": cpuSeconds,
    "MB peak": peakMegabytes,
  });
  const contenders = [
    {
      name: OURS,
      run: async () => {
        const use = await exportDay(server, day, folder);
        return { elapsedMs: use.elapsedMs, figures: figures(use) };
      },
    },
    {
      name: DOWNLOAD,
      run: async () => {
        const use = await runProcess(["bench/download-day.ts", day.day], server.url, folder);
        const { sessions } = JSON.parse(use.stdout) as { sessions: number };
        if (sessions !== day.sessions) throw new Error(`${sessions} sessions were downloaded, not ${day.sessions}`);
        return { elapsedMs: use.elapsedMs, figures: figures(use) };
      },
    },
  ];
  const cleanUp = async () => {
    server.stop();
    await rm(folder, { recursive: true });
  };
  return { contenders, cleanUp };
}

/** Into an archive that does not exist yet. */
async function exportDay(server: BenchServer, day: BusyDay, folder: string): Promise<ProcessUse> {
  const archive = archiveIn(folder);
  await rm(archive, { recursive: true, force: true });
  const use = await runProcess(["cli/main.js", "export", "--json", "--date", day.day], server.url, folder);
  await checkLedger(folder, day);
  const duckDb = await (await DuckDBInstance.create()).connect();
  try {
    const files = join(archive, "sessions/**/*.parquet");
    const reader = await duckDb.runAndReadAll(
      `select count(*)::int, count(distinct session_id)::int from read_parquet('${files}')`,
    );
    const found = String(reader.getRows()[0]);
    if (found !== String([day.sessions, day.sessions])) {
      throw new Error(`rows and ids in the archive are ${found}, not ${day.sessions}`);
    }
  } finally {
    duckDb.closeSync();
  }
  return use;
}

/** Ours is the first: the ratio of the other is how much faster it is. */
function promises(results: readonly ContenderResult[]): Promised[] {
  const value = 1 / resultOf(results, DOWNLOAD).ratio.median;
  return [{ what: "time over only downloading and parsing", value, sense: "at most", limit: 2.3 }];
}
