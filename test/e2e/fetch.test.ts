import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { emptyFolder, presentTime } from "../support/processes.ts";
import { BOT, DAY, type Scenario, startScenario } from "../support/scenario.ts";
import { runOn } from "../support/terminal.ts";

const DAY_MS = 86_400_000;
const DAY_OF = ["--from", DAY, "--to", DAY];

const ids = (stdout: string) => linesOf(stdout).map((line) => JSON.parse(line).sessionId as string);
const linesOf = (stdout: string) => stdout.split("\n").slice(0, -1);

/** Ids of the bot's sessions that started in the span, the newest first. */
function trueIds({ kore }: Scenario, from: string, to: string, bot = BOT): string[] {
  const rows = kore.store.between(bot, Date.parse(from), Date.parse(to));
  return rows.map(({ session }) => String(session.sessionId));
}

function session(id: string, start: string, members: object = {}): Record<string, unknown> {
  return { sessionId: id, botId: BOT, start_time: start, containmentType: "agent", ...members };
}

const pagesAsked = ({ kore }: Scenario) => kore.requests.map(({ body }) => body as Record<string, unknown>);

describe("fetch", () => {
  test("prints each session of a day as Kore sent it, one a line, the newest first", async () => {
    const scenario = await startScenario({ sessionsPerDay: 130 });
    const { code, stdout, stderr } = await scenario.cli(["fetch", ...DAY_OF]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const sent = scenario.kore.store.between(BOT, Date.parse(DAY), Date.parse(DAY) + DAY_MS).map(({ text }) => text);
    expect(linesOf(stdout)).toEqual(sent);
    expect(scenario.kore.requests.map(({ containmentType }) => containmentType)).toEqual([null, null]);
  });

  test("needs no archive", async () => {
    const scenario = await startScenario({ sessionsPerDay: 3 });
    const { code, stdout } = await scenario.cli(["fetch", ...DAY_OF], { KORE_ARCHIVE: undefined });
    expect({ code, lines: ids(stdout).length }).toEqual({ code: 0, lines: 3 });
  });

  test("puts a blank for each line break between tokens, and changes nothing else", async () => {
    const scenario = await startScenario({ sessionsPerDay: 0 });
    const text = `{"sessionId":"odd",\r\n\t"start_time" : "${DAY}T10:00:00.000Z",\n"n": 1.0, "s":"a\\nb\u2028\\r"}`;
    scenario.kore.store.addText(BOT, text, { containmentType: "agent" });
    const { stdout } = await scenario.cli(["fetch", ...DAY_OF]);
    expect(stdout).toBe(
      `{"sessionId":"odd", \t"start_time" : "${DAY}T10:00:00.000Z", "n": 1.0, "s":"a\\nb\u2028\\r"}\n`,
    );
  });

  test("asks for the last seven days if no date is given, in windows below seven days", async () => {
    const scenario = await startScenario({ from: "2025-12-26", to: "2026-01-04", sessionsPerDay: 20 });
    const { code, stdout } = await scenario.cli(["fetch"]);
    expect(code).toBe(0);
    expect(ids(stdout)).toEqual(trueIds(scenario, "2025-12-28T04:00:00Z", "2026-01-04T04:00:00Z"));
    const spans = pagesAsked(scenario).map(
      ({ dateFrom, dateTo }) => Date.parse(String(dateTo)) - Date.parse(String(dateFrom)),
    );
    expect(Math.max(...spans)).toBeLessThan(7 * DAY_MS);
  });

  test("splits longer spans without printing a session at a seam twice, or none", async () => {
    const scenario = await startScenario({ from: "2025-12-05", to: "2026-01-03", sessionsPerDay: 5 });
    // Thirty days make five windows of six: these start exactly at the seams, and at both ends of the span.
    for (const day of ["2025-12-05", "2025-12-11", "2025-12-17", "2025-12-23", "2025-12-29", "2026-01-04"]) {
      scenario.kore.store.add(BOT, session(`seam-${day}`, `${day}T00:00:00.000Z`));
    }
    for (const bounds of ["inclusive", "exclusive", "exclusive-lower", "exclusive-upper"] as const) {
      scenario.kore.misbehave({ kind: "bounds", bounds });
      const { code, stdout, stderr } = await scenario.cli(["fetch", "--from", "2025-12-05", "--to", "2026-01-03"]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(ids(stdout)).toEqual(trueIds(scenario, "2025-12-05", "2026-01-04"));
    }
    expect(ids((await scenario.cli(["fetch"])).stdout)).toContain("seam-2026-01-04");
  });

  test("takes instants, the last not included, and days of the archive's time zone, both included", async () => {
    const scenario = await startScenario({ from: "2026-01-01", to: "2026-01-03", sessionsPerDay: 40 });
    const between = ["--from", "2026-01-02T08:00:00+02:00", "--to", "2026-01-02T18:30:00Z"];
    const instants = await scenario.cli(["fetch", ...between]);
    expect(ids(instants.stdout)).toEqual(trueIds(scenario, "2026-01-02T06:00:00Z", "2026-01-02T18:30:00Z"));
    const days = await scenario.cli(["fetch", ...DAY_OF, "--time-zone", "Asia/Tokyo"]);
    expect(ids(days.stdout)).toEqual(trueIds(scenario, "2026-01-01T15:00:00Z", "2026-01-02T15:00:00Z"));
  });

  test("hands every filter on to Kore", async () => {
    const scenario = await startScenario({ sessionsPerDay: 40 });
    const members = { userId: "zoe", sessionType: "interactive", tags: { userTags: [{ name: "a", value: "b=c" }] } };
    scenario.kore.store.add(BOT, session("wanted", `${DAY}T10:00:00.000Z`, members));
    scenario.kore.store.add(BOT, session("untagged", `${DAY}T11:00:00.000Z`, { ...members, tags: {} }));
    const filters = [
      "--user-id",
      "zoe",
      "--tag",
      "a=b=c",
      "--session-type",
      "interactive",
      "--containment-type",
      "agent",
    ];
    const { code, stdout } = await scenario.cli(["fetch", ...DAY_OF, ...filters]);
    expect({ code, found: ids(stdout) }).toEqual({ code: 0, found: ["wanted"] });
    expect(scenario.kore.requests[0]).toMatchObject({
      containmentType: "agent",
      body: { userId: "zoe", sessionType: "interactive", tags: { a: "b=c" } },
    });
  });

  test("finds the sessions of a call", async () => {
    const scenario = await startScenario({ sessionsPerDay: 10 });
    scenario.kore.store.add(
      BOT,
      session("call", `${DAY}T10:00:00.000Z`, { tags: { userTags: [{ name: "callId", value: "c-1" }] } }),
    );
    const { code, stdout, stderr } = await scenario.cli(["fetch", "--call-id", "c-1"]);
    expect({ code, stderr, found: ids(stdout) }).toEqual({ code: 0, stderr: "", found: ["call"] });
  });

  test("stops at the limit, without reading on", async () => {
    const scenario = await startScenario({ from: "2025-12-05", to: "2026-01-03", sessionsPerDay: 50 });
    const span = ["--from", "2025-12-05", "--to", "2026-01-03"];
    const { code, stdout, stderr } = await scenario.cli(["fetch", ...span, "--limit", "120"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(ids(stdout)).toEqual(trueIds(scenario, "2025-12-05", "2026-01-04").slice(0, 120));
    expect(scenario.kore.requests).toHaveLength(2);
  });

  test("asks one bot after another, and the account at once", async () => {
    const scenario = await startScenario({ sessionsPerDay: 6, bots: [BOT, "st-2"] });
    const { stdout } = await scenario.cli(["fetch", ...DAY_OF, "--bot", "st-2", BOT]);
    const next = new Date(Date.parse(DAY) + DAY_MS).toISOString();
    expect(ids(stdout)).toEqual([...trueIds(scenario, DAY, next, "st-2"), ...trueIds(scenario, DAY, next)]);
    const account = await scenario.cli(["fetch", ...DAY_OF, "--account"], { KORE_BOT_IDS: undefined });
    expect(ids(account.stdout)).toEqual(trueIds(scenario, DAY, next, "account"));
  });

  test("treats personal data as export does", async () => {
    const scenario = await startScenario({ sessionsPerDay: 0 });
    scenario.kore.store.add(BOT, session("s-1", `${DAY}T10:00:00.000Z`, { userId: "CANARY-user" }));
    const { stdout, stderr } = await scenario.cli(["fetch", "--session-id", "s-1", "--verbose"], {
      KORE_PII: "user_id=drop",
    });
    expect(JSON.parse(stdout)).toMatchObject({ sessionId: "s-1", userId: null });
    expect(stderr).not.toContain("CANARY");
  });

  test("asks for each containment type where Kore does not answer without one, and says so", async () => {
    const scenario = await startScenario({ sessionsPerDay: 30 });
    scenario.kore.misbehave({ kind: "refused", status: 400, containmentType: null });
    const { code, stdout, stderr } = await scenario.cli(["fetch", ...DAY_OF]);
    expect(code).toBe(0);
    const three = scenario.truth().filter((text) => !text.endsWith("unclassified"));
    expect(ids(stdout).toSorted()).toEqual(three.map((text) => text.split(" ")[0]));
    expect(stderr).toMatch(/^warning: .*does not answer without a containment type/);
  });

  test("halves windows of very many sessions, and prints each of them once", async () => {
    const scenario = await startScenario({ sessionsPerDay: 70_000, lazy: true, pageCap: 5_000, requestsPerMinute: 0 });
    const env = { KORE_PAGE_SIZE: "5000", KORE_REQUESTS_PER_MINUTE: "0", KORE_REQUEST_TIMEOUT_SECONDS: "20" };
    const { code, stdout } = await scenario.cli(["fetch", ...DAY_OF], env);
    expect(code).toBe(0);
    expect(new Set(linesOf(stdout)).size).toBe(70_000);
    expect(linesOf(stdout)).toHaveLength(70_000);
  });
});

describe("fetch --session-id", () => {
  test("asks in batches of 50, without dates, and prints each session once", async () => {
    const scenario = await startScenario({ from: "2025-12-01", to: "2025-12-03", sessionsPerDay: 40 });
    const wanted = trueIds(scenario, "2025-12-01", "2025-12-04");
    const { code, stdout, stderr } = await scenario.cli(["fetch", "--session-id", ...wanted, wanted[0] ?? ""]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(ids(stdout).toSorted()).toEqual(wanted.toSorted());
    const batches = pagesAsked(scenario);
    expect(batches.map(({ sessionId }) => (sessionId as string[]).length)).toEqual([50, 50, 20]);
    expect(batches.flatMap((body) => Object.keys(body))).toEqual(["sessionId", "sessionId", "sessionId"]);
  });

  test("tells unknown ids on stderr and in the exit code, and prints the others", async () => {
    const scenario = await startScenario({ sessionsPerDay: 3 });
    const [known = ""] = trueIds(scenario, DAY, "2026-01-03");
    const { code, stdout, stderr } = await scenario.cli(["fetch", "--session-id", "nowhere", known, "nobody"]);
    expect({ code, found: ids(stdout) }).toEqual({ code: 1, found: [known] });
    expect(stderr).toMatch(/^error ERR_SESSION_UNKNOWN: Kore does not know the session nowhere \(st-support-0001\)\./);
    expect(stderr.split("\n")).toHaveLength(3);
  });

  test("looks for what one bot does not know at the next one", async () => {
    const scenario = await startScenario({ sessionsPerDay: 3, bots: [BOT, "st-2"] });
    const [one = ""] = trueIds(scenario, DAY, "2026-01-03");
    const [other = ""] = trueIds(scenario, DAY, "2026-01-03", "st-2");
    const { code, stdout } = await scenario.cli(["fetch", "--bot", BOT, "st-2", "--session-id", other, one]);
    expect({ code, found: ids(stdout) }).toEqual({ code: 0, found: [one, other] });
    expect(pagesAsked(scenario)).toEqual([{ sessionId: [other, one] }, { sessionId: [other] }]);
  });
});

describe("fetch says that it may not have all, with exit code 1,", () => {
  test.each([
    [
      "a total is wrong",
      { kind: "total", as: { offset: 3 } },
      /ERR_NOT_RECONCILED: .*reports a total of 34, and returned 31 sessions/,
    ],
    [
      "there is no total",
      { kind: "total", as: "missing" },
      /ERR_TOTALS_MISSING: .*nothing tells whether there are more than the 31 sessions/,
    ],
    ["dates are ignored", { kind: "window-ignored" }, /ERR_WINDOW_IGNORED: .*returned 29 sessions not asked/],
    ["other bots' sessions come", { kind: "extra-rows", of: "other-bot", counted: true }, /ERR_WINDOW_IGNORED/],
  ] as const)("if %s", async (_title, fault, says) => {
    const scenario = await startScenario({ from: "2026-01-01", to: DAY, sessionsPerDay: 30, bots: [BOT, "st-2"] });
    scenario.kore.misbehave(fault);
    const { code, stdout, stderr } = await scenario.cli(["fetch", ...DAY_OF]);
    expect(code).toBe(1);
    expect(ids(stdout)).toEqual(trueIds(scenario, DAY, "2026-01-03"));
    expect(stderr).toMatch(says);
  });
});

describe("a list that changes while it is read", () => {
  test("gives no session twice if newer ones push it down", async () => {
    const scenario = await startScenario({ sessionsPerDay: 60, pageCap: 20 });
    scenario.kore.misbehave({
      kind: "before-request",
      after: 1,
      times: 1,
      change: (store) => void store.add(BOT, session("late", `${DAY}T23:59:59.999Z`)),
    });
    const { code, stdout, stderr } = await scenario.cli(["fetch", ...DAY_OF]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(ids(stdout).toSorted()).toEqual(trueIds(scenario, DAY, "2026-01-03").toSorted());
  });

  test("is read again for what one that went away pulled up", async () => {
    const scenario = await startScenario({ sessionsPerDay: 60, pageCap: 20 });
    const [newest = ""] = trueIds(scenario, DAY, "2026-01-03");
    scenario.kore.misbehave({
      kind: "before-request",
      after: 1,
      times: 1,
      change: (store) => void store.remove(BOT, newest),
    });
    const { code, stdout, stderr } = await scenario.cli(["fetch", ...DAY_OF]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(ids(stdout).toSorted()).toEqual([newest, ...trueIds(scenario, DAY, "2026-01-03")].toSorted());
  });

  test("gives a row without a start time once, whichever windows return it", async () => {
    const scenario = await startScenario({ from: "2025-12-30", to: "2026-01-04", sessionsPerDay: 4 });
    const text = JSON.stringify({ botId: BOT, note: "timeless" });
    for (const day of ["2025-12-29", "2026-01-03"]) {
      scenario.kore.store.addText(BOT, text, { startTime: `${day}T12:00:00.000Z` });
    }
    const { code, stdout } = await scenario.cli(["fetch", "--from", "2025-12-25", "--to", "2026-01-03"]);
    expect(code).toBe(0);
    expect(linesOf(stdout).filter((line) => line === text)).toHaveLength(1);
    expect(linesOf(stdout)).toHaveLength(21);
  });
});

describe("fetch's reader", () => {
  test("holds back the requests while it takes nothing", async () => {
    const scenario = await startScenario({ sessionsPerDay: 60, pageCap: 20 });
    const asked: number[] = [];
    const drained = async () => void asked.push(scenario.kore.requests.length);
    await runOn(scenario, ["fetch", ...DAY_OF], { stdout: { drained } });
    expect(asked).toEqual([0, 1, 2]);
    const interrupted = new AbortController();
    const slow = {
      drained: () => (scenario.kore.requests.length < 4 ? Promise.resolve() : new Promise<void>(() => {})),
    };
    const run = runOn(scenario, ["fetch", ...DAY_OF], { stdout: slow, signal: interrupted.signal });
    while (scenario.kore.requests.length < 4) await new Promise(setImmediate);
    interrupted.abort();
    expect((await run).code).toBe(130);
    expect(scenario.kore.requests).toHaveLength(4);
  });

  test("may leave early, as head does", async () => {
    const options = { sessionsPerDay: 300, pageCap: 10, requestsPerMinute: 0 };
    const scenario = await startScenario(options, presentTime());
    const env = {
      ...process.env,
      KORE_HOST: scenario.kore.url,
      KORE_BOT_IDS: BOT,
      KORE_CLIENT_ID: "cs-demo",
      KORE_CLIENT_SECRET: "demo-secret-of-the-stand-in",
      KORE_REQUESTS_PER_MINUTE: "0",
    };
    const command = `set -o pipefail; "${process.execPath}" "${resolve("cli/main.js")}" fetch ${DAY_OF.join(" ")} | head -n 2`;
    const folder = emptyFolder();
    onTestFinished(folder.remove);
    const shell = spawn("bash", ["-c", command], { cwd: folder.path, env, stdio: ["ignore", "pipe", "pipe"] });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    shell.stdout.on("data", (chunk) => out.push(chunk));
    shell.stderr.on("data", (chunk) => err.push(chunk));
    const [code] = await once(shell, "close");
    expect({ code, stderr: Buffer.concat(err).toString() }).toEqual({ code: 0, stderr: "" });
    expect(linesOf(Buffer.concat(out).toString())).toHaveLength(2);
    expect(scenario.kore.requests.length).toBeLessThan(30);
  });
});

describe("fetch refuses, with exit code 2,", () => {
  test.each([
    [["--session-id", "a", "--user-id", "b", "--to", DAY], /leave --user-id out\.\n.*leave --to out\.\n$/],
    [["--session-id", " "], /--session-id is blank/],
    [["--tag", "plan"], /--tag is "plan"; give it as NAME=VALUE/],
    [["--tag", "a=1", "a=2"], /--tag a is given twice/],
    [["--limit", "0"], /--limit is "0"; give a whole number from 1/],
    [["--from", "2026-02-30"], /--from is "2026-02-30"; give a day that exists/],
    [["--from", "2026-01-02T08:00:00"], /--from is "2026-01-02T08:00:00"; .*with its offset/],
    [["--from", "2026-01-03", "--to", DAY], /--from 2026-01-03 does not lie before --to 2026-01-02/],
    [["--from", "2027-01-01"], /--from 2027-01-01 does not lie before the present/],
    [["--containment-type", "agents"], /Allowed choices are dropOff, selfService, agent/],
  ])("%j", async (args, says) => {
    const scenario = await startScenario({ sessionsPerDay: 0 });
    const { code, stdout, stderr } = await scenario.cli(["fetch", ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(says);
    expect(scenario.kore.requests).toEqual([]);
  });
});
