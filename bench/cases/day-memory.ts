import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { BenchCase, Contender } from "../bench-case.ts";

const DAY = "2026-01-02";
const BOT = "st-support-0001";

/**
 * A day end to end, without a quota: the command line, started for each run, against a stand-in in a process of its own
 * on the same machine, which makes sessions as they are asked for. Peak memory is the command line's.
 */
export const dayMemory: BenchCase = {
  name: "day-memory",
  unit: "session",
  units: 100_000,
  repeats: 1,
  warmUp: false,
  prepare: async () => {
    const folder = await mkdtemp(join(tmpdir(), "bench-day-"));
    return {
      contenders: [100_000, 1_000_000].map((sessions) => contender(sessions, join(folder, String(sessions)))),
      cleanUp: () => rm(folder, { recursive: true, force: true }),
    };
  },
};

function contender(sessions: number, archive: string): Contender {
  return {
    name: `a day of ${sessions.toLocaleString("en")} sessions`,
    units: sessions,
    run: async () => {
      const kore = await startStandIn(sessions);
      try {
        const started = performance.now();
        const { archived, peakMiB } = await exportDay(kore.url, archive);
        const elapsedMs = performance.now() - started;
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

async function exportDay(url: string, archive: string): Promise<{ archived: number; peakMiB: number }> {
  const args = ["--import", "./bench/tell-peak.ts", "cli/main.ts", "export", "--date", DAY, "--bot", BOT, "--json"];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      KORE_HOST: url,
      KORE_ARCHIVE: archive,
      KORE_CLIENT_ID: "cs-demo",
      KORE_CLIENT_SECRET: "demo-secret-of-the-stand-in",
      KORE_REQUESTS_PER_MINUTE: "0",
      KORE_REQUESTS_PER_HOUR: "0",
    },
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const report = JSON.parse(stdout) as { days: [{ status: string; archived: { total: number } }] };
  if (report.days[0].status !== "complete") throw new Error(`the day is ${report.days[0].status}: ${stderr}`);
  return { archived: report.days[0].archived.total, peakMiB: Number(stderr.trim().split("\n").at(-1)) / 1024 };
}
