import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { sampleSession } from "../../demo/stand-in/server.ts";
import { FolderStore } from "../../functions/exporter/archive/folder-store.ts";
import { ledgerKey, rejectedKey, sessionKey } from "../../functions/exporter/archive/layout.ts";
import { exportDirectly } from "../support/export-ports.ts";
import { BOT, DAY, type Scenario, startScenario } from "../support/scenario.ts";
import { brokenVouchers } from "../support/vouched.ts";

const OTHER_BOT = "st-sales-0002";
const DAY_MS = 86_400_000;

/** Kore forgets the newest sessions of the day. */
function forget({ kore }: Scenario, count: number): void {
  const sessions = kore.store.between(BOT, Date.parse(DAY), Date.parse(DAY) + DAY_MS);
  for (const { session } of sessions.slice(0, count)) kore.store.remove(BOT, String(session.sessionId));
}

/** Leaves the day as a run does that dies after its mark and its first file. */
async function dieWhilePublishing(scenario: Scenario): Promise<void> {
  const before = await scenario.ledger();
  const problems = [{ code: "ERR_EXPORT_UNFINISHED", message: "replacing" }];
  const mark = { ...before, status: "incomplete", problems };
  await writeFile(join(scenario.archive, ledgerKey(DAY, BOT)), JSON.stringify(mark));
  await writeFile(join(scenario.archive, sessionKey(DAY, "agent", BOT, 0)), "half of another run's work");
}

describe("an archive never shrinks by itself", () => {
  test("even if its day was never proven", async () => {
    const scenario = await startScenario();
    scenario.kore.misbehave({ kind: "total", as: "missing" });
    await scenario.exportDay();
    scenario.kore.misbehave();
    forget(scenario, 60);
    expect((await scenario.exportDay()).code).toBe(1);
    expect(await scenario.archived()).toHaveLength(60);
    const { status, problems } = await scenario.ledger();
    expect(status).toBe("incomplete");
    expect(problems.map(({ code }) => code)).toContain("ERR_SESSIONS_GONE");
    expect((await scenario.exportDay("--accept-fewer")).code).toBe(0);
    expect(await scenario.archived()).toEqual([]);
  });

  test("and stays complete if it is proven, whatever attempts failed in between", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    scenario.kore.misbehave({ kind: "total", as: "missing" });
    expect((await scenario.exportDay()).code).toBe(1);
    scenario.kore.misbehave();
    forget(scenario, 1);
    expect((await scenario.exportDay()).code).toBe(0);
    expect(await scenario.ledger()).toMatchObject({ status: "complete", problems: [{ code: "ERR_SESSIONS_GONE" }] });
    expect(await scenario.archived()).toHaveLength(60);
  });

  test("nor loses its proof, if it is empty, to a reading that proves nothing", async () => {
    const scenario = await startScenario({ sessionsPerDay: 0 });
    await scenario.exportDay();
    scenario.kore.misbehave({ kind: "total", as: "missing" });
    expect((await scenario.exportDay()).code).toBe(1);
    expect(await scenario.ledger()).toMatchObject({ status: "complete", problems: [{ code: "ERR_TOTALS_MISSING" }] });
  });

  test("even if its record is lost and Kore has forgotten the day", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    await scenario.forgetLedger();
    forget(scenario, 60);
    const { code, stdout } = await scenario.exportDay();
    expect(code).toBe(1);
    expect(stdout).toContain("ERR_SESSIONS_GONE");
    expect(await scenario.archived()).toHaveLength(60);
    expect((await scenario.exportDay("--accept-fewer")).code).toBe(0);
    expect(await scenario.archived()).toEqual([]);
  });

  test("and is repaired by a proven reading after a failure, with exit code 0", async () => {
    const scenario = await startScenario();
    scenario.clock.advance(Date.parse(`${DAY}T23:59:30Z`) - scenario.clock.now());
    await scenario.exportDay();
    scenario.kore.misbehave({ kind: "refused", status: 403 });
    await scenario.exportDay();
    expect((await scenario.ledger()).status).toBe("incomplete");
    scenario.kore.misbehave();
    scenario.clock.advance(DAY_MS);
    forget(scenario, 1);
    expect((await scenario.exportDay()).code).toBe(0);
    const { status, problems } = await scenario.ledger();
    expect([status, ...problems.map(({ code }) => code)]).toEqual(["provisional", "ERR_SESSIONS_GONE"]);
    expect(await scenario.archived()).toHaveLength(60);
  });

  test("nor withholds new sessions because strays were counted before", async () => {
    const scenario = await startScenario({ from: "2025-12-25", to: "2026-01-09", pageCap: 200 });
    scenario.kore.misbehave({ kind: "extra-rows", of: "other-days", rows: 15, counted: false });
    await scenario.exportDay();
    for (const id of ["n1", "n2"]) {
      scenario.kore.store.add(BOT, { ...sampleSession({ botId: BOT, startTime: `${DAY}T10:00:00Z` }), sessionId: id });
    }
    scenario.kore.misbehave({ kind: "total", as: "missing" });
    await scenario.exportDay();
    expect(await scenario.archived()).toHaveLength(62);
  });
});

describe("a day whose export died while it was published", () => {
  test("is repaired, and adopted, where Kore has forgotten a session since: anybody could leave such a mark", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    await dieWhilePublishing(scenario);
    forget(scenario, 1);
    expect((await scenario.exportDay()).code).toBe(0);
    expect(await scenario.archived()).toEqual(scenario.truth());
    expect(await scenario.ledger()).toMatchObject({
      status: "complete",
      problems: [{ code: "ERR_SESSIONS_GONE" }],
      adopted: { reason: expect.stringContaining("was in no digest") },
    });
  });

  test("is left as it is by a reading that proves nothing and holds less", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    await dieWhilePublishing(scenario);
    const before = await scenario.files();
    forget(scenario, 1);
    scenario.kore.misbehave({ kind: "total", as: "missing" });
    expect((await scenario.exportDay()).code).toBe(1);
    expect(await scenario.files()).toEqual(before);
    scenario.kore.misbehave();
    expect((await scenario.exportDay()).code).toBe(0);
    expect(await scenario.archived()).toEqual(scenario.truth());
    expect(await brokenVouchers(scenario.archive)).toEqual([]);
  });
});

describe("a day whose publishing takes longer than its deadline", () => {
  test("is given up as incomplete, and finished by the next export", async () => {
    const scenario = await startScenario();
    const real = new FolderStore(scenario.archive, scenario.clock);
    const slow = Object.assign(Object.create(real) as FolderStore, {
      writeFile: async (...args: Parameters<FolderStore["writeFile"]>) => {
        scenario.clock.advance(5 * 60_000);
        return real.writeFile(...args);
      },
    });
    const { kore, clock } = scenario;
    const day = await exportDirectly({ url: kore.url, store: slow, clock, botId: BOT, day: DAY, sliceBudget: 1_000 });
    expect(day?.error).toMatchObject({
      code: "ERR_PUBLISH_DEADLINE",
      message: expect.stringMatching(/2026-01-02, st-support-0001, took longer than 5 minutes\..* next export/),
    });
    expect(await scenario.files()).toHaveLength(1);
    expect(await scenario.ledger()).toMatchObject({ status: "incomplete" });
    expect((await scenario.exportDay()).code).toBe(0);
    expect(await scenario.archived()).toEqual(scenario.truth());
    expect(await scenario.ledger()).toMatchObject({ status: "complete", problems: [] });
  });
});

describe("a day whose export died, and of which Kore has forgotten most", () => {
  test("keeps its files until somebody accepts the loss", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    await dieWhilePublishing(scenario);
    const before = await scenario.files();
    forget(scenario, 60);
    expect((await scenario.exportDay()).code).toBe(1);
    expect(await scenario.files()).toEqual(before);
    expect((await scenario.exportDay("--accept-fewer")).code).toBe(0);
    expect(await scenario.archived()).toEqual([]);
  });
});

describe("a ledger record that is not the day's own", () => {
  test("of another source is refused, and nobody's files are touched", async () => {
    const scenario = await startScenario({ bots: [BOT, OTHER_BOT] });
    await scenario.exportDay();
    const before = await scenario.files();
    await copyFile(join(scenario.archive, ledgerKey(DAY, BOT)), join(scenario.archive, ledgerKey(DAY, OTHER_BOT)));
    const { code, stdout } = await scenario.cli(["export", "--date", DAY, "--bot", OTHER_BOT]);
    expect(code).toBe(1);
    expect(stdout).toContain("ERR_LEDGER_UNREADABLE");
    expect(await scenario.files()).toEqual(before);
  });

  test("cannot make an export write over other keys", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    const path = join(scenario.archive, ledgerKey(DAY, BOT));
    const record = await scenario.ledger();
    const foreign = {
      key: ledgerKey("2026-01-01", BOT),
      containment_type: "agent",
      row_count: 1,
      bytes: 1,
      sha256: "0",
    };
    await writeFile(path, JSON.stringify({ ...record, files: [...record.files, foreign] }));
    expect((await scenario.exportDay()).code).toBe(0);
    expect((await scenario.ledger()).files).toEqual(record.files);
  });

  test("if damaged, stops neither other days nor other sources", async () => {
    const scenario = await startScenario({ from: "2026-01-01", to: "2026-01-03", bots: [BOT, OTHER_BOT] });
    const damaged = join(scenario.archive, ledgerKey("2026-01-01", BOT));
    await mkdir(dirname(damaged), { recursive: true });
    await writeFile(damaged, "");
    const range = ["export", "--from", "2026-01-01", "--to", "2026-01-02", "--bot", BOT, "--bot", OTHER_BOT, "--json"];
    const { code, stdout } = await scenario.cli(range);
    expect(code).toBe(1);
    const days = JSON.parse(stdout).days.map((day: { status: string; error: { code: string } | null }) => [
      day.status,
      day.error?.code,
    ]);
    expect(days).toEqual([
      ["failed", "ERR_LEDGER_UNREADABLE"],
      ["complete", undefined],
      ["complete", undefined],
      ["complete", undefined],
    ]);
  });
});

describe("files that the record has forgotten", () => {
  test("are emptied after the advice of an error was followed, and another attempt failed", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    await scenario.forgetLedger();
    scenario.kore.store.update(BOT, await scenario.anySession("agent"), { containmentType: "dropOff" });
    scenario.kore.misbehave({ kind: "refused", status: 403 });
    await scenario.exportDay();
    scenario.kore.misbehave();
    expect((await scenario.exportDay()).code).toBe(0);
    expect(await scenario.archived()).toEqual(scenario.truth());
  });

  test("are emptied among rejected rows, too", async () => {
    const scenario = await startScenario();
    const path = join(scenario.archive, rejectedKey(DAY, BOT));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, "a row of an earlier export\n");
    expect((await scenario.exportDay()).code).toBe(0);
    expect(await readFile(path, "utf8")).toBe("");
  });
});

describe("a day of several slices", () => {
  test("does not hold a session twice whose start moved while the day was read", async () => {
    const scenario = await startScenario({ sessionsPerDay: 200, pageCap: 20 });
    const moving = { ...sampleSession({ botId: BOT, startTime: `${DAY}T00:30:00Z` }), sessionId: "moving" };
    scenario.kore.store.add(BOT, moving);
    scenario.kore.store.add(BOT, { ...moving, sessionId: "leaving", start_time: `${DAY}T23:00:00.000Z` });
    scenario.kore.misbehave({
      kind: "before-request",
      after: 40,
      times: 1,
      change: (store) => {
        store.update(BOT, "moving", { start_time: `${DAY}T22:00:00.000Z` });
        store.remove(BOT, "leaving");
        store.add(BOT, { ...moving, sessionId: "coming", start_time: `${DAY}T00:31:00.000Z` });
      },
    });
    await scenario.exportSliced(40);
    const archived = await scenario.archived();
    expect(archived.filter((text) => text.startsWith("moving"))).toHaveLength(1);
    if ((await scenario.ledger()).status === "complete") expect(archived).toEqual(scenario.truth());
  });
});

describe("an answer that cannot be trusted", () => {
  test("does not end a list that never ends by itself", async () => {
    const scenario = await startScenario({ sessionsPerDay: 0, pageCap: 1_000 });
    let number = 0;
    scenario.kore.misbehave(
      { kind: "more-available", as: true },
      { kind: "skip-ignored" },
      {
        kind: "before-request",
        change: (store) => {
          for (let count = 0; count < 1_000; count++) {
            const startTime = new Date(Date.parse(DAY) + number++).toISOString();
            store.add(BOT, { sessionId: `endless-${number}`, start_time: startTime, containmentType: "agent" });
          }
        },
      },
      { kind: "total", as: "null" },
    );
    const { code } = await scenario.cli(["export", "--date", DAY], {
      KORE_PAGE_SIZE: "1000",
      KORE_REQUESTS_PER_MINUTE: "0",
      KORE_REQUESTS_PER_HOUR: "0",
    });
    expect(code).toBe(1);
    expect((await scenario.ledger()).status).toBe("incomplete");
  });

  test("proves nothing if the unfiltered count is refused only afterwards", async () => {
    const scenario = await startScenario();
    scenario.kore.store.add(BOT, { ...sampleSession({ botId: BOT, startTime: `${DAY}T10:00:00Z` }), sessionId: "x" });
    scenario.kore.misbehave({ kind: "refused", status: 400, containmentType: null, after: 1 });
    expect((await scenario.exportDay()).code).toBe(1);
    expect((await scenario.ledger()).status).toBe("incomplete");
  });
});
