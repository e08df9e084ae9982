import { readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { CHECKS, type Check, type CheckName } from "../../cli/doctor/checks.ts";
import { checkNode } from "../../cli/doctor/here.ts";
import { printChecks } from "../../cli/doctor/print.ts";
import type { Fault, StandInOptions } from "../../demo/stand-in/server.ts";
import { checkUp } from "../support/check-up.ts";
import { filesBelow } from "../support/files.ts";
import { BOT, startScenario } from "../support/scenario.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const NOW = "2026-01-04T04:00:00Z";
const CANARY = "canary-secret-that-nobody-may-see-0123456789";
const OTHER = "st-sales-0002";

interface Trouble {
  readonly trouble: string;
  readonly options?: StandInOptions;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly faults?: readonly Fault[];
  /** The only problem, unless others are named. */
  readonly check: CheckName;
  readonly besides?: readonly CheckName[];
  readonly says: RegExp;
  readonly remedy: RegExp;
  readonly skipped?: readonly CheckName[];
}

const refused = (msg: string, status = 401): Fault => ({ kind: "refused", status, msg });
const NO_ANSWER: readonly CheckName[] = ["token", "scope", "quota", "page-size"];

const TROUBLES: readonly Trouble[] = [
  {
    trouble: "a wrong secret",
    env: { KORE_CLIENT_SECRET: CANARY },
    check: "token",
    says: /^Kore answered 401: Invalid SDK credentials \(code 4002\)\.$/,
    remedy: /App Settings > Dev Tools > Web\/Mobile SDK/,
    skipped: ["scope", "bot", "page-size"],
  },
  {
    trouble: "a token that Kore cannot read",
    faults: [refused("Invalid JWT token")],
    check: "token",
    says: /Invalid JWT token/,
    remedy: /Copy client id and secret again/,
  },
  {
    trouble: "a scope that is missing or not published",
    faults: [refused("Permission denied. Scope is incorrect!")],
    check: "scope",
    says: /^Kore answered 401: Permission denied\. Scope is incorrect! \(code 4002\)\. \(st-support-0001\)$/,
    remedy: /App Settings > Dev Tools > API Scope.*"Bot Sessions".*publish/,
    skipped: ["bot", "quota", "page-size"],
  },
  {
    trouble: "a bot that Kore does not know",
    env: { KORE_BOT_IDS: "st-9" },
    check: "bot",
    says: /^Kore answered 400: Invalid StreamId/,
    remedy: /General Settings/,
  },
  {
    trouble: "an app of another bot",
    options: { bots: [BOT, OTHER] },
    env: { KORE_BOT_IDS: `${BOT},${OTHER}` },
    faults: [{ kind: "refused", status: 401, source: OTHER }],
    check: "bot",
    says: /Invalid SDK credentials/,
    remedy: /the app is that bot's/,
  },
  {
    trouble: "a host that is down",
    env: { KORE_HOST: "http://127.0.0.1:1" },
    check: "host",
    says: /^http:\/\/127\.0\.0\.1:1: The connection to Kore failed: connect ECONNREFUSED/,
    remedy: /KORE_HOST/,
    skipped: ["clock", "bot", ...NO_ANSWER],
  },
  {
    trouble: "a clock that is behind",
    options: { clock: new VirtualClock("2026-01-04T04:02:00Z") },
    check: "clock",
    says: /^This computer's clock is 120 s behind the host's\.$/,
    remedy: /set its clock/,
  },
  {
    trouble: "a clock that is ahead",
    options: { clock: new VirtualClock("2026-01-04T03:50:00Z") },
    check: "clock",
    besides: ["token"],
    says: /^This computer's clock is 600 s ahead of the host's\.$/,
    remedy: /set its clock/,
  },
  {
    trouble: "a quota that is used up",
    faults: [{ kind: "refused", status: 429, retryAfterSeconds: 3_000 }],
    check: "quota",
    says: /^Kore answered 429: Rate limit for this API has been reached\./,
    remedy: /another program/i,
    skipped: ["bot", "token", "scope", "page-size"],
  },
  {
    trouble: "a quota that ends with the last request",
    options: { requestsPerMinute: 1 },
    check: "quota",
    says: /^Kore answered 429/,
    remedy: /KORE_REQUESTS_PER_MINUTE/,
    skipped: ["page-size"],
  },
  {
    trouble: "pages that are capped",
    options: { sessionsPerDay: 200, pageCap: 50 },
    check: "page-size",
    says: /^Kore gave 50 sessions at once of the 100 asked for\.$/,
    remedy: /^Set KORE_PAGE_SIZE=50\.$/,
  },
  ...(["encrypted-object", "encrypted-string", "encrypted-jwe"] as const).map(
    (shape): Trouble => ({
      trouble: `encrypted payloads (${shape})`,
      faults: [{ kind: "foreign-answer", shape }],
      check: "bot",
      says: /enforce encrypted payloads/,
      remedy: /^Turn off 'Enforce Request and Response Payload Encryption'/,
    }),
  ),
  {
    trouble: "a page of a proxy",
    faults: [{ kind: "foreign-answer", shape: "html" }],
    check: "bot",
    says: /not one of the Sessions History API/,
    remedy: /KORE_HOST, and any proxy/,
    skipped: NO_ANSWER,
  },
  {
    trouble: "a redirect",
    faults: [{ kind: "foreign-answer", shape: "redirect" }],
    check: "bot",
    says: /redirects to \/login/,
    remedy: /address that answers itself/,
  },
  {
    trouble: "a Kore that fails",
    faults: [refused("Internal Server Error", 503)],
    check: "bot",
    says: /^Kore answered 503/,
    remedy: /^Run again later/,
  },
  {
    trouble: "an API that never answers",
    faults: [{ kind: "hang" }],
    check: "bot",
    says: /no whole answer within 1 s/,
    remedy: /KORE_REQUEST_TIMEOUT_SECONDS/,
  },
];

describe("doctor", () => {
  test("finds nothing where all is well, asks Kore little, and changes nothing", async () => {
    const scenario = await startScenario({ bots: [BOT, OTHER], sessionsPerDay: 300 });
    const env = { KORE_BOT_IDS: `${BOT},${OTHER}` };
    await scenario.cli(["export"], env);
    const before = await filesBelow(scenario.archive);
    scenario.kore.resetRequests();
    const found = await checkUp(scenario, env);
    expect(found).toMatchObject({ code: 0, stderr: "", problems: [] });
    expect(JSON.parse(found.stdout).ok).toBe(true);
    expect(found.of("bot").map(({ source, status }) => [source, status])).toEqual([
      [BOT, "ok"],
      [OTHER, "ok"],
    ]);
    const names = found.checks.map(({ name }) => name);
    expect([...new Set(names)]).toEqual(Object.keys(CHECKS));
    expect(scenario.kore.requests.length).toBeLessThanOrEqual(2 + 3);
    expect(scenario.kore.requests.every(({ status }) => status === 200 || status === 404)).toBe(true);
    expect(await filesBelow(scenario.archive)).toEqual(before);
  });

  test("tells each check in a line that is readable without colour", async () => {
    const scenario = await startScenario({ sessionsPerDay: 300 });
    const { code, stdout } = await scenario.cli(["doctor"], { KORE_BOT_IDS: `${BOT},st-9` });
    expect(code).toBe(1);
    const kore = stdout.split("\n\n").find((part) => part.startsWith("Kore\n"));
    expect(kore?.replace(scenario.kore.url, "http://kore")).toBe(
      [
        "Kore",
        "  ✔ ok       Secret         KORE_CLIENT_ID and KORE_CLIENT_SECRET are set",
        "  ✔ ok       Host           http://kore answers",
        "  ✔ ok       Clock          agrees with the host's",
        "  ✔ ok       Token          accepted",
        "  ✔ ok       Scope          given and published",
        "  ✔ ok       Source         st-support-0001: answers; 300 sessions in the last 6 days",
        "  ✘ problem  Source         st-9: Kore answered 400: Invalid StreamId (code 400).",
        "                            → Copy the bot id from the bot's General Settings in Kore (st-…), and check that the app is",
        "                              that bot's.",
        "  ✔ ok       Quota          no answer 429; exports keep to 60 a minute and 1,800 an hour for each source",
        "  ✔ ok       Page size      100 of 100 sessions came at once",
      ].join("\n"),
    );
    expect(stdout).toMatch(/\n1 problem, 13 ok, 6 skipped\. Nothing was changed\.\n$/);
  });

  test.each(TROUBLES)("names $trouble, and what to do", async (trouble) => {
    const { options = {}, env = {}, faults = [], check, besides = [], says, remedy, skipped = [] } = trouble;
    const scenario = await startScenario(options, NOW);
    scenario.kore.misbehave(...faults);
    const found = await checkUp(scenario, { KORE_CLIENT_SECRET: "demo-secret-of-the-stand-in", ...env });
    expect(found.code).toBe(1);
    expect(found.problems).toEqual([check, ...besides]);
    const told = found.of(check).find(({ status }) => status === "problem");
    expect(told?.says).toMatch(says);
    expect(told?.remedy).toMatch(remedy);
    for (const name of skipped) expect(`${name} ${found.status(name)}`).toBe(`${name} skipped`);
    const sources = found.of("bot").length;
    expect(scenario.kore.requests.length).toBeLessThanOrEqual(sources + 3);
    expect(scenario.clock.slept).toEqual([]);
  });

  test("asks with a containment type where Kore wants one", async () => {
    const scenario = await startScenario({ bots: [BOT, OTHER] });
    scenario.kore.misbehave({ kind: "refused", status: 412, containmentType: null });
    const found = await checkUp(scenario, { KORE_BOT_IDS: `${BOT},${OTHER}` });
    expect(found).toMatchObject({ code: 0, problems: [] });
    expect(scenario.kore.requests.length).toBeLessThanOrEqual(2 + 3);
  });

  test("sends no request that the settings' quota has no room for", async () => {
    const scenario = await startScenario();
    const found = await checkUp(scenario, { KORE_REQUESTS_PER_MINUTE: "1" });
    expect(found.status("page-size")).toBe("skipped");
    expect(found.code).toBe(0);
    expect(scenario.kore.requests.filter(({ source }) => source === BOT)).toHaveLength(1);
  });

  test("asks about the account", async () => {
    const scenario = await startScenario();
    const found = await checkUp(scenario, {}, "--account");
    expect(found.of("bot")).toMatchObject([{ source: "account", status: "ok" }]);
  });

  test("says that a bot without sessions may be the wrong one", async () => {
    const scenario = await startScenario({ sessionsPerDay: 0 });
    const found = await checkUp(scenario);
    expect(found.of("bot")[0]?.says).toMatch(/no session started in the last 6 days/);
    expect(found.code).toBe(0);
  });
});

describe("doctor with wrong settings", () => {
  test("names each of them, checks what it can, and ends with 2", async () => {
    const scenario = await startScenario();
    const env = { KORE_PAGE_SIZE: "0", KORE_REQUESTS_PER_HOUR: "many", KORE_TIME_ZONE: "Mars", KORE_PII: "user_id" };
    const found = await checkUp(scenario, env);
    expect(found.code).toBe(2);
    expect(found.problems).toEqual(["settings", "settings", "settings", "settings"]);
    expect(found.of("settings")[1]).toEqual({
      name: "settings",
      status: "problem",
      says: 'KORE_REQUESTS_PER_HOUR is "many".',
      remedy: "Give a whole number from 0 to 1000000.",
    });
    for (const name of ["token", "scope", "bot", "archive-write"] as const) expect(found.status(name)).toBe("ok");
    for (const name of ["page-size", "time-zone", "personal-data"] as const) {
      expect(found.status(name)).toBe("skipped");
    }
  });

  test.each([
    ["no host", { KORE_HOST: undefined }, ["host", "clock", "token", "bot"], ["secret", "archive-read"]],
    ["no bots", { KORE_BOT_IDS: undefined }, ["secret", "token", "bot"], ["host", "clock", "archive-read"]],
    ["no credentials", { KORE_CLIENT_ID: undefined }, ["secret", "token", "personal-data"], ["host", "archive-read"]],
    ["no archive", { KORE_ARCHIVE: undefined }, ["archive-read", "archive-write", "last-run"], ["token", "bot"]],
    ["no key", { KORE_SIGNING_KEY: "arn:aws:s3:::b" }, ["signing-key"], ["token", "bot", "archive-read"]],
    ["two kinds of credentials", { KORE_SECRET_ID: "kore" }, ["secret", "token"], ["host", "archive-read"]],
    ["no such function", { KORE_FUNCTION: "a b" }, ["function", "schedule"], ["token", "archive-read"]],
  ] as const)("(%s) skips what depends on them alone", async (_, env, skipped, fine) => {
    const scenario = await startScenario();
    const found = await checkUp(scenario, env);
    expect(found.code).toBe(2);
    expect(found.problems).toEqual(["settings"]);
    for (const name of skipped) expect(`${name} ${found.status(name)}`).toBe(`${name} skipped`);
    for (const name of fine) expect(`${name} ${found.status(name)}`).toBe(`${name} ok`);
  });

  test("checks a computer on which nothing is set", async () => {
    const scenario = await startScenario();
    const nothing = Object.fromEntries(["HOST", "BOT_IDS", "CLIENT_ID", "CLIENT_SECRET", "ARCHIVE"].map(unset));
    const found = await checkUp(scenario, nothing);
    expect(found.code).toBe(2);
    expect(found.of("settings").map(({ says }) => says)).toHaveLength(4);
    expect(scenario.kore.requests).toEqual([]);
  });

  test("ends with 2 and one line on a wrong command line", async () => {
    const scenario = await startScenario();
    const { code, stdout, stderr } = await scenario.cli(["doctor", "--deployed", "--bot", "st-1"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe("error ERR_SETTINGS: --deployed takes the function's own settings; leave --bot out.\n");
  });
});

const unset = (name: string) => [`KORE_${name}`, undefined] as const;

describe("doctor's output", () => {
  test("never holds the secret, whatever Kore answers", async () => {
    const scenario = await startScenario({ credentials: { default: { clientId: "cs-demo", clientSecret: CANARY } } });
    const env = { KORE_CLIENT_SECRET: CANARY, KORE_HASH_KEY: `${CANARY}-too`, KORE_PII: "user_id=hash" };
    const echoes: Fault[][] = [[], [refused(`not ${CANARY}`)], [refused(`not ${CANARY}`, 400)], [refused(CANARY, 429)]];
    for (const faults of echoes) {
      scenario.kore.misbehave(...faults);
      for (const args of [["doctor"], ["doctor", "--json"], ["--verbose", "--log-format", "json", "doctor"]]) {
        const { stdout, stderr } = await scenario.cli(args, env);
        expect(stdout.length).toBeGreaterThan(100);
        expect(stdout + stderr).not.toContain("canary");
        expect(stdout + stderr).not.toMatch(/eyJ[A-Za-z0-9_-]{10}/);
      }
    }
  });

  test.each([
    ["hashes", { KORE_PII: "user_id=hash", KORE_HASH_KEY: "k".repeat(40) }],
    ["cannot be used", { KORE_PII: "user_id" }],
  ])("never quotes what Kore sends where KORE_PII %s", async (_, env) => {
    const scenario = await startScenario();
    const fault = refused("zoe@example.com", 503);
    scenario.kore.misbehave(fault);
    expect((await checkUp(scenario, env)).stdout).not.toContain("zoe");
    expect((await checkUp(scenario)).stdout).toContain("zoe");
  });

  test("tells each request with --verbose", async () => {
    const scenario = await startScenario();
    const { stderr } = await scenario.cli(["--verbose", "doctor"]);
    expect(stderr.match(/POST \/api\/public\/bot\/st-support-0001\/getSessions .*: 200, \d+ rows?/g)).toHaveLength(2);
  });

  test("is in colour on a terminal only, and not with NO_COLOR", async () => {
    const one: Check = { name: "node", status: "problem", says: "old", remedy: "renew" };
    const printed = async (isTTY: boolean, env: Record<string, string>) => {
      const parts: string[] = [];
      await printChecks(streamOf(one), { env, stdout: { isTTY, write: (text) => void parts.push(text) } });
      return parts.join("");
    };
    expect(await printed(true, {})).toContain("\u001b[31m✘ problem");
    for (const plain of [await printed(false, {}), await printed(true, { NO_COLOR: "1" })]) {
      expect(plain).not.toContain("\u001b");
      expect(plain).toContain("✘ problem  Node.js        old\n");
    }
  });

  test("keeps within the terminal's width, and lets nobody steer it", async () => {
    const parts: string[] = [];
    const says = `${"word ".repeat(40)}\u001b[2J\u0007end`;
    const stdout = { isTTY: false, columns: 72, write: (text: string) => void parts.push(text) };
    await printChecks(streamOf({ name: "host", status: "problem", says, remedy: says }), { env: {}, stdout });
    for (const control of ["\u001b", "\u0007"]) expect(parts.join("")).not.toContain(control);
    expect(
      Math.max(
        ...parts
          .join("")
          .split("\n")
          .map(({ length }) => length),
      ),
    ).toBeLessThanOrEqual(72);
  });

  test("says Interrupted when it is", async () => {
    const scenario = await startScenario();
    const stop = new AbortController();
    stop.abort();
    const { code } = await scenario.cli(["doctor"], {}, stop.signal);
    expect(code).toBe(130);
  });

  test("leaves no archive where there was none", async () => {
    const scenario = await startScenario();
    await checkUp(scenario);
    await expect(stat(scenario.archive)).rejects.toThrow("ENOENT");
  });
});

async function* streamOf(...checks: Check[]): AsyncGenerator<Check> {
  yield* checks;
}

describe("the check of Node.js", () => {
  test.each([
    ["24.0.0", "ok"],
    ["26.1.0", "ok"],
    ["22.22.1", "problem"],
    ["20.0.0", "problem"],
  ])("calls %s %s", (version, status) => {
    expect(checkNode(version).status).toBe(status);
  });
});

describe("docs/doctor.md", () => {
  test("lists every check as it is, and no other", () => {
    const lines = readFileSync("docs/doctor.md", "utf8").split("\n");
    const rows = lines.filter((line) => line.startsWith("| `")).map((line) => line.slice(2, -2).split(" | "));
    const checks = Object.entries(CHECKS).map(([name, { title, asks, means, mend }]) => {
      return [`\`${name}\``, title, asks, means, mend];
    });
    expect(rows).toEqual(checks);
  });
});
