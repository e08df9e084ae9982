import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { withDurableExecution } from "@aws/durable-execution-sdk-js";
import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import type { Clock } from "../../functions/exporter/clock.ts";
import { handler } from "../../functions/exporter/handler.ts";
import { carryOut } from "../../functions/exporter/lambda/deployed-run.ts";
import { DurableHost, type Execution } from "../../functions/exporter/lambda/durable-host.ts";
import { BOT, DAY, startScenario } from "../support/scenario.ts";

// No time is skipped here: with skipped time the local runner mostly resumes an invocation instead of replaying it.
beforeAll(() => {
  vi.spyOn(console, "log").mockReturnValue();
  vi.spyOn(console, "info").mockReturnValue();
  return LocalDurableTestRunner.setupTestEnvironment({ skipTime: false });
});
afterAll(async () => {
  await LocalDurableTestRunner.teardownTestEnvironment();
  vi.restoreAllMocks();
});

const NIGHT = { scheduledTime: "2026-01-03T02:15:00Z" };

/** A minute passes in a second. */
const HASTE = 60;
const START = Date.now();
const hastyClock: Clock = {
  now: () => START + (Date.now() - START) * HASTE,
  sleep: (ms, signal) => delay(ms / HASTE, undefined, signal ? { signal } : undefined),
};

async function environment(url: string, archive: string): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), "kore-replay-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return {
    KORE_HOST: url,
    KORE_BOT_IDS: BOT,
    KORE_CLIENT_ID: "cs-demo",
    KORE_CLIENT_SECRET: "demo-secret-of-the-stand-in",
    KORE_ARCHIVE: archive,
    KORE_SCRATCH: join(folder, "scratch"),
    KORE_LOOK_BACK_DAYS: "1",
  };
}

test("a replayed run does no step twice, and asks nothing twice", async () => {
  const quota = { requestsPerMinute: 5, requestsPerHour: 0 };
  const scenario = await startScenario({ sessionsPerDay: 700, ...quota, clock: hastyClock });
  const env = {
    ...(await environment(scenario.kore.url, scenario.archive)),
    KORE_REQUESTS_PER_MINUTE: "5",
    KORE_REQUESTS_PER_HOUR: "0",
  };
  const done: string[] = [];
  let invocations = 0;
  const handlerFunction = withDurableExecution((event: unknown, context) => {
    invocations++;
    return carryOut(event, new DurableHost(hasty(context, done)), { env, clock: hastyClock });
  });
  const run = await new LocalDurableTestRunner({ handlerFunction }).run({ payload: NIGHT });
  expect(run.getStatus()).toBe("SUCCEEDED");
  expect(run.getInvocations().length).toBe(invocations);
  expect(invocations).toBeGreaterThanOrEqual(3);
  const steps = run.getOperations().filter((operation) => operation.getType() === "STEP");
  expect(done).toEqual(steps.map((operation) => operation.getName()));
  expect(await scenario.archived()).toEqual(scenario.truth());
  expect((await scenario.ledger()).requests).toBe(scenario.kore.requests.length);
  expect(scenario.kore.requests.every(({ status }) => status === 200)).toBe(true);
}, 30_000);

/** The context with waits as short as the clock is fast, and a list of the steps whose work was done. */
function hasty(context: Execution, done: string[]): Execution {
  return {
    executionContext: context.executionContext,
    lambdaContext: context.lambdaContext,
    step: ((name: string, work: () => Promise<unknown>, config: object) => {
      const noted = () => {
        done.push(name);
        return work();
      };
      return context.step(name, noted, config);
    }) as Execution["step"],
    wait: ((name: string, { seconds }: { seconds: number }) =>
      context.wait(name, { seconds: Math.ceil(seconds / HASTE) })) as Execution["wait"],
    map: ((
      name: string,
      items: unknown[],
      each: (child: Execution, item: unknown) => Promise<unknown>,
      config: object,
    ) => context.map(name, items, (child, item) => each(hasty(child, done), item), config)) as Execution["map"],
  };
}

test("the deployed handler serves an execution's invocations", async () => {
  const clock = { now: () => Date.now() };
  const scenario = await startScenario({ requestsPerMinute: 0, requestsPerHour: 0, clock });
  for (const [name, value] of Object.entries(await environment(scenario.kore.url, scenario.archive))) {
    vi.stubEnv(name, value);
  }
  onTestFinished(() => void vi.unstubAllEnvs());
  const run = await new LocalDurableTestRunner({ handlerFunction: handler }).run({ payload: NIGHT });
  expect(run.getResult()).toEqual({
    days: [{ source: BOT, dt: DAY, status: "complete" }],
    left: 0,
    digest: { number: 1, sha256: expect.any(String), archiveId: expect.any(String) },
  });
  expect(await scenario.archived()).toEqual(scenario.truth());
});
