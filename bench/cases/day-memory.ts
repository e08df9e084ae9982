import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { ledgerKey } from "../../functions/exporter/archive/layout.ts";
import type { LedgerRecord } from "../../functions/exporter/archive/ledger.ts";
import type { BenchCase, Contender } from "../bench-case.ts";

const DAY = "2026-01-02";
const BOT = "st-support-0001";

/** Ways to export a day: the command line at once, and what is deployed, in steps with a scratch of its own. */
const WAYS = {
  "at once": ["cli/main.ts", "export", "--json", "--date"],
  "in steps": ["bench/deployed-day.ts"],
} as const;
type Way = keyof typeof WAYS;

/**
 * A day end to end, without a quota, in a process of its own for each run, against a stand-in in another one on the same
 * machine, which makes sessions as they are asked for. Peak memory is that of the exporting process.
 */
export const dayMemory: BenchCase = {
  name: "day-memory",
  unit: "session",
  units: 100_000,
  repeats: 1,
  warmUp: false,
  prepare: async () => {
    const folder = await mkdtemp(join(tmpdir(), "bench-day-"));
    const sizes = [100_000, 1_000_000];
    const ways = Object.keys(WAYS) as Way[];
    return {
      contenders: sizes.flatMap((sessions) =>
        ways.map((way) => contender(way, sessions, join(folder, `${way.replace(" ", "-")}-${sessions}`))),
      ),
      cleanUp: () => rm(folder, { recursive: true, force: true }),
    };
  },
};

function contender(way: Way, sessions: number, folder: string): Contender {
  return {
    name: `${sessions.toLocaleString("en")} sessions ${way}`,
    units: sessions,
    run: async () => {
      const kore = await startStandIn(sessions);
      try {
        const started = performance.now();
        const peakMiB = await exportDay(way, kore.url, folder);
        const elapsedMs = performance.now() - started;
        const archived = await archivedSessions(folder);
        if (archived !== sessions) throw new Error(`${archived} sessions were archived, not ${sessions}`);
        return { elapsedMs, figures: { "MiB peak": peakMiB } };
      } finally {
        kore.stop();
      }
    },
  };
}

async function startStandIn(sessions: number): Promise<{ url: string; stop: () => void }> {
  const unlimited = ["--requests-per-minute", "0", "--requests-per-hour", "0"];
  const args = [
    "demo/stand-in/main.ts",
    "--from",
    DAY,
    "--bots",
    BOT,
    "--lazy-sessions",
    String(sessions),
    ...unlimited,
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { url: (JSON.parse(line.toString()) as { url: string }).url, stop: () => void child.kill() };
}

/** Exports the day, and returns the peak of the process's memory in MiB. */
async function exportDay(way: Way, url: string, folder: string): Promise<number> {
  const child = spawn(process.execPath, ["--import", "./bench/tell-peak.ts", ...WAYS[way], DAY], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      KORE_HOST: url,
      KORE_BOT_IDS: BOT,
      KORE_ARCHIVE: join(folder, "archive"),
      KORE_SCRATCH: join(folder, "scratch"),
      KORE_CLIENT_ID: "cs-demo",
      KORE_CLIENT_SECRET: "demo-secret-of-the-stand-in",
      KORE_REQUESTS_PER_MINUTE: "0",
      KORE_REQUESTS_PER_HOUR: "0",
    },
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (!stdout.includes('"status":"complete"')) throw new Error(`the day is not complete: ${stdout}${stderr}`);
  return Number(stderr.trim().split("\n").at(-1)) / 1024;
}

async function archivedSessions(folder: string): Promise<number> {
  const record = JSON.parse(await readFile(join(folder, "archive", ledgerKey(DAY, BOT)), "utf8")) as LedgerRecord;
  return record.archived.total;
}
