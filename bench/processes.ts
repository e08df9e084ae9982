import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { ledgerKey } from "../functions/exporter/archive/layout.ts";
import type { LedgerRecord } from "../functions/exporter/archive/ledger.ts";
import type { BusyDay } from "./server/serialised-sessions.ts";
import { BENCH_BOT } from "./sessions.ts";

/** A server of sessions in a process of its own. */
export interface BenchServer {
  readonly url: string;
  stop(): void;
}

/** What a process did and used. */
export interface ProcessUse {
  readonly stdout: string;
  /** From its start to its end. */
  readonly elapsedMs: number;
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
}

/** Starts a server, and waits until it answers. */
export async function startServer(days: readonly BusyDay[]): Promise<BenchServer> {
  const args = ["bench/server/main.ts", ...days.map(({ day, sessions }) => `${day}=${sessions}`)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const line = await Promise.race([firstOutput(child), once(child, "exit").then(() => null)]);
  if (line === null) throw new Error("the server of sessions ended before it answered");
  return { url: (JSON.parse(line) as { url: string }).url, stop: () => void child.kill() };
}

async function firstOutput(child: ChildProcess): Promise<string> {
  const [line] = (await once(child.stdout ?? child, "data")) as [Buffer];
  return line.toString();
}

/**
 * Runs a file of ours as a process of its own, in a folder that is made if need be: against a server without a quota,
 * into an archive within the folder. Settings of whoever runs this do not count, nor does their `.env`. Throws if it
 * fails.
 */
export async function runProcess(
  [file, ...args]: readonly [string, ...string[]],
  url: string,
  folder: string,
): Promise<ProcessUse> {
  await mkdir(folder, { recursive: true });
  const started = performance.now();
  const child = spawn(process.execPath, ["--import", resolve("bench/tell-peak.ts"), resolve(file), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: folder,
    env: { ...withoutSettings(process.env), ...exporterSettings(url, folder) },
  });
  const ended = once(child, "exit").then(() => performance.now() - started);
  const [stdout, stderr, elapsedMs] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (child.exitCode !== 0)
    throw new Error(`${[file, ...args].join(" ")} ended with ${child.exitCode}: ${stdout}${stderr}`);
  const [cpuMicroseconds, peakKiB] = stderr.trim().split("\n").slice(-2).map(Number);
  return {
    stdout,
    elapsedMs,
    cpuSeconds: (cpuMicroseconds ?? Number.NaN) / 1e6,
    peakMegabytes: ((peakKiB ?? Number.NaN) * 1024) / 1e6,
  };
}

/** Where the archive lies within the folder of a process. */
export function archiveIn(folder: string): string {
  return join(folder, "archive");
}

function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("KORE_")));
}

function exporterSettings(url: string, folder: string): Record<string, string> {
  return {
    KORE_HOST: url,
    KORE_BOT_IDS: BENCH_BOT,
    KORE_ARCHIVE: archiveIn(folder),
    KORE_SCRATCH: join(folder, "scratch"),
    KORE_CLIENT_ID: "cs-bench",
    KORE_CLIENT_SECRET: "secret-that-nobody-checks",
    KORE_REQUESTS_PER_MINUTE: "0",
    KORE_REQUESTS_PER_HOUR: "0",
  };
}

/** Throws unless the archive of a process in a folder vouches for all sessions of a day. */
export async function checkLedger(folder: string, { day, sessions }: BusyDay): Promise<void> {
  const record = await readFile(join(archiveIn(folder), ledgerKey(day, BENCH_BOT)), "utf8");
  const { status, archived } = JSON.parse(record) as LedgerRecord;
  if (status !== "complete") throw new Error(`${day} is ${status}`);
  if (archived.total !== sessions)
    throw new Error(`${archived.total} sessions of ${day} are archived, not ${sessions}`);
}
