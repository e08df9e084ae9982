import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sampleSession } from "../../demo/stand-in/server.ts";
import { filesBelow } from "../support/files.ts";
import { presentTime, startCli, startProcess } from "../support/processes.ts";
import { BOT, DAY, type Scenario, startScenario } from "../support/scenario.ts";
import { brokenVouchers } from "../support/vouched.ts";

const EXPORT = ["export", "--date", DAY, "--bot", BOT];
const UNLIMITED = { requestsPerMinute: 0, requestsPerHour: 0, sessionsPerDay: 30 };
/** Runs an export in a process of its own that is killed at the n-th step; true if it was. */
async function exportAndDie({ kore, archive }: Scenario, n: number): Promise<boolean> {
  const args = [kore.url, archive, DAY, BOT, String(n)];
  const { code, signal, stderr } = await startProcess("test/support/dying-export.ts", args).ended;
  if (signal === null) expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return signal === "SIGKILL";
}

/** Paths and hashes of everything that a reader sees. */
async function content(scenario: Scenario): Promise<string[]> {
  return (await scenario.files()).map(({ path, sha256 }) => `${path} ${sha256}`);
}

describe("an export that is killed", () => {
  test("at any step of a first export ends, run again, as if nothing had happened", { timeout: 60_000 }, async () => {
    const scenario = await startScenario(UNLIMITED, presentTime());
    await scenario.exportDay();
    const undisturbed = await content(scenario);
    let deaths = 0;
    for (let n = 1; ; n += 2) {
      await rm(scenario.archive, { recursive: true, force: true });
      if (!(await exportAndDie(scenario, n))) break;
      deaths++;
      expect(await brokenVouchers(scenario.archive)).toEqual([]);
      expect((await scenario.exportDay()).code).toBe(0);
      expect(await content(scenario)).toEqual(undisturbed);
      expect((await readdir(scenario.archive)).sort()).toEqual([".lock", "digests", "exports", "index", "sessions"]);
    }
    expect(deaths).toBeGreaterThan(8);
  });

  test("at any step of a re-export ends, run again, as if nothing had happened", { timeout: 60_000 }, async () => {
    const scenario = await startScenario(UNLIMITED, presentTime());
    const { store } = scenario.kore;
    const change = sampleSession({ botId: BOT, startTime: `${DAY}T10:00:00.000Z` }, { sessionId: "changing" });
    store.add(BOT, change);
    let deaths = 0;
    for (let n = 1; ; n += 2) {
      store.update(BOT, "changing", { containmentType: "dropOff" });
      expect((await scenario.exportDay()).code).toBe(0);
      store.update(BOT, "changing", { containmentType: "agent" });
      if (!(await exportAndDie(scenario, n))) break;
      deaths++;
      expect(await brokenVouchers(scenario.archive)).toEqual([]);
      expect((await scenario.exportDay()).code).toBe(0);
      expect(await scenario.archived()).toEqual(scenario.truth());
      expect(await brokenVouchers(scenario.archive)).toEqual([]);
    }
    expect(deaths).toBeGreaterThan(8);
  });

  test("while it reads leaves an archived day as it was", async () => {
    const scenario = await startScenario(UNLIMITED, presentTime());
    await scenario.exportDay();
    const before = await filesBelow(scenario.archive);
    scenario.kore.misbehave({ kind: "hang", after: 3 });
    const seen = scenario.kore.requests.length;
    const run = startCli(scenario, EXPORT);
    await expect.poll(() => scenario.kore.requests.length, { timeout: 10_000 }).toBeGreaterThan(seen + 3);
    run.child.kill("SIGKILL");
    await run.ended;
    expect(await filesBelow(scenario.archive)).toEqual(before);
  });
});

describe("an interrupt", () => {
  test("exits with 130, leaves the day as it was, and a rerun finishes the work", async () => {
    const scenario = await startScenario(UNLIMITED, presentTime());
    scenario.kore.misbehave({ kind: "hang", after: 2 });
    const run = startCli(scenario, EXPORT);
    await expect.poll(() => scenario.kore.requests.length, { timeout: 10_000 }).toBeGreaterThan(2);
    run.child.kill("SIGINT");
    const { code, stderr } = await run.ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/^Interrupted\. .*\n$/);
    expect(await filesBelow(join(scenario.archive, "exports"))).toEqual([]);
    scenario.kore.misbehave();
    expect((await scenario.exportDay()).code).toBe(0);
    expect(await scenario.archived()).toEqual(scenario.truth());
  });
});

describe("two exports of one day at once", () => {
  test("end as one would", async () => {
    const scenario = await startScenario(UNLIMITED, presentTime());
    const runs = await Promise.all([1, 2, 3].map(() => startCli(scenario, EXPORT).ended));
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(Array(3).fill({ code: 0, stderr: "" }));
    expect(await scenario.archived()).toEqual(scenario.truth());
    expect(await brokenVouchers(scenario.archive)).toEqual([]);
  });
});
