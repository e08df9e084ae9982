import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withDurableExecution } from "@aws/durable-execution-sdk-js";
import { LocalDurableTestRunner, type TestResult } from "@aws/durable-execution-sdk-js-testing";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import { carryOut } from "../../functions/exporter/lambda/deployed-run.ts";
import { DurableHost, type DurableLimits, type Execution } from "../../functions/exporter/lambda/durable-host.ts";
import type { Host } from "../../functions/exporter/lambda/host.ts";
import { PlainHost } from "../../functions/exporter/lambda/plain-host.ts";
import type { Steps } from "../../functions/exporter/steps/steps.ts";
import { Pace } from "./pace.ts";
import { BOT, type Scenario } from "./scenario.ts";

const realInterval = setInterval;
const stopInterval = clearInterval;

/**
 * Has the local runner of durable functions skip time in the tests of this file. Its faked timers pass in steps of 20 ms,
 * of which a run has many: here they are driven at each real millisecond.
 */
export function skipTime(): void {
  let driver: ReturnType<typeof setInterval>;
  beforeAll(async () => {
    await LocalDurableTestRunner.setupTestEnvironment({ skipTime: true });
    const { clock } = setTimeout as unknown as { clock: { tick(ms: number): void } };
    driver = realInterval(() => clock.tick(1), 1);
  });
  afterAll(async () => {
    stopInterval(driver);
    await LocalDurableTestRunner.teardownTestEnvironment();
  });
}

/** Stands around the work of a step: what a test wants to happen to it. */
export type Around = <T>(name: string, work: () => Promise<T>) => Promise<T>;

const undisturbed: Around = (_name, work) => work();

/** How a run is to go. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly limits?: DurableLimits;
  /** Around each step as Lambda knows it: whatever is thrown here is a process that died. */
  readonly around?: Around;
  /** Around the work of a step, within its time. */
  readonly within?: Around;
}

export interface Deployment {
  readonly scratch: string;
  /** Starts a durable execution, and returns once it has ended. */
  durably(event: unknown, options?: RunOptions): Promise<TestResult>;
  /** Invokes the plain function, which has so much time until it stops. */
  plainly(event: unknown, timeMs: number, requestId?: string): Promise<unknown>;
}

/** Deploys the exporter, as far as can be done here, between a stand-in and an archive: its run, on both kinds of hosts. */
export async function deploy(scenario: Scenario, more: Readonly<Record<string, string>> = {}): Promise<Deployment> {
  const folder = await mkdtemp(join(tmpdir(), "kore-deployed-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const scratch = join(folder, "scratch");
  const settings = {
    KORE_HOST: scenario.kore.url,
    KORE_BOT_IDS: BOT,
    KORE_CLIENT_ID: "cs-demo",
    KORE_CLIENT_SECRET: "demo-secret-of-the-stand-in",
    KORE_ARCHIVE: scenario.archive,
    KORE_SCRATCH: scratch,
    KORE_LOOK_BACK_DAYS: "1",
    KORE_REQUEST_TIMEOUT_SECONDS: "1",
    ...more,
  };
  const { clock } = scenario;
  const pace = new Pace(clock);
  return {
    scratch,
    durably: (event, { env, limits, around = undisturbed, within = undisturbed } = {}) => {
      const passed = new Map<string, number>();
      const handlerFunction = withDurableExecution((input: unknown, context) => {
        const watched = watchedContext(context, scenario, passed, pace.around(around));
        const host = limits ? new DurableHost(watched, limits) : new DurableHost(watched);
        return carryOut(input, disturbedHost(host, within), { env: { ...settings, ...env }, clock });
      });
      return new LocalDurableTestRunner({ handlerFunction }).run({ payload: event });
    },
    plainly: (event, timeMs, requestId = "request-1") => {
      const host = new PlainHost(requestId, clock, clock.now() + timeMs);
      return carryOut(event, host, { env: settings, clock });
    },
  };
}

/**
 * The context, with the scenario's clock put forward by each wait, once: a replay comes by waits that are over. The
 * local runner skips waits without letting its own clock pass them.
 */
function watchedContext(
  context: Execution,
  scenario: Scenario,
  passed: Map<string, number>,
  around: Around,
): Execution {
  const met = new Map<string, number>();
  const watched = (inner: Execution): Execution => ({
    executionContext: inner.executionContext,
    lambdaContext: inner.lambdaContext,
    step: ((name: string, work: () => Promise<unknown>, config: object) =>
      inner.step(name, () => around(name, work), config)) as Execution["step"],
    wait: ((name: string, { seconds }: { seconds: number }) => {
      const count = (met.get(name) ?? 0) + 1;
      met.set(name, count);
      if (count > (passed.get(name) ?? 0)) {
        passed.set(name, count);
        scenario.clock.advance(seconds * 1_000);
      }
      return inner.wait(name, { seconds });
    }) as Execution["wait"],
    map: ((
      name: string,
      items: unknown[],
      each: (child: Execution, item: unknown) => Promise<unknown>,
      config: object,
    ) => inner.map(name, items, (child, item) => each(watched(child), item), config)) as Execution["map"],
  });
  return watched(context);
}

/** The host, with what a test wants around the work of each source's steps. */
function disturbedHost(host: Host, within: Around): Host {
  return {
    runId: host.runId,
    isTriedAgain: host.isTriedAgain,
    once: (name, work) => host.once(name, work),
    forEach: (items, nameOf, work) =>
      host.forEach(items, nameOf, (item, steps) => {
        const disturbed: Steps = {
          run: (step, inner) => steps.run(step, (signal) => within(step.name, () => inner(signal))),
          wait: (name, ms) => steps.wait(name, ms),
        };
        return work(item, disturbed);
      }),
  };
}

/** Names of an execution's steps, in the order in which they began. */
export function stepsOf(run: TestResult): string[] {
  return run
    .getOperations()
    .filter((operation) => operation.getType() === "STEP")
    .map((operation) => operation.getName() ?? "");
}
