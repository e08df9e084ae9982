import { describe, expect, test } from "vitest";
import { BOT, DAY, startScenario } from "../support/scenario.ts";
import { runOn, type TerminalOptions } from "../support/terminal.ts";

const TERMINAL: TerminalOptions = { stderr: { isTTY: true } };
const DAY_OF = ["--from", DAY, "--to", DAY];

/** Each line as the JSON object that it must be. */
const objects = (stderr: string): Record<string, unknown>[] =>
  stderr
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

describe("on a terminal", () => {
  test("export draws a bar with what is done, how fast, and how long it still takes", async () => {
    const scenario = await startScenario({ from: "2025-12-31", to: "2026-01-03", sessionsPerDay: 300 });
    const range = ["--from", "2025-12-31", "--to", "2026-01-03"];
    const { code, stdout, drawn } = await runOn(scenario, ["export", ...range, "--json"], TERMINAL);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).days).toHaveLength(4);
    // The first day's total, a neighbour's session counted in, is taken for each of the four.
    expect(drawn.find((text) => text.includes("left"))).toMatch(
      /░{24} 0 of about 1,204 sessions · 0 of 4 days · 0\/min · about 60 s left$/,
    );
    expect(drawn.findLast((text) => text.includes("sessions"))).toMatch(/█{24} 1,200 of 1,200 sessions · 4 of 4 days/);
  });

  test("says aloud that the quota is reached, until when, and counts that in", async () => {
    const scenario = await startScenario({ sessionsPerDay: 1_000, pageCap: 10 });
    const { code, drawn } = await runOn(scenario, ["export", "--date", DAY], TERMINAL);
    expect(code).toBe(0);
    const waits = drawn.filter((text) => text.includes("quota reached, next request in"));
    expect(waits[0]).toMatch(/ · quota reached, next request in \d+ s$/);
    // About 110 requests at 60 a minute: more than a minute stands before the last of them.
    const [, left] = /about (\d+) s left/.exec(drawn.find((text) => / 10 of 1,000 sessions/.test(text)) ?? "") ?? [];
    expect(Number(left)).toBeGreaterThan(55);
    expect(Number(left)).toBeLessThan(75);
  });

  test("says why Kore is asked again, and when", async () => {
    const scenario = await startScenario({ sessionsPerDay: 20 });
    scenario.kore.misbehave({ kind: "refused", status: 503, retryAfterSeconds: 41, after: 2, times: 1 });
    const { drawn } = await runOn(scenario, ["export", "--date", DAY], TERMINAL);
    expect(drawn.some((text) => text.endsWith("· Kore answered 503, next request in 41 s"))).toBe(true);
    scenario.kore.misbehave({ kind: "reset", times: 4 });
    const again = await runOn(scenario, ["export", "--date", DAY], TERMINAL);
    expect(again.drawn.some((text) => /· no answer from Kore, next request in \d+ s/.test(text))).toBe(true);
  });

  test("names the source that waits if there are several", async () => {
    const scenario = await startScenario({ sessionsPerDay: 20, bots: [BOT, "st-2"] });
    scenario.kore.misbehave({
      kind: "refused",
      status: 429,
      retryAfterSeconds: 30,
      source: "st-2",
      after: 1,
      times: 1,
    });
    const { drawn } = await runOn(scenario, ["export", "--date", DAY, "--bot", BOT, "st-2"], TERMINAL);
    expect(drawn.some((text) => text.includes("· st-2: Kore answered 429, next request in 30 s"))).toBe(true);
  });

  test("a run that finds its days itself tells the time for those at hand", async () => {
    const scenario = await startScenario({ from: "2026-01-01", to: "2026-01-03", sessionsPerDay: 1_000, pageCap: 10 });
    const { drawn } = await runOn(scenario, ["export", "--repair"], TERMINAL);
    expect(drawn.some((text) => /of 1,00\d sessions · \d+\/\w+ · about \d+ (s|min) left for now/.test(text))).toBe(
      true,
    );
  });

  test("fetch counts its windows, and with --limit what it is to print", async () => {
    const scenario = await startScenario({ from: "2025-12-05", to: "2026-01-03", sessionsPerDay: 20 });
    const span = ["fetch", "--from", "2025-12-05", "--to", "2026-01-03"];
    const whole = (await runOn(scenario, span, TERMINAL)).drawn;
    expect(whole.some((text) => / of about 60\d sessions · 1 of 5 windows · /.test(text))).toBe(true);
    expect(whole.findLast((text) => text.includes("sessions"))).toContain("600 of 600 sessions · 5 of 5 windows");
    const few = (await runOn(scenario, [...span, "--limit", "150"], TERMINAL)).drawn;
    expect(few.findLast((text) => text.includes("sessions"))).toContain("█ 150 of 150 sessions · ");
  });

  test("a terminal that does not know its width is drawn on like others", async () => {
    const scenario = await startScenario({ sessionsPerDay: 20 });
    const { code, drawn } = await runOn(scenario, ["fetch", ...DAY_OF], { stderr: { isTTY: true, columns: 0 } });
    expect(code).toBe(0);
    expect(drawn.join("\n")).toContain("20 of 20 sessions");
  });

  test("every command that takes long draws, and leaves a clean line behind", async () => {
    const scenario = await startScenario({ sessionsPerDay: 20 });
    await scenario.exportDay();
    const env = { KORE_HASH_KEY: "the key of hashes, of 32 characters or more" };
    const backfill = ["backfill", "--local", ...DAY_OF];
    const says = {
      verify: [["verify"], "█ 1 of 1 day checked"],
      erase: [["erase", "--user-id", "zoe"], "files looked at"],
      fetch: [["fetch", ...DAY_OF], "█ 20 of 20 sessions"],
      backfill: [backfill, "Asking Kore …"],
    } as const;
    for (const [args, text] of Object.values(says)) {
      const { code, drawn, stderr } = await runOn(scenario, args, { ...TERMINAL, env });
      expect(code, args[0]).toBe(0);
      expect(drawn.join("\n"), args[0]).toContain(text);
      expect(stderr.lastIndexOf("\u001b[?25h"), args[0]).toBeGreaterThan(stderr.lastIndexOf("\u001b[?25l"));
    }
  });

  test("the bar is coloured, but not with NO_COLOR", async () => {
    const scenario = await startScenario({ sessionsPerDay: 20 });
    const colours = "\u001b[36m";
    const run = async (env: object) =>
      (await runOn(scenario, ["export", "--date", DAY], { ...TERMINAL, env: { ...env } })).stderr;
    expect(await run({})).toContain(colours);
    expect(await run({ NO_COLOR: "" })).toContain(colours);
    expect(await run({ NO_COLOR: "1" })).not.toContain(colours);
  });

  test("fetch draws nothing among the sessions that it prints there", async () => {
    const scenario = await startScenario({ sessionsPerDay: 5 });
    const both = { stdout: { isTTY: true }, stderr: { isTTY: true } };
    const { stderr } = await runOn(scenario, ["fetch", ...DAY_OF], both);
    expect(stderr).toBe("");
  });
});

describe("without a terminal", () => {
  test.each([
    ["export", ["export", "--date", DAY]],
    ["export --repair", ["export", "--repair"]],
    ["backfill", ["backfill", "--local", ...DAY_OF]],
    ["verify", ["verify"]],
    ["fetch", ["fetch", ...DAY_OF]],
  ])("%s is quiet", async (_title, args) => {
    const scenario = await startScenario({ sessionsPerDay: 5 });
    scenario.kore.misbehave({ kind: "refused", status: 503, after: 1, times: 1 });
    if (args[0] === "verify") await scenario.exportDay();
    expect((await runOn(scenario, args)).stderr).toBe("");
  });

  test.each([{ CI: "true" }, { CI: "1" }, { TERM: "dumb" }])(
    "nothing is drawn, whatever stderr is, with %j",
    async (env) => {
      const scenario = await startScenario({ sessionsPerDay: 5 });
      expect((await runOn(scenario, ["export", "--date", DAY], { ...TERMINAL, env })).stderr).toBe("");
      expect((await runOn(scenario, ["export", "--date", DAY], { ...TERMINAL, env: { CI: "false" } })).stderr).not.toBe(
        "",
      );
    },
  );
});

describe("--verbose", () => {
  test("tells each request and each wait, and draws no bar", async () => {
    const scenario = await startScenario({ sessionsPerDay: 20 });
    scenario.kore.misbehave({ kind: "refused", status: 503, retryAfterSeconds: 41, after: 2, times: 1 });
    const { stderr } = await runOn(scenario, ["--verbose", "export", "--date", DAY], TERMINAL);
    const lines = stderr.split("\n").slice(0, -1);
    const requests = lines.filter((line) => line.includes(" POST "));
    expect(requests).toHaveLength(scenario.kore.requests.length);
    const window = "2026-01-01T23:59:59.999Z to 2026-01-03T00:00:00.000Z";
    const path = `POST /api/public/bot/${BOT}/getSessions`;
    expect(lines[0]).toBe(`2026-01-04T04:00:00.000Z ${path} ${window}, skip 0, limit 1: 200, 1 row, 0 ms`);
    expect(lines[2]).toBe(`2026-01-04T04:00:00.000Z ${path} selfService, ${window}, skip 0, limit 100: 503, 0 ms`);
    expect(lines[3]).toBe(`2026-01-04T04:00:00.000Z ${BOT}: Kore answered 503, next request in 41 s`);
    expect(lines.at(-1)).toMatch(/ 2026-01-02 st-support-0001: complete, 20 sessions, \d+ requests$/);
    expect(stderr).not.toContain("\u001b");
  });

  test("tells each minute how far a long run is", async () => {
    const scenario = await startScenario({ sessionsPerDay: 2_000, pageCap: 10 });
    const { stderr } = await runOn(scenario, ["export", "--date", DAY, "--verbose"]);
    const told = stderr
      .split("\n")
      .filter((line) => / of 2,000 sessions · \d+\/\w+ · about \d+ (s|min) left/.test(line));
    expect(told.length).toBeGreaterThan(1);
  });

  test("shows neither secrets nor values of filters, in text and as JSON", async () => {
    const scenario = await startScenario({ sessionsPerDay: 5 });
    const filters = ["--user-id", "CANARY-u", "--tag", "CANARY-t=CANARY-v", "--call-id", "CANARY-c"];
    for (const format of ["text", "json"]) {
      const args = ["fetch", ...DAY_OF, ...filters, "--verbose", "--log-format", format];
      const { stderr } = await runOn(scenario, args);
      expect(stderr).toMatch(/callId\W+(by )?userId\W+(by )?tags/);
      expect(stderr).not.toMatch(/CANARY|demo-secret|eyJ/);
    }
    const { stderr } = await runOn(scenario, ["fetch", "--session-id", "CANARY-s", "--verbose"]);
    expect(stderr.split("\n")[0]).toContain("1 session id: 200, 0 rows");
    expect(stderr.split("\n")[0]).not.toContain("CANARY");
  });

  test("tells requests that got no answer", async () => {
    const scenario = await startScenario({ sessionsPerDay: 0 });
    scenario.kore.misbehave({ kind: "reset", times: 1 });
    const { stderr } = await runOn(scenario, ["fetch", ...DAY_OF, "--verbose"]);
    expect(stderr.split("\n")[0]).toMatch(/limit 100: no answer, \d+ ms$/);
  });
});

describe("--log-format json", () => {
  const JSON_LOG = ["--log-format", "json"];

  test("makes each message one object a line, before and after the command's name", async () => {
    const scenario = await startScenario({ sessionsPerDay: 20 });
    for (const args of [
      [...JSON_LOG, "--verbose", "export", "--date", DAY],
      ["export", "--date", DAY, "--verbose", ...JSON_LOG],
    ]) {
      scenario.kore.resetRequests();
      scenario.kore.misbehave({ kind: "refused", status: 429, retryAfterSeconds: 41, after: 2, times: 1 });
      const messages = objects((await runOn(scenario, args, TERMINAL)).stderr);
      const requests = messages.filter(({ event }) => event === "request");
      expect(requests).toHaveLength(scenario.kore.requests.length);
      expect(requests[2]).toMatchObject({
        level: "debug",
        source: BOT,
        method: "POST",
        path: `/api/public/bot/${BOT}/getSessions`,
        containment_type: "selfService",
        date_from: "2026-01-01T23:59:59.999Z",
        limit: 100,
        filters: [],
        status: 429,
        rows: null,
        ms: 0,
        message: expect.stringContaining("429"),
        time: expect.stringMatching(/^2026-01-04T04:0\d:\d\d\.\d{3}Z$/),
      });
      expect(messages).toContainEqual(
        expect.objectContaining({
          level: "info",
          event: "waiting",
          reason: "retry",
          ms: 41_000,
          code: "ERR_KORE_RATE_LIMITED",
        }),
      );
      expect(messages).toContainEqual(
        expect.objectContaining({ event: "day", dt: DAY, status: "complete", sessions: 20 }),
      );
    }
  });

  test("keeps errors and wrong usage to it", async () => {
    const scenario = await startScenario({ sessionsPerDay: 0 });
    const settings = await runOn(scenario, ["export", "--date", "2026-13-01", ...JSON_LOG], { env: { KORE_HOST: "" } });
    expect(settings.code).toBe(2);
    expect(objects(settings.stderr)).toMatchObject([
      { level: "error", code: "ERR_SETTINGS", message: expect.stringMatching(/^KORE_HOST is missing/) },
      { level: "error", code: "ERR_SETTINGS", message: expect.stringMatching(/^--date is "2026-13-01"/) },
    ]);
    for (const args of [
      ["export", "--dates", ...JSON_LOG],
      [...JSON_LOG, "exprot"],
      [...JSON_LOG, "sql"],
    ]) {
      const usage = await runOn(scenario, args);
      expect(usage.code).toBe(2);
      expect(objects(usage.stderr)[0]).toMatchObject({
        level: "error",
        code: "ERR_SETTINGS",
        message: expect.stringMatching(/^(?!error)/),
      });
    }
    const unknown = await runOn(scenario, ["fetch", "--session-id", "nobody", ...JSON_LOG]);
    expect(objects(unknown.stderr)).toMatchObject([{ level: "error", code: "ERR_SESSION_UNKNOWN" }]);
    const refused = await runOn(scenario, ["fetch", ...JSON_LOG], { env: { KORE_CLIENT_SECRET: "wrong" } });
    expect(objects(refused.stderr)).toMatchObject([{ level: "error", code: "ERR_KORE_UNAUTHORIZED" }]);
  });

  test("keeps an interrupt to it", async () => {
    const scenario = await startScenario({ sessionsPerDay: 20 });
    const signal = AbortSignal.abort();
    const { code, stderr } = await runOn(scenario, ["export", "--date", DAY, ...JSON_LOG], { signal });
    expect(code).toBe(130);
    expect(objects(stderr)).toMatchObject([
      { level: "info", event: "interrupted", message: expect.stringMatching(/^Interrupted\./) },
    ]);
  });

  test("is quiet without --verbose where stderr is no terminal", async () => {
    const scenario = await startScenario({ sessionsPerDay: 20 });
    expect((await runOn(scenario, ["export", "--date", DAY, ...JSON_LOG])).stderr).toBe("");
  });

  test("takes text or json only", async () => {
    const scenario = await startScenario({ sessionsPerDay: 0 });
    const { code, stderr } = await runOn(scenario, ["status", "--log-format", "xml"]);
    expect(code).toBe(2);
    expect(stderr).toContain("Allowed choices are text, json");
  });
});

test("every command's help names the options of all commands", async () => {
  const scenario = await startScenario({ sessionsPerDay: 0 });
  const { stdout } = await runOn(scenario, ["--help"]);
  const names = [...stdout.matchAll(/^ {2}([a-z]+) .*\[options\]/gm)].map(([, name]) => name ?? "");
  expect(names).toContain("fetch");
  for (const name of names) {
    const help = (await runOn(scenario, [name, "--help"])).stdout;
    expect(help, name).toContain("--log-format <format>");
    expect(help, name).toContain("--verbose");
  }
});
