import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Fault, SessionStore } from "../../demo/stand-in/server.ts";
import { sampleSession } from "../../demo/stand-in/server.ts";
import { rejectedKey } from "../../functions/exporter/archive/layout.ts";
import { BOT, DAY, type Scenario, startScenario } from "../support/scenario.ts";

interface Case {
  readonly behaviour: string;
  readonly faults: readonly Fault[];
  /** Sessions of the day; the stand-in's pages hold at most 20 of them. */
  readonly sessions?: number;
  /** What the ledger has to say nevertheless. */
  readonly says?: string;
}

/** Whatever the server does, the archive is exact or the run says that it is not. */
async function expectExactOrSaidSo(scenario: Scenario): Promise<void> {
  const { code, stderr, stdout } = await scenario.exportDay("--json");
  const exact = JSON.stringify(await scenario.archived()) === JSON.stringify(scenario.truth());
  const ledger = await scenario.ledger();
  if (code === 0) {
    expect(exact, "a run that ends well has archived exactly what the server has").toBe(true);
    expect(ledger.status).toBe("complete");
  } else {
    expect(ledger.status).toBe("incomplete");
    expect(ledger.problems.map((problem) => problem.code).join()).toMatch(/ERR_/);
    expect(`${stderr}${stdout}`).toMatch(/ERR_/);
  }
  expectNoQuotaBroken(scenario);
}

function expectNoQuotaBroken({ kore }: Scenario): void {
  expect(kore.requests.filter((request) => request.quotaExceeded)).toEqual([]);
}

const healed: readonly Case[] = [
  { behaviour: "answers 429 without Retry-After", faults: [{ kind: "refused", status: 429, after: 2, times: 3 }] },
  {
    behaviour: "answers 429 with Retry-After in seconds",
    faults: [{ kind: "refused", status: 429, retryAfterSeconds: 7, after: 2, times: 2 }],
  },
  {
    behaviour: "answers 429 with Retry-After as a date",
    faults: [{ kind: "refused", status: 429, retryAfterSeconds: 7, retryAfterForm: "http-date", after: 2, times: 2 }],
  },
  { behaviour: "answers 500", faults: [{ kind: "refused", status: 500, after: 1, times: 2 }] },
  { behaviour: "answers 502 and 503", faults: [{ kind: "refused", status: 503, after: 4, times: 4 }] },
  { behaviour: "resets connections", faults: [{ kind: "reset", after: 3, times: 3 }] },
  { behaviour: "cuts bodies short", faults: [{ kind: "cut-body", as: "broken", after: 1, times: 2 }] },
  { behaviour: "calls a cut body complete", faults: [{ kind: "cut-body", as: "complete", after: 1, times: 2 }] },
  { behaviour: "hangs once", faults: [{ kind: "hang", after: 2, times: 1 }] },
  { behaviour: "caps pages below the limit asked for", faults: [{ kind: "page-cap", rows: 7 }] },
  { behaviour: "sends totals as text", faults: [{ kind: "total", as: "text" }] },
  { behaviour: "says for ever that more is available", faults: [{ kind: "more-available", as: true }] },
  { behaviour: "never says that more is available", faults: [{ kind: "more-available", as: false }] },
  { behaviour: "leaves moreAvailable out", faults: [{ kind: "more-available", as: "missing" }] },
  { behaviour: "has inclusive bounds", faults: [{ kind: "bounds", bounds: "inclusive" }] },
  { behaviour: "has exclusive bounds", faults: [{ kind: "bounds", bounds: "exclusive" }] },
  { behaviour: "has an exclusive lower bound", faults: [{ kind: "bounds", bounds: "exclusive-lower" }] },
  { behaviour: "has an exclusive upper bound", faults: [{ kind: "bounds", bounds: "exclusive-upper" }] },
  {
    behaviour: "refuses unfiltered requests with 400",
    faults: [{ kind: "refused", status: 400, containmentType: null }],
    says: "ERR_UNFILTERED_REFUSED",
  },
  {
    behaviour: "refuses unfiltered requests with 412",
    faults: [{ kind: "refused", status: 412, containmentType: null }],
    says: "ERR_UNFILTERED_REFUSED",
  },
  { behaviour: "sends gzip", faults: [{ kind: "gzip" }] },
  { behaviour: "begins with a byte order mark", faults: [{ kind: "bom" }] },
  { behaviour: "sends HTML once", faults: [{ kind: "foreign-answer", shape: "html", after: 1, times: 1 }] },
  { behaviour: "sends null twice", faults: [{ kind: "foreign-answer", shape: "null", after: 1, times: 2 }] },
  {
    behaviour: "returns a session under two types for a while",
    faults: [{ kind: "repeated-rows", of: "page-first", counted: false, every: 20, times: 4 }],
  },
  { behaviour: "ignores skip for a while", faults: [{ kind: "skip-ignored", times: 5 }] },
  { behaviour: "counts wrongly for a while", faults: [{ kind: "total", as: { offset: 3 }, times: 5 }] },
  {
    behaviour: "repeats rows without counting them",
    faults: [{ kind: "repeated-rows", of: "page-first", counted: false, every: 20 }],
  },
];

describe("a day is archived exactly when the server", () => {
  test.each(healed)("$behaviour", async ({ faults, sessions = 60, says }) => {
    const scenario = await startScenario({ sessionsPerDay: sessions, pageCap: 20 });
    scenario.kore.misbehave(...faults);
    const { code, stderr } = await scenario.exportDay();
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(await scenario.archived()).toEqual(scenario.truth());
    const { status, problems } = await scenario.ledger();
    expect([status, ...problems.map(({ code: problem }) => problem)]).toEqual(["complete", ...(says ? [says] : [])]);
    expectNoQuotaBroken(scenario);
  });
});

const told: readonly (Case & { readonly code: string })[] = [
  { behaviour: "fails without end", faults: [{ kind: "refused", status: 500 }], code: "ERR_KORE_UNAVAILABLE" },
  { behaviour: "answers 429 without end", faults: [{ kind: "refused", status: 429 }], code: "ERR_KORE_RATE_LIMITED" },
  {
    behaviour: "asks to come back in a day",
    faults: [{ kind: "refused", status: 429, retryAfterSeconds: 86_400 }],
    code: "ERR_KORE_RATE_LIMITED",
  },
  { behaviour: "resets every connection", faults: [{ kind: "reset" }], code: "ERR_KORE_UNAVAILABLE" },
  { behaviour: "cuts every body", faults: [{ kind: "cut-body", as: "broken" }], code: "ERR_KORE_UNAVAILABLE" },
  { behaviour: "refuses the token", faults: [{ kind: "refused", status: 401 }], code: "ERR_KORE_UNAUTHORIZED" },
  { behaviour: "forbids the request", faults: [{ kind: "refused", status: 403 }], code: "ERR_KORE_REFUSED" },
  { behaviour: "finds every request wrong", faults: [{ kind: "refused", status: 400 }], code: "ERR_KORE_REFUSED" },
  { behaviour: "redirects", faults: [{ kind: "foreign-answer", shape: "redirect" }], code: "ERR_KORE_REDIRECTED" },
  { behaviour: "sends HTML", faults: [{ kind: "foreign-answer", shape: "html" }], code: "ERR_KORE_NOT_THE_API" },
  { behaviour: "sends null", faults: [{ kind: "foreign-answer", shape: "null" }], code: "ERR_KORE_NOT_THE_API" },
  { behaviour: "sends an array", faults: [{ kind: "foreign-answer", shape: "array" }], code: "ERR_KORE_NOT_THE_API" },
  { behaviour: "sends nothing", faults: [{ kind: "foreign-answer", shape: "empty" }], code: "ERR_KORE_NOT_THE_API" },
  { behaviour: "answers 204", faults: [{ kind: "foreign-answer", shape: "no-content" }], code: "ERR_KORE_NOT_THE_API" },
  {
    behaviour: "encrypts into an object",
    faults: [{ kind: "foreign-answer", shape: "encrypted-object" }],
    code: "ERR_KORE_ENCRYPTED",
  },
  {
    behaviour: "encrypts into a string",
    faults: [{ kind: "foreign-answer", shape: "encrypted-string" }],
    code: "ERR_KORE_ENCRYPTED",
  },
  {
    behaviour: "encrypts as JWE",
    faults: [{ kind: "foreign-answer", shape: "encrypted-jwe" }],
    code: "ERR_KORE_ENCRYPTED",
  },
  { behaviour: "sends a huge body", faults: [{ kind: "huge-body", mebibytes: 70 }], code: "ERR_KORE_ANSWER_TOO_LARGE" },
  { behaviour: "ignores skip", faults: [{ kind: "skip-ignored" }], code: "ERR_NOT_RECONCILED" },
  { behaviour: "counts too many", faults: [{ kind: "total", as: { offset: 3 } }], code: "ERR_NOT_RECONCILED" },
  { behaviour: "counts too few", faults: [{ kind: "total", as: { offset: -3 } }], code: "ERR_NOT_RECONCILED" },
  { behaviour: "counts the page's rows", faults: [{ kind: "total", as: "rows-of-page" }], code: "ERR_NOT_RECONCILED" },
  { behaviour: "gives no totals", faults: [{ kind: "total", as: "missing" }], code: "ERR_TOTALS_MISSING" },
  { behaviour: "gives null for totals", faults: [{ kind: "total", as: "null" }], code: "ERR_TOTALS_MISSING" },
  { behaviour: "ignores the window", faults: [{ kind: "window-ignored" }], code: "ERR_WINDOW_IGNORED" },
  {
    behaviour: "adds rows of other days",
    faults: [{ kind: "extra-rows", of: "other-days", rows: 6, counted: false }],
    code: "ERR_WINDOW_IGNORED",
  },
  {
    behaviour: "adds rows of other days and counts them",
    faults: [{ kind: "extra-rows", of: "other-days", rows: 6, counted: true }],
    code: "ERR_WINDOW_IGNORED",
  },
  {
    behaviour: "adds rows of another bot",
    faults: [{ kind: "extra-rows", of: "other-bot", rows: 6, counted: true }],
    code: "ERR_WINDOW_IGNORED",
  },
  {
    behaviour: "repeats rows and counts them",
    faults: [{ kind: "repeated-rows", of: "previous-page-last", counted: true, every: 20 }],
    code: "ERR_NOT_RECONCILED",
  },
];

/** The day among others, and a second bot: something to return that was not asked for. */
const WEEK = { pageCap: 20, from: "2025-12-30", to: "2026-01-05", bots: [BOT, "st-other"] };

describe("the run fails and the ledger says why when the server", () => {
  test.each(told)("$behaviour", async ({ faults, code: expected }) => {
    const scenario = await startScenario(WEEK);
    scenario.kore.misbehave(...faults);
    await expectExactOrSaidSo(scenario);
    const ledger = await scenario.ledger();
    expect(ledger.status).toBe("incomplete");
    expect(ledger.problems.map(({ code }) => code)).toContain(expected);
    expect(scenario.kore.requests.length).toBeLessThan(200);
  });

  test.each(told)("$behaviour, and heals once it behaves", async ({ faults }) => {
    const scenario = await startScenario(WEEK);
    scenario.kore.misbehave(...faults);
    await scenario.exportDay();
    scenario.kore.misbehave();
    scenario.clock.advance(3_600_000);
    expect((await scenario.exportDay()).code).toBe(0);
    expect(await scenario.archived()).toEqual(scenario.truth());
    expect((await scenario.ledger()).problems).toEqual([]);
  });

  test.each(told)("$behaviour, and leaves a complete day as it was", async ({ faults, code: expected }) => {
    const scenario = await startScenario(WEEK);
    await scenario.exportDay();
    const before = await scenario.files();
    scenario.clock.advance(3_600_000);
    scenario.kore.misbehave(...faults);
    expect((await scenario.exportDay()).code).toBe(1);
    expect(await scenario.files()).toEqual(before);
    const ledger = await scenario.ledger();
    expect(ledger.status).toBe("complete");
    expect(ledger.problems.map(({ code }) => code)).toContain(expected);
  });
});

describe("sessions that the API treats in its own way", () => {
  test("one under no announced type is archived as unclassified", async () => {
    const scenario = await startScenario();
    scenario.kore.store.add(BOT, session("a1", { containmentType: "voicemail" }));
    expect((await scenario.exportDay()).code).toBe(0);
    expect(await scenario.archived()).toEqual(scenario.truth());
    expect((await scenario.ledger()).archived.unclassified).toBe(1);
  });

  test("one that only the unfiltered list returns goes to its own type", async () => {
    const scenario = await startScenario();
    scenario.kore.store.add(BOT, session("a2", { containmentType: "agent" }), { containmentType: null });
    expect((await scenario.exportDay()).code).toBe(0);
    expect(await scenario.archived()).toContain(`${session("a2").sessionId} agent`);
  });

  test("one returned under two types is archived once", async () => {
    const scenario = await startScenario();
    const [first] = scenario.kore.store.between(BOT, Date.parse(DAY), Date.parse(DAY) + 86_400_000);
    const sessionId = String(first?.session.sessionId);
    const under = first?.containmentType === "agent" ? "dropOff" : "agent";
    scenario.kore.misbehave({ kind: "two-types", sessionId, under });
    await scenario.exportDay();
    const archived = await scenario.archived();
    expect(archived.filter((text) => text.startsWith(sessionId))).toHaveLength(1);
    expect(archived).toHaveLength(60);
  });

  test.each(["no-id", "null-id", "no-start", "bad-start", "null", "string"] as const)(
    "a row with %s is kept under rejected/, and the day can be complete",
    async (as) => {
      const scenario = await startScenario();
      scenario.kore.misbehave(
        { kind: "broken-row", as, containmentType: "dropOff" },
        { kind: "broken-row", as, containmentType: null },
      );
      const { code } = await scenario.exportDay();
      const ledger = await scenario.ledger();
      expect(ledger.rejected).toBe(1);
      expect(ledger.archived.total).toBe(59);
      expect(ledger.files.filter((file) => file.containment_type === null)).toMatchObject([{ row_count: 1 }]);
      expect(ledger.problems.map((problem) => problem.code)).toEqual(["ERR_ROWS_REJECTED"]);
      expect(ledger.status).toBe("complete");
      expect(code).toBe(0);
    },
  );

  test.each([
    ["of another day", "other-days", "ERR_ROW_OUTSIDE_WINDOW"],
    ["of another bot", "other-bot", "ERR_ROW_OF_ANOTHER_BOT"],
  ] as const)("one %s that nobody asked for is kept under rejected/ with the reason", async (_, of, reason) => {
    const scenario = await startScenario(WEEK);
    scenario.kore.misbehave({ kind: "extra-rows", of, rows: 2, counted: false, containmentType: "agent" });
    expect((await scenario.exportDay()).code).toBe(1);
    const lines = (await readFile(join(scenario.archive, rejectedKey(DAY, BOT)), "utf8")).trim().split("\n");
    const rows = lines.map((line) => JSON.parse(line));
    expect(rows.map(({ code, containment_type }) => [code, containment_type])).toEqual(
      Array(2).fill([reason, "agent"]),
    );
    for (const { raw } of rows) {
      const stored = scenario.kore.store.find("account", JSON.parse(raw).sessionId);
      expect(raw).toBe(stored?.text);
      expect(stored?.botId === BOT && stored.session.start_time?.toString().startsWith(DAY)).toBe(false);
    }
  });

  test("an active one makes the day provisional, and its end makes it complete", async () => {
    const scenario = await startScenario();
    const active = session("a3", { sessionStatus: "active" });
    scenario.kore.store.add(BOT, active);
    await scenario.exportDay();
    expect(await scenario.ledger()).toMatchObject({ status: "provisional", active: 1 });
    scenario.kore.store.update(BOT, String(active.sessionId), { sessionStatus: "closed", containmentType: "agent" });
    expect((await scenario.exportDay()).code).toBe(0);
    expect(await scenario.ledger()).toMatchObject({ status: "complete", active: 0 });
    expect(await scenario.archived()).toEqual(scenario.truth());
  });

  test("a late one appears with the next export", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    scenario.kore.store.add(BOT, session("a4"));
    expect((await scenario.exportDay()).code).toBe(0);
    expect(await scenario.archived()).toEqual(scenario.truth());
  });

  test("sessions that come, go and change while the day is read end up as they are", async () => {
    const scenario = await startScenario({ pageCap: 10, sessionsPerDay: 80 });
    const [first, second, third] = scenario.kore.store.between(BOT, Date.parse(DAY), Date.parse(DAY) + 86_400_000);
    const id = (stored: typeof first) => String(stored?.session.sessionId);
    const changes: ((store: SessionStore) => unknown)[] = [
      (store) => store.add(BOT, session("b1")),
      (store) => store.remove(BOT, id(second)),
      (store) => store.update(BOT, id(third), { containmentType: "agent" }),
      (store) => store.update(BOT, id(first), { containmentType: "dropOff" }),
      (store) => store.add(BOT, session("b2")),
      (store) => store.remove(BOT, session("b1").sessionId as string),
    ];
    scenario.kore.misbehave({
      kind: "before-request",
      after: 3,
      times: changes.length,
      change: (store) => void changes.shift()?.(store),
    });
    expect((await scenario.exportDay()).code).toBe(0);
    expect(await scenario.archived()).toEqual(scenario.truth());
  });

  test("a set that never stands still makes the day incomplete", async () => {
    const scenario = await startScenario({ pageCap: 10 });
    let added = 0;
    scenario.kore.misbehave({
      kind: "before-request",
      change: (store) => void store.add(BOT, session(`c${added++}x`)),
    });
    expect((await scenario.exportDay()).code).toBe(1);
    expect(await scenario.ledger()).toMatchObject({ status: "incomplete", problems: [{ code: "ERR_NOT_RECONCILED" }] });
  });
});

/** A session of `DAY` that the generated ones do not have; its id begins with `mark`. */
function session(mark: string, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    ...sampleSession({ botId: BOT, startTime: `${DAY}T11:22:33.444Z` }),
    sessionId: mark.padEnd(24, "0"),
    ...changes,
  };
}
