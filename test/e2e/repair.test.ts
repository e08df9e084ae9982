import { describe, expect, test } from "vitest";
import { sampleSession } from "../../demo/stand-in/server.ts";
import { BOT, type Scenario, startScenario } from "../support/scenario.ts";

const LOOK_BACK = { KORE_LOOK_BACK_DAYS: "5" };

/** Runs `export --repair`, and returns the days it exported in their order. */
async function repair(scenario: Scenario, env: Record<string, string> = LOOK_BACK): Promise<string[]> {
  const { stdout, stderr } = await scenario.cli(["export", "--repair", "--json"], env);
  expect(stderr).toBe("");
  return JSON.parse(stdout).days.map((day: { dt: string }) => day.dt);
}

/** Ten days up to the fourth of January, whose night it is. */
const startWeek = () =>
  startScenario(
    { from: "2025-12-26", to: "2026-01-04", sessionsPerDay: 5, requestsPerMinute: 0 },
    "2026-01-05T02:15:00Z",
  );

const ALL = ["2026-01-04", "2026-01-03", "2026-01-02", "2026-01-01", "2025-12-31"];

function lateSession(day: string, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return { ...sampleSession({ botId: BOT, startTime: `${day}T12:00:00Z` }), sessionId: `late-${day}`, ...changes };
}

async function nextNight(scenario: Scenario, count = 1): Promise<void> {
  scenario.clock.advance(count * 86_400_000);
}

describe("export --repair", () => {
  test("archives the look-back on its first run, most recent day first", async () => {
    const scenario = await startWeek();
    expect(await repair(scenario)).toEqual(ALL);
    for (const day of ALL) expect(await scenario.archived(day)).toEqual(scenario.truth(day));
  });

  test("exports nothing where nothing has changed", async () => {
    const scenario = await startWeek();
    await repair(scenario);
    expect(await repair(scenario)).toEqual([]);
  });

  test("clears the mark that a failed attempt left on a complete day", async () => {
    const scenario = await startWeek();
    await repair(scenario);
    scenario.kore.misbehave({ kind: "refused", status: 403, day: "2026-01-03" });
    await repair(scenario);
    const marked = await scenario.ledger("2026-01-03");
    expect(marked).toMatchObject({ status: "complete", problems: [{ code: "ERR_KORE_REFUSED" }] });
    scenario.kore.misbehave();
    expect(await repair(scenario)).toEqual(["2026-01-03"]);
    expect((await scenario.ledger("2026-01-03")).problems).toEqual([]);
  });

  test("repairs days that are missing or incomplete", async () => {
    const scenario = await startWeek();
    scenario.kore.misbehave({ kind: "total", as: "missing", day: "2026-01-02" });
    await repair(scenario);
    expect((await scenario.ledger("2026-01-02")).status).toBe("incomplete");
    scenario.kore.misbehave();
    await nextNight(scenario);
    expect(await repair(scenario)).toEqual(["2026-01-05", "2026-01-02"]);
    expect((await scenario.ledger("2026-01-02")).status).toBe("complete");
  });

  test("takes over a session that came late to a complete day of the last week", async () => {
    const scenario = await startWeek();
    await repair(scenario);
    scenario.kore.store.add(BOT, lateSession("2026-01-01"));
    expect(await repair(scenario)).toEqual(["2026-01-01"]);
    expect(await scenario.archived("2026-01-01")).toEqual(scenario.truth("2026-01-01"));
  });

  test("takes over a session that changed its type", async () => {
    const scenario = await startWeek();
    scenario.kore.store.add(BOT, lateSession("2026-01-02"));
    await repair(scenario);
    scenario.kore.store.update(BOT, "late-2026-01-02", { containmentType: "agent" });
    expect(await repair(scenario)).toEqual(["2026-01-02"]);
    expect(await scenario.archived("2026-01-02")).toEqual(scenario.truth("2026-01-02"));
  });

  test("looks at a provisional day when it is 1, 2, 4, 8 and 16 days old", async () => {
    const scenario = await startWeek();
    scenario.kore.store.add(BOT, lateSession("2026-01-04", { sessionStatus: "active" }));
    const ages: number[] = [];
    for (let age = 1; age <= 17; age++) {
      const days = await repair(scenario, { KORE_LOOK_BACK_DAYS: "16" });
      if (days.includes("2026-01-04")) ages.push(age);
      await nextNight(scenario);
    }
    expect(ages).toEqual([1, 2, 4, 8, 16]);
  });

  test("archives every day since the start date, and none before it", async () => {
    const scenario = await startWeek();
    const env = { ...LOOK_BACK, KORE_START_DATE: "2025-12-28" };
    expect(await repair(scenario, env)).toEqual([...ALL, "2025-12-30", "2025-12-29", "2025-12-28"]);
    expect(await repair(scenario, env)).toEqual([]);
    const later = await startWeek();
    const fromThird = { ...LOOK_BACK, KORE_START_DATE: "2026-01-03" };
    expect(await repair(later, fromThird)).toEqual(["2026-01-04", "2026-01-03"]);
  });

  test("leaves the rest for another night once Kore is down", async () => {
    const scenario = await startWeek();
    scenario.kore.misbehave({ kind: "refused", status: 503 });
    expect(await repair(scenario)).toEqual(["2026-01-04"]);
    scenario.kore.misbehave();
    await nextNight(scenario, 2);
    expect(await repair(scenario)).toEqual(["2026-01-06", "2026-01-05", "2026-01-04", "2026-01-03", "2026-01-02"]);
  });

  test("finds its days itself", async () => {
    const scenario = await startWeek();
    const { code, stderr } = await scenario.cli(["export", "--repair", "--date", "2026-01-01", "--accept-fewer"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error ERR_SETTINGS: --repair finds its days itself; leave --date out\.\n/);
  });
});
