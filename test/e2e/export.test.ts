import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sampleSession } from "../../demo/stand-in/server.ts";
import { ledgerKey } from "../../functions/exporter/archive/layout.ts";
import { BOT, DAY, startScenario } from "../support/scenario.ts";

const OTHER_BOT = "st-sales-0002";

describe("exporting a day again", () => {
  test("writes no data file if nothing changed", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    const before = await scenario.files();
    const first = await scenario.ledger();
    expect((await scenario.exportDay()).code).toBe(0);
    expect(await scenario.files()).toEqual(before);
    const second = await scenario.ledger();
    expect(second.files).toEqual(first.files);
    expect(second.revision).toBe(first.revision + 1);
  });

  test("rewrites exactly the files of the types between which a session moved", async () => {
    const scenario = await startScenario();
    scenario.kore.store.add(
      BOT,
      sampleSession({ botId: BOT, startTime: `${DAY}T10:00:00Z`, containmentType: "dropOff" }, { sessionId: "moving" }),
    );
    await scenario.exportDay();
    const before = new Map((await scenario.files()).map(({ path, inode }) => [path, inode]));
    scenario.kore.store.update(BOT, "moving", { containmentType: "agent" });
    expect((await scenario.exportDay()).code).toBe(0);
    const changed = (await scenario.files()).filter(({ path, inode }) => before.get(path) !== inode);
    expect(changed.map(({ path }) => path)).toEqual([
      `dt=${DAY}/containment_type=agent/${BOT}-part-0000.parquet`,
      `dt=${DAY}/containment_type=dropOff/${BOT}-part-0000.parquet`,
    ]);
    expect(await scenario.archived()).toEqual(scenario.truth());
  });

  test("empties a part whose sessions all moved away, and keeps it in the ledger", async () => {
    const scenario = await startScenario({ sessionsPerDay: 0 });
    const { store } = scenario.kore;
    store.add(BOT, sampleSession({ botId: BOT, startTime: `${DAY}T10:00:00Z` }, { sessionId: "only" }));
    await scenario.exportDay();
    store.update(BOT, "only", { containmentType: "agent" });
    expect((await scenario.exportDay()).code).toBe(0);
    expect(await scenario.archived()).toEqual(["only agent"]);
    expect((await scenario.ledger()).files.map((file) => [file.containment_type, file.row_count])).toEqual([
      ["agent", 1],
      ["selfService", 0],
    ]);
  });

  test("keeps the rows of a day that Kore has begun to forget, with exit code 0", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    const before = await scenario.files();
    const [gone] = scenario.kore.store.between(BOT, Date.parse(DAY), Date.parse(DAY) + 86_400_000);
    scenario.kore.store.remove(BOT, String(gone?.session.sessionId));
    expect((await scenario.exportDay()).code).toBe(0);
    expect(await scenario.files()).toEqual(before);
    const ledger = await scenario.ledger();
    expect(ledger).toMatchObject({ status: "complete", problems: [{ code: "ERR_SESSIONS_GONE" }] });
    expect(ledger.archived.total).toBe(60);
    expect(Number(ledger.reported.total) - Number(ledger.edges.total)).toBe(59);
    expect((await scenario.exportDay("--accept-fewer")).code).toBe(0);
    expect(await scenario.archived()).toEqual(scenario.truth());
  });

  test("removes parts that no record knows of from sight", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    await scenario.forgetLedger();
    scenario.kore.store.update(BOT, await scenario.anySession("agent"), { containmentType: "dropOff" });
    expect((await scenario.exportDay()).code).toBe(0);
    expect(await scenario.archived()).toEqual(scenario.truth());
  });
});

describe("several sources and days", () => {
  test("are archived side by side, each under its own name", async () => {
    const scenario = await startScenario({ from: "2026-01-01", to: "2026-01-03", bots: [BOT, OTHER_BOT] });
    const range = ["export", "--from", "2026-01-01", "--to", "2026-01-02", "--bot", BOT, "--bot", OTHER_BOT, "--json"];
    const { code, stdout } = await scenario.cli(range);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).days).toHaveLength(4);
    for (const day of ["2026-01-01", "2026-01-02"]) {
      const truth = [...scenario.truth(day, BOT), ...scenario.truth(day, OTHER_BOT)].sort();
      expect(await scenario.archived(day)).toEqual(truth);
    }
  });

  test("one that fails does not stop the other", async () => {
    const scenario = await startScenario({ bots: [BOT, OTHER_BOT] });
    scenario.kore.misbehave({ kind: "refused", status: 401, source: BOT });
    const { code, stdout } = await scenario.cli(["export", "--date", DAY, "--bot", BOT, "--bot", OTHER_BOT, "--json"]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout).days.map((day: { status: string }) => day.status)).toEqual(["incomplete", "complete"]);
  });

  test("further days of a source that failed are not begun", async () => {
    const scenario = await startScenario({ from: "2026-01-01", to: "2026-01-03" });
    scenario.kore.misbehave({ kind: "refused", status: 401 });
    const { stdout } = await scenario.cli(["export", "--from", "2026-01-01", "--to", "2026-01-03", "--json"]);
    expect(JSON.parse(stdout).skipped.map((day: { dt: string }) => day.dt)).toEqual(["2026-01-02", "2026-01-03"]);
  });

  test("the account's sessions of all bots are archived together", async () => {
    const credentials = { account: { clientId: "cs-account", clientSecret: "secret-of-the-account" } };
    const scenario = await startScenario({ bots: [BOT, OTHER_BOT], credentials });
    const env = { KORE_CLIENT_ID: "cs-account", KORE_CLIENT_SECRET: "secret-of-the-account", KORE_BOT_IDS: undefined };
    const { code } = await scenario.cli(["export", "--date", DAY, "--account"], env);
    expect(code).toBe(0);
    expect(await scenario.archived()).toEqual(scenario.truth(DAY, "account"));
    expect((await scenario.ledger(DAY, "account")).archived.total).toBe(120);
  });

  test("a bot's credentials are not good for the account", async () => {
    const credentials = { [BOT]: { clientId: "cs-demo", clientSecret: "demo-secret-of-the-stand-in" } };
    const scenario = await startScenario({ credentials });
    const { code, stdout } = await scenario.cli(["export", "--date", DAY, "--account"]);
    expect(code).toBe(1);
    expect(stdout).toContain("ERR_KORE_UNAUTHORIZED");
    expect(stdout).toContain("Permission denied. Scope is incorrect!");
  });
});

describe("a day in a time zone", () => {
  test("runs from its first existing instant to the next day's", async () => {
    const scenario = await startScenario({ from: "2026-04-23", to: "2026-04-24" });
    scenario.clock.advance(Date.parse("2026-04-27T00:00:00Z") - scenario.clock.now());
    const { code } = await scenario.cli(["export", "--date", "2026-04-24", "--time-zone", "Africa/Cairo"]);
    expect(code).toBe(0);
    const ledger = await scenario.ledger("2026-04-24");
    expect([ledger.window_from, ledger.window_to]).toEqual(["2026-04-23T22:00:00.000Z", "2026-04-24T21:00:00.000Z"]);
  });

  test("is refused on an archive of another zone, and nothing is asked or written", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    const asked = scenario.kore.requests.length;
    const { code, stderr } = await scenario.cli(["export", "--date", "2026-01-01", "--time-zone", "Europe/Berlin"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error ERR_TIME_ZONE_DIFFERS: .*UTC, not Europe\/Berlin.*\n$/);
    expect(scenario.kore.requests).toHaveLength(asked);
  });

  test("that has just ended is provisional until an hour has passed", async () => {
    const scenario = await startScenario();
    scenario.clock.advance(Date.parse("2026-01-03T00:59:59Z") - scenario.clock.now());
    await scenario.exportDay();
    expect((await scenario.ledger()).status).toBe("provisional");
    scenario.clock.advance(10_000);
    await scenario.exportDay();
    expect((await scenario.ledger()).status).toBe("complete");
  });
});

describe("sql", () => {
  test("finds an archive whose path is full of quotes, blanks and patterns", async () => {
    const scenario = await startScenario();
    const archive = join(scenario.archive, "it's [a] *strange*? ü folder");
    await scenario.exportDay("--archive", archive);
    const { stdout, stderr } = await scenario.cli([
      "sql",
      "SELECT count(*) AS n FROM sessions",
      "--archive",
      archive,
      "--json",
    ]);
    expect({ stdout, stderr }).toEqual({ stdout: '[{"n":60}]\n', stderr: "" });
  });

  test("answers from an archive that is still empty", async () => {
    const scenario = await startScenario();
    const sql = "SELECT (SELECT count(*) FROM sessions) AS sessions, (SELECT count(*) FROM exports) AS exports";
    const { stdout } = await scenario.cli(["sql", sql, "--json"]);
    expect(JSON.parse(stdout)).toEqual([{ sessions: 0, exports: 0 }]);
  });

  test("looks only at the days asked for", async () => {
    const scenario = await startScenario({ from: "2026-01-01", to: "2026-01-03", sessionsPerDay: 3 });
    await scenario.cli(["export", "--from", "2026-01-01", "--to", "2026-01-03"]);
    const sql = "SELECT dt, count(*) AS n FROM sessions GROUP BY dt ORDER BY dt";
    const { stdout } = await scenario.cli(["sql", sql, "--json", "--from", "2026-01-02", "--to", "2026-01-02"]);
    expect(JSON.parse(stdout)).toEqual([{ dt: "2026-01-02", n: 3 }]);
  });

  test("takes a query that begins with a comment", async () => {
    const scenario = await startScenario();
    const { stdout } = await scenario.cli(["sql", "-- Title\nSELECT 1 AS one", "--json"]);
    expect(JSON.parse(stdout)).toEqual([{ one: 1 }]);
  });

  test("tells DuckDB's own words about a wrong query, with exit code 2", async () => {
    const scenario = await startScenario();
    const { code, stderr } = await scenario.cli(["sql", "SELECT nothing FROM sessions"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error ERR_QUERY: DuckDB could not run the query\. .*"nothing"/);
  });

  test("shows archived control characters, instead of obeying them", async () => {
    const scenario = await startScenario({ sessionsPerDay: 0 });
    const odd = sampleSession(
      { botId: BOT, startTime: `${DAY}T10:00:00Z` },
      { sessionId: "odd", userId: "\u001b[31mred\n" },
    );
    scenario.kore.store.add(BOT, odd);
    await scenario.exportDay();
    const { stdout } = await scenario.cli(["sql", "SELECT user_id FROM sessions"]);
    expect(stdout).toContain("\\u001b[31mred\\n");
    expect(stdout).not.toContain("\u001b");
  });
});

describe("status", () => {
  test("shows each source's days as a calendar, with their problems", async () => {
    const scenario = await startScenario({ from: "2026-01-01", to: "2026-01-03", sessionsPerDay: 3 });
    scenario.kore.misbehave({ kind: "total", as: "missing", day: "2026-01-03" });
    await scenario.cli(["export", "--date", "2026-01-01"]);
    await scenario.cli(["export", "--date", "2026-01-03"]);
    const { code, stdout } = await scenario.cli(["status"]);
    expect(code).toBe(1);
    expect(stdout).toContain(`${BOT}: 6 sessions in 3 days`);
    expect(stdout).toContain("\n  2026-01  C - I ");
    expect(stdout).toContain("2026-01-03  ERR_TOTALS_MISSING");
  });

  test("says that nothing is archived yet", async () => {
    const scenario = await startScenario();
    const { code, stdout } = await scenario.cli(["status"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `No day is archived in ${scenario.archive} yet.\n` });
  });

  test("shows a day whose ledger record is damaged", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    await writeFile(join(scenario.archive, ledgerKey(DAY, BOT)), "{}");
    const { code, stdout } = await scenario.cli(["status"]);
    expect(code).toBe(1);
    expect(stdout).toContain("\n  2026-01    ? - ");
  });
});
