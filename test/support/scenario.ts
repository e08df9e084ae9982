import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { runCli } from "../../cli/program.ts";
import { type StandIn, type StandInOptions, startStandIn } from "../../demo/stand-in/server.ts";
import { FolderStore } from "../../functions/exporter/archive/folder-store.ts";
import { ledgerKey } from "../../functions/exporter/archive/layout.ts";
import type { LedgerRecord } from "../../functions/exporter/archive/ledger.ts";
import type { DayResult } from "../../functions/exporter/export/export-day.ts";
import { exportDirectly } from "./export-ports.ts";
import { type FileState, filesBelow } from "./files.ts";
import { openFolder } from "./open-folder.ts";
import { VirtualClock } from "./virtual-clock.ts";

export const BOT = "st-support-0001";
export const DAY = "2026-01-02";

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One stand-in, one archive folder, and the command line between them, on a clock that needs no waiting. */
export interface Scenario {
  readonly kore: StandIn;
  readonly archive: string;
  readonly clock: VirtualClock;
  /** Runs a command line in this process. */
  cli(
    args: readonly string[],
    env?: Readonly<Record<string, string | undefined>>,
    signal?: AbortSignal,
  ): Promise<CommandResult>;
  /** Exports `DAY` of `BOT`. */
  exportDay(...args: readonly string[]): Promise<CommandResult>;
  /** Exports `DAY` of `BOT` in slices of at most so many sessions. */
  exportSliced(sliceBudget: number): Promise<DayResult | undefined>;
  /** The sessions of a day as the archive shows them, as `id type` in order. */
  archived(day?: string): Promise<string[]>;
  /** The sessions of a day as the stand-in has them, in the same form. */
  truth(day?: string, bot?: string): string[];
  ledger(day?: string, bot?: string): Promise<LedgerRecord>;
  /** Removes the day's ledger record, as a person might. */
  forgetLedger(): Promise<void>;
  /** The id of one of the day's sessions of a containment type. */
  anySession(containmentType: string): Promise<string>;
  /** Every data file with its hash and the time it was written. */
  files(): Promise<FileState[]>;
}

/** Starts a scenario that ends with the test. If not said otherwise, it is a night later than the one after `DAY`. */
export async function startScenario(options: StandInOptions = {}, now = "2026-01-04T04:00:00Z"): Promise<Scenario> {
  const clock = new VirtualClock(now);
  const kore = await startStandIn({ from: DAY, sessionsPerDay: 60, bots: [BOT], clock, ...options });
  const folder = await mkdtemp(join(tmpdir(), "kore-scenario-"));
  const archive = join(folder, "archive");
  onTestFinished(async () => {
    await kore.close();
    await rm(folder, { recursive: true, force: true });
  });
  const settings = {
    KORE_HOST: kore.url,
    KORE_BOT_IDS: BOT,
    KORE_CLIENT_ID: "cs-demo",
    KORE_CLIENT_SECRET: "demo-secret-of-the-stand-in",
    KORE_ARCHIVE: archive,
    KORE_REQUEST_TIMEOUT_SECONDS: "1",
  };
  const cli: Scenario["cli"] = async (args, env = {}, signal = new AbortController().signal) => {
    const stdout: string[] = [];
    const stderr: string[] = [];
    const code = await runCli(args, {
      stdout: { write: (text) => void stdout.push(text), isTTY: false },
      stderr: { write: (text) => void stderr.push(text), isTTY: false },
      env: { ...settings, ...env },
      clock,
      signal,
    });
    return { code, stdout: stdout.join(""), stderr: stderr.join("") };
  };
  return {
    kore,
    archive,
    clock,
    cli,
    exportDay: (...args) => cli(["export", "--date", DAY, ...args]),
    exportSliced: (sliceBudget) => {
      const store = new FolderStore(archive, clock);
      return exportDirectly({ url: kore.url, store, clock, botId: BOT, day: DAY, sliceBudget });
    },
    archived: (day = DAY) => archivedSessions(archive, day),
    truth: (day = DAY, bot = BOT) => trueSessions(kore, day, bot),
    ledger: async (day = DAY, bot = BOT) => JSON.parse(await readFile(join(archive, ledgerKey(day, bot)), "utf8")),
    forgetLedger: () => rm(join(archive, ledgerKey(DAY, BOT))),
    anySession: async (containmentType) =>
      trueSessions(kore, DAY, BOT)
        .find((text) => text.endsWith(` ${containmentType}`))
        ?.split(" ")[0] ?? "",
    files: () => filesBelow(join(archive, "sessions")),
  };
}

async function archivedSessions(archive: string, day: string): Promise<string[]> {
  const views = await openFolder(archive);
  try {
    const sql = `SELECT session_id || ' ' || containment_type FROM sessions WHERE dt = '${day}'`;
    return (await views.query(sql)).rows.map(([text]) => String(text)).sort();
  } finally {
    views.closeSync();
  }
}

function trueSessions(kore: StandIn, day: string, bot: string): string[] {
  const from = Date.parse(day);
  return kore.store
    .between(bot, from, from + 86_400_000)
    .map(({ session, containmentType }) => `${String(session.sessionId)} ${partitionOf(containmentType)}`)
    .sort();
}

function partitionOf(containmentType: string | null): string {
  const known = containmentType !== null && ["dropOff", "selfService", "agent"].includes(containmentType);
  return known ? containmentType : "unclassified";
}
