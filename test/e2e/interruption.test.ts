import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { GRACE_MS } from "../../cli/interruption.ts";
import { FolderLock } from "../../functions/exporter/archive/folder-lock.ts";
import { systemClock } from "../../functions/exporter/clock.ts";
import { presentTime, type RunningProcess, startCli, startProcess } from "../support/processes.ts";
import { BOT, DAY, startScenario } from "../support/scenario.ts";

const SETTINGS = {
  KORE_BOT_IDS: BOT,
  KORE_CLIENT_ID: "cs-1",
  KORE_CLIENT_SECRET: "hush-hush",
  KORE_HASH_KEY: "0123456789abcdef0123456789abcdef",
  AWS_REGION: "us-east-1",
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
};

const IS_POSIX = process.platform !== "win32";
const JSON_LOG = ["--log-format", "json"];
const INTERRUPTED = /^(.*\n)*Interrupted\. .*\n$/;

/** A server that takes every request and answers none. */
async function startSilentServer(): Promise<{ readonly url: string; readonly asked: Promise<unknown> }> {
  const server = createServer();
  const asked = once(server, "request");
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

/** Runs a command against a server that is silent, and tells it to stop once it has asked something. */
async function stopWhileAsking(args: readonly string[], env: NodeJS.ProcessEnv): Promise<RunningProcess["ended"]> {
  const { url, asked } = await startSilentServer();
  const run = startProcess("cli/main.js", args, { ...SETTINGS, AWS_ENDPOINT_URL: url, KORE_HOST: url, ...env });
  await Promise.race([asked, run.ended]);
  return stopped(run);
}

/** A named pipe into which nothing is ever written. */
function makePipe(folder: string): string {
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  return path;
}

/** Waits until somebody reads from a pipe, who waits from then on until the test has finished. */
async function readerOf(pipe: string): Promise<void> {
  const writer = await open(pipe, "w");
  onTestFinished(() => writer.close());
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kore-interruption-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const BUCKET = { KORE_ARCHIVE: "s3://archive-bucket/kore" };
const IN_A_SECRET = { KORE_CLIENT_ID: "", KORE_CLIENT_SECRET: "", KORE_HASH_KEY: "", KORE_SECRET_ID: "kore/sessions" };
const RANGE = ["--from", "2026-01-01", "--to", "2026-01-02"];

describe("a command that is told to stop", () => {
  test.each<[string, readonly (readonly [readonly string[], NodeJS.ProcessEnv])[]]>([
    [
      "a bucket or a secret",
      [
        [["status"], BUCKET],
        [["sql", "SELECT 1"], BUCKET],
        [["report", "--json"], BUCKET],
        [["verify"], BUCKET],
        [["erase", "--user-id", "zoe"], BUCKET],
        [["fetch"], IN_A_SECRET],
      ],
    ],
    [
      "Kore or a function",
      [
        [["fetch"], {}],
        [["doctor"], {}],
        [["init", "--yes"], {}],
        [["export", "--archive", "./archive"], {}],
        [["backfill", "--local", "--archive", "./archive", ...RANGE], {}],
        [["backfill", "--function", "arn:aws:lambda:us-east-1:123456789012:function:exporter:live", ...RANGE], {}],
      ],
    ],
  ])("ends with exit code 130 where it waits for %s", { timeout: 40_000 }, async (_, commands) => {
    const ends = await Promise.all(commands.map(([args, env]) => stopWhileAsking(args, env)));
    for (const [index, { code, stderr }] of ends.entries()) {
      expect({ command: commands[index], code }).toMatchObject({ code: 130 });
      expect(stderr).toMatch(/(Interrupted|No longer following)\. /);
      expect(stderr).not.toContain("did not answer");
    }
  });

  test("ends in the middle of a long query, and leaves no temporary folder", { timeout: 40_000 }, async () => {
    const folder = await newFolder();
    const endless = "SELECT count(*) FROM range(1000000000) a, range(1000) b WHERE a.range * b.range % 7 = 3";
    const run = startProcess("cli/main.js", ["sql", endless, "--archive", "./archive"], { TMPDIR: folder });
    await expect.poll(() => readdir(folder), { timeout: 20_000 }).not.toEqual([]);
    run.child.kill("SIGTERM");
    expect(await run.ended).toMatchObject({ code: 130, stdout: "", stderr: expect.stringMatching(INTERRUPTED) });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("a command that does not stop by itself", () => {
  test("is given less than five seconds", () => {
    expect(GRACE_MS).toBeLessThan(5_000);
  });

  test.runIf(IS_POSIX)("is ended with exit code 130, whatever it waits for", { timeout: 60_000 }, async () => {
    const scenario = await startScenario({ requestsPerMinute: 0, requestsPerHour: 0 }, presentTime());
    await scenario.exportDay();
    const pipe = makePipe(await newFolder());
    const reads = async () => {
      const run = startProcess("cli/main.js", ["verify", "--public-key", pipe, ...JSON_LOG]);
      await readerOf(pipe);
      return stopped(run);
    };
    const isLockedOut = () =>
      new FolderLock(join(scenario.archive, ".lock"), systemClock).hold(async () => {
        const asked = scenario.kore.requests.length;
        const run = startCli(scenario, ["export", "--date", DAY, "--bot", BOT, ...JSON_LOG]);
        await expect.poll(() => scenario.kore.requests.length, { timeout: 20_000 }).toBeGreaterThan(asked);
        return stopped(run);
      });
    const [unread, ...ends] = await Promise.all([
      printsForNobody(),
      reads(),
      isLockedOut(),
      stopWhileAsking(["export", ...JSON_LOG], BUCKET),
      stopWhileAsking(["export", "--archive", "./archive", ...JSON_LOG], IN_A_SECRET),
      stopWhileAsking(["erase", "--user-id", "zoe", "--apply", "--reference", "T-1", ...JSON_LOG], BUCKET),
    ]);
    const message =
      "Interrupted. What it waited for did not answer. Nothing is half-written; the same command finishes the work.";
    expect(unread).toEqual([130, null]);
    for (const { code, stderr } of ends) {
      expect({ code, stderr }).toMatchObject({ code: 130 });
      expect(JSON.parse(stderr)).toMatchObject({ level: "info", event: "interrupted", message });
    }
  });

  test.runIf(IS_POSIX)("is ended at once if it is told so twice", { timeout: 40_000 }, async () => {
    const pipe = makePipe(await newFolder());
    const run = startProcess("cli/main.js", ["verify", "--public-key", pipe, "--archive", "./archive"]);
    await readerOf(pipe);
    run.child.kill("SIGINT");
    run.child.kill("SIGTERM");
    expect(await run.ended).toMatchObject({ code: 130, stderr: "" });
  });
});

/** Tells a command to stop whose output is never read; resolves to what its exit tells. */
async function printsForNobody(): Promise<unknown[]> {
  const sql = "SELECT i, i::VARCHAR || 'abcdefgh' FROM range(100000) t(i)";
  const { child } = startProcess("cli/main.js", ["sql", sql, "--json", "--archive", "./archive"]);
  child.stdout?.pause();
  await expect.poll(() => child.stdout?.readableLength, { timeout: 20_000 }).toBeGreaterThan(0);
  child.kill("SIGTERM");
  const exit = await once(child, "exit");
  child.stdout?.resume();
  return exit;
}

/** Tells a command to stop, and waits for its end. */
function stopped({ child, ended }: RunningProcess): RunningProcess["ended"] {
  child.kill("SIGTERM");
  return ended;
}
