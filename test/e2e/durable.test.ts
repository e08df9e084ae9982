import type { TestResult } from "@aws/durable-execution-sdk-js-testing";
import { describe, expect, test } from "vitest";
import type { LedgerRecord } from "../../functions/exporter/archive/ledger.ts";
import type { DurableLimits } from "../../functions/exporter/lambda/durable-host.ts";
import { STEP_TIMES } from "../../functions/exporter/steps/steps.ts";
import { type Around, type Deployment, deploy, skipTime, stepsOf } from "../support/durable-run.ts";
import { BOT, DAY, type Scenario, startScenario } from "../support/scenario.ts";

skipTime();

const NIGHT = { scheduledTime: "2026-01-03T02:15:00Z" };
const OTHER_BOT = "st-sales-0002";
/** So little that reading the day takes three turns, with waits between them. */
const SMALL_QUOTA = { KORE_REQUESTS_PER_MINUTE: "5", KORE_REQUESTS_PER_HOUR: "0", KORE_PAGE_SIZE: "10" };

async function start(
  more: Readonly<Record<string, string>> = {},
): Promise<{ scenario: Scenario; deployed: Deployment }> {
  const bots = [BOT, OTHER_BOT];
  const scenario = await startScenario({ bots, sessionsPerDay: 70, requestsPerMinute: 5, requestsPerHour: 0 });
  return { scenario, deployed: await deploy(scenario, { ...SMALL_QUOTA, ...more }) };
}

/** What any two runs that archive the same have in common: all but when, by whom, and what failures cost. */
async function essenceOf(scenario: Scenario): Promise<object> {
  const files = (await scenario.files()).map(({ path, sha256 }) => ({ path, sha256 }));
  const record: Partial<LedgerRecord> = { ...(await scenario.ledger()) };
  for (const name of ["run_id", "started_at", "finished_at", "requests", "revision", "previous_sha256"] as const) {
    delete record[name];
  }
  return { files, record };
}

const refusedForQuota = ({ kore }: Scenario) => kore.requests.filter(({ status }) => status === 429).length;

const failureOf = (run: TestResult) => {
  expect(run.getStatus()).toBe("FAILED");
  return run.getError().errorType;
};

/** What a run leaves that nothing disturbs. */
const quiet: { essence: object; steps: readonly string[]; requests: number } = { essence: {}, steps: [], requests: 0 };

test("a run that nothing disturbs archives its day within the quota, in durable waits and small steps", async () => {
  const { scenario, deployed } = await start();
  const run = await deployed.durably(NIGHT);
  expect(run.getStatus()).toBe("SUCCEEDED");
  expect(run.getResult()).toEqual({
    days: [{ source: BOT, dt: DAY, status: "complete" }],
    left: 0,
    digest: { number: 1, sha256: expect.any(String), archiveId: expect.any(String) },
  });
  expect(await scenario.archived()).toEqual(scenario.truth());
  expect(refusedForQuota(scenario)).toBe(0);
  const waits = run.getOperations().filter((operation) => operation.getType() === "WAIT");
  expect(waits.map((wait) => wait.getName())).toEqual([`quota of ${BOT}`, `quota of ${BOT}`]);
  // Only the retries of a request may be slept through, and there were none.
  expect(scenario.clock.slept.filter((ms) => ms > 2_000)).toEqual([]);
  for (const operation of run.getOperations()) {
    if (operation.getType() === "STEP") {
      expect(JSON.stringify(operation.getStepDetails()?.result ?? null).length).toBeLessThan(10_000);
    }
  }
  const requests = scenario.kore.requests.length;
  Object.assign(quiet, { essence: await essenceOf(scenario), steps: stepsOf(run), requests });
  expect((await scenario.ledger()).requests).toBe(requests);
  expect(quiet.steps).toEqual([
    "begin",
    `next ${BOT} day`,
    `open ${BOT} ${DAY}`,
    `plan ${BOT} ${DAY} plan`,
    `read ${BOT} ${DAY} slice 1`,
    `read ${BOT} ${DAY} slice 1`,
    `read ${BOT} ${DAY} slice 1`,
    `build ${BOT} ${DAY} slice 1`,
    `publish ${BOT} ${DAY}`,
    `next ${BOT} day`,
    `release ${BOT}`,
    "seal",
    "finish",
  ]);
});

/** Does something once, at the n-th step. */
function atStep(n: number, disturb: Around): Around {
  let count = 0;
  return (name, work) => {
    count++;
    return count === n ? disturb(name, work) : work();
  };
}

const STEPS = Array.from({ length: 13 }, (_, index) => index + 1);

/** Runs the night once for each step, side by side, each in a scenario of its own. */
async function atEachStep(steps: readonly number[], check: (n: number) => Promise<void>): Promise<void> {
  await Promise.all(
    steps.map((n) =>
      check(n).catch((error: unknown) => {
        throw new Error(`step ${n}`, { cause: error });
      }),
    ),
  );
}

const SHORT: DurableLimits = {
  operations: 100,
  times: Object.fromEntries(Object.keys(STEP_TIMES).map((kind) => [kind, { mostMs: 1_000 }])) as typeof STEP_TIMES,
  graceMs: 100,
};

describe("the archive ends as that of a quiet run", () => {
  test("after a crash before any of the steps", async () => {
    await atEachStep(STEPS, async (n) => {
      const { scenario, deployed } = await start();
      const crash = atStep(n, async (name) => Promise.reject(new Error(`killed before ${name}`)));
      const run = await deployed.durably(NIGHT, { around: crash });
      expect(run.getStatus()).toBe("SUCCEEDED");
      expect(stepsOf(run)).toEqual(quiet.steps);
      expect(await essenceOf(scenario)).toEqual(quiet.essence);
    });
  });

  test("after a crash when any of the steps was done, and nobody had heard of it", async () => {
    await atEachStep(STEPS, async (n) => {
      const { scenario, deployed } = await start();
      const crash = atStep(n, async (name, work) => {
        await work();
        throw new Error(`killed after ${name}`);
      });
      const run = await deployed.durably(NIGHT, { around: crash });
      expect(run.getStatus()).toBe("SUCCEEDED");
      expect(await essenceOf(scenario)).toEqual(quiet.essence);
      // What was answered is kept, and not asked again; what is written is not written again.
      expect(scenario.kore.requests).toHaveLength(quiet.requests);
      expect((await scenario.ledger()).revision).toBe(2);
    });
  });

  test("after the time of any of the source's steps was over, and it never ended", async () => {
    await atEachStep(STEPS.slice(0, 10), async (n) => {
      const { scenario, deployed } = await start();
      const hang = atStep(n, () => new Promise(() => undefined));
      const run = await deployed.durably(NIGHT, { within: hang, limits: SHORT });
      expect(run.getStatus()).toBe("SUCCEEDED");
      expect(await essenceOf(scenario)).toEqual(quiet.essence);
    });
  });

  test("after Kore hung through a whole step", async () => {
    const { scenario, deployed } = await start({ KORE_REQUEST_TIMEOUT_SECONDS: "60" });
    scenario.kore.misbehave({ kind: "hang", after: 6, times: 1 });
    const run = await deployed.durably(NIGHT, { limits: SHORT });
    expect(run.getStatus()).toBe("SUCCEEDED");
    expect(await essenceOf(scenario)).toEqual(quiet.essence);
  });

  test("after a process that could not be stopped published along with its successor", async () => {
    const { scenario, deployed } = await start();
    let late: Promise<unknown> = Promise.resolve();
    const zombie: Around = (name, work) => {
      if (!name.startsWith("publish")) return work();
      late = work();
      return Promise.reject(new Error("taken for dead"));
    };
    const run = await deployed.durably(NIGHT, { around: atStep(9, zombie) });
    await late.catch(() => undefined);
    expect(run.getStatus()).toBe("SUCCEEDED");
    expect(await essenceOf(scenario)).toEqual(quiet.essence);
  });
});

describe("operations", () => {
  test("that are used up end the run cleanly, and the next one goes on without asking anything twice", async () => {
    const { scenario, deployed } = await start();
    const limits = { operations: 10, times: STEP_TIMES };
    const first = await deployed.durably(NIGHT, { limits });
    expect(first.getStatus()).toBe("SUCCEEDED");
    expect(first.getResult()).toMatchObject({ days: [], left: 1 });
    const askedBefore = scenario.kore.requests.length;
    expect(askedBefore).toBeGreaterThan(5);
    const second = await deployed.durably(NIGHT);
    expect(second.getResult()).toEqual({
      days: [{ source: BOT, dt: DAY, status: "complete" }],
      left: 0,
      digest: { number: 2, sha256: expect.any(String), archiveId: expect.any(String) },
    });
    expect(await essenceOf(scenario)).toEqual(quiet.essence);
    expect(scenario.kore.requests).toHaveLength(quiet.requests);
    expect((await scenario.ledger()).requests).toBe(quiet.requests);
  });

  test("are counted over all sources", async () => {
    const { deployed } = await start({ KORE_BOT_IDS: `${BOT},${OTHER_BOT}` });
    const run = await deployed.durably(NIGHT, { limits: { operations: 16, times: STEP_TIMES } });
    expect(run.getStatus()).toBe("SUCCEEDED");
    expect(run.getResult()).toMatchObject({ left: 2 });
    expect(run.getOperations().length).toBeLessThan(16 + 9);
  });
});

describe("sources", () => {
  const BOTH = { KORE_BOT_IDS: `${BOT},${OTHER_BOT}` };

  test("are read side by side, each at its own quota", async () => {
    const { scenario, deployed } = await start(BOTH);
    const run = await deployed.durably(NIGHT);
    expect(run.getStatus()).toBe("SUCCEEDED");
    for (const bot of [BOT, OTHER_BOT]) expect((await scenario.ledger(DAY, bot)).status).toBe("complete");
    expect(refusedForQuota(scenario)).toBe(0);
  });

  test("that are refused leave the others alone, and the run has failed when all is done", async () => {
    const { scenario, deployed } = await start(BOTH);
    scenario.kore.misbehave({ kind: "refused", status: 403, source: OTHER_BOT });
    expect(failureOf(await deployed.durably(NIGHT))).toBe("ERR_KORE_REFUSED");
    expect(await essenceOf(scenario)).toEqual(quiet.essence);
    const poisoned = await scenario.ledger(DAY, OTHER_BOT);
    expect(poisoned).toMatchObject({ status: "incomplete", problems: [{ code: "ERR_KORE_REFUSED" }] });
  });

  test("go on in the next run where Kore broke down", async () => {
    const { scenario, deployed } = await start();
    scenario.kore.misbehave({ kind: "refused", status: 503, after: 8 });
    expect(failureOf(await deployed.durably(NIGHT))).toBe("ERR_KORE_UNAVAILABLE");
    expect((await scenario.ledger()).problems.map(({ code }) => code)).toEqual(["ERR_KORE_UNAVAILABLE"]);
    scenario.kore.misbehave();
    const before = scenario.kore.requests.filter(({ status }) => status === 200).length;
    expect((await deployed.durably(NIGHT)).getStatus()).toBe("SUCCEEDED");
    expect(await essenceOf(scenario)).toEqual(quiet.essence);
    expect(scenario.kore.requests.filter(({ status }) => status === 200)).toHaveLength(quiet.requests);
    expect(before).toBe(8);
  });

  test("wait for as long as Kore asks for, without a function that sleeps", async () => {
    const { scenario, deployed } = await start();
    scenario.kore.misbehave({ kind: "refused", status: 429, retryAfterSeconds: 1_200, after: 7, times: 1 });
    const run = await deployed.durably(NIGHT);
    expect(run.getStatus()).toBe("SUCCEEDED");
    expect(await essenceOf(scenario)).toEqual(quiet.essence);
    expect(scenario.clock.slept.filter((ms) => ms > 30_000)).toEqual([]);
    const waits = run.getOperations().flatMap((operation) => {
      return operation.getType() === "WAIT" ? [operation.getWaitDetails()?.waitSeconds] : [];
    });
    expect(waits).toContain(1_200);
  });

  test("are given up where Kore asks to wait again and again", async () => {
    const { scenario, deployed } = await start();
    scenario.kore.misbehave({ kind: "refused", status: 429, retryAfterSeconds: 60 });
    expect(failureOf(await deployed.durably(NIGHT))).toBe("ERR_KORE_RATE_LIMITED");
    expect(scenario.kore.requests.length).toBeLessThan(10);
  });
});

describe("two executions for the same day", () => {
  test("of the schedule: the second leaves the source to the first, and says so", async () => {
    const { scenario, deployed } = await start();
    const runs = await Promise.all([deployed.durably(NIGHT), deployed.durably(NIGHT)]);
    expect(runs.map((run) => run.getStatus())).toEqual(["SUCCEEDED", "SUCCEEDED"]);
    const days = runs.map((run) => (run.getResult() as { days: object[]; left: number }).days.length);
    expect(days.sort()).toEqual([0, 1]);
    expect(await essenceOf(scenario)).toEqual(quiet.essence);
    expect(scenario.kore.requests).toHaveLength(quiet.requests);
  });

  test("by hand beside the schedule: it waits for its turn, and finds the day as it should be", async () => {
    const { scenario, deployed } = await start();
    const runs = await Promise.all([deployed.durably(NIGHT), deployed.durably({ date: DAY, onlyMissing: true })]);
    expect(runs.map((run) => run.getStatus())).toEqual(["SUCCEEDED", "SUCCEEDED"]);
    expect(await essenceOf(scenario)).toEqual(quiet.essence);
    expect(refusedForQuota(scenario)).toBe(0);
  });

  test("one of them the command line's: the archive holds the day once", async () => {
    const { scenario, deployed } = await start();
    scenario.kore.misbehave();
    const around: Around = async (name, work) => {
      if (name.startsWith("publish")) expect((await scenario.exportDay()).code).toBe(0);
      return work();
    };
    const run = await deployed.durably(NIGHT, { around: atStep(9, around) });
    expect(run.getStatus()).toBe("SUCCEEDED");
    expect(await essenceOf(scenario)).toEqual(quiet.essence);
  });
});

describe("an event", () => {
  test("that makes no sense is a failed run that asks nothing", async () => {
    const { scenario, deployed } = await start();
    expect(failureOf(await deployed.durably({ date: "2026-02-30" }))).toBe("ERR_SETTINGS");
    expect(scenario.kore.requests).toEqual([]);
  });

  test("that asks how much there is gets the number, and the quota", async () => {
    const { scenario, deployed } = await start();
    const run = await deployed.durably({ estimate: { from: DAY, to: DAY } });
    expect(run.getResult()).toEqual({
      estimate: [{ source: BOT, sessions: scenario.truth().length }],
      quota: { perMinute: 5, perHour: 0 },
      pageSize: 10,
    });
  });

  test("that asks how much there is, of a Kore that refuses, gets the refusal and is no failed run", async () => {
    const { scenario, deployed } = await start();
    scenario.kore.misbehave({ kind: "refused", status: 401 });
    const run = await deployed.durably({ estimate: { from: DAY, to: DAY } });
    const refused = { source: BOT, sessions: null, error: { code: "ERR_KORE_UNAUTHORIZED" } };
    expect(run.getResult()).toMatchObject({ estimate: [refused] });
  });
});
