import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { runCli } from "../../cli/program.ts";
import type { Clock } from "../../functions/exporter/clock.ts";
import { type LambdaServer, type Outcome, type StoredExecution, startLambdaServer } from "../support/lambda-server.ts";
import { type CommandResult, BOT as KORE_BOT, startScenario } from "../support/scenario.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const QUARTER = ["--from", "2025-11-10", "--to", "2026-01-31"];
const JANUARY = ["--from", "2026-01-01", "--to", "2026-01-31"];
const BEFORE = Date.parse("2026-02-02T00:00:00Z");

afterEach(() => vi.unstubAllEnvs());

interface Deployment {
  readonly lambda: LambdaServer;
  readonly clock: VirtualClock;
  backfill(args: readonly string[], signal?: AbortSignal, clock?: Clock): Promise<CommandResult>;
  /** A clock with which months never end; `onPoll` hears of each wait for one, from 1. */
  endless(onPoll: (count: number) => void): Clock;
  /** Executions that archive months, and those that count, in the order in which they were started. */
  months(): StoredExecution[];
  counts(): StoredExecution[];
  /** The events that months were started with, as `from bot`. */
  started(): string[];
}

interface DeploymentOptions {
  readonly sources?: readonly string[];
  readonly durable?: boolean;
  readonly sessions?: number | null;
  /** What an execution comes to, by the number of executions of its month and source so far, from 1. */
  readonly comesTo?: (event: { from: string; to: string; bot?: string }, attempt: number) => Outcome;
}

const done = (days = 1): Outcome => ({
  status: "SUCCEEDED",
  result: {
    days: Array.from({ length: days }, (_, day) => ({ source: "s", dt: `2026-01-0${day + 1}`, status: "complete" })),
    left: 0,
  },
});
const withLeft = (left: number, ...statuses: string[]): Outcome => ({
  status: "SUCCEEDED",
  result: { days: statuses.map((status, day) => ({ source: "s", dt: `2026-01-1${day}`, status })), left },
});
const failed = (errorType: string, errorMessage = "Kore said no."): Outcome => {
  return { status: "FAILED", errorType, errorMessage };
};

/**
 * A deployed function in a stand-in for Lambda, found by the AWS SDK through its own variables. Executions end while
 * the command waits for them.
 */
async function deploy({
  sources = ["st-1"],
  comesTo = () => done(),
  durable = true,
  sessions = 36_000,
}: DeploymentOptions = {}): Promise<Deployment> {
  const clock = new VirtualClock("2026-02-03T00:00:00Z");
  const attempts = new Map<string, number>();
  const pending: { name: string; outcome: Outcome }[] = [];
  const lambda = await startLambdaServer({
    clock,
    functionName: "exporter",
    durable,
    begin: ({ name, payload }: StoredExecution) => {
      const event = JSON.parse(payload);
      if (event.estimate !== undefined) {
        pending.push({ name, outcome: estimateOutcome(event, sources, sessions) });
        return { status: "RUNNING" };
      }
      const key = `${event.from} ${event.bot}`;
      attempts.set(key, (attempts.get(key) ?? 0) + 1);
      pending.push({ name, outcome: comesTo(event, attempts.get(key) ?? 1) });
      return { status: "RUNNING" };
    },
  });
  onTestFinished(() => lambda.close());
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) vi.stubEnv(name, "test");
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ENDPOINT_URL_LAMBDA", lambda.url);
  const months = () => lambda.executions.filter(({ name }) => name.startsWith("backfill"));
  const waiting: Clock = {
    now: () => clock.now(),
    sleep: async (ms, signal) => {
      for (const { name, outcome } of pending.splice(0)) lambda.end(name, outcome);
      await clock.sleep(ms, signal);
    },
  };
  const endless: Deployment["endless"] = (onPoll) => {
    let polls = 0;
    const sleep: Clock["sleep"] = async (ms, signal) => {
      if (ms < 30_000) return waiting.sleep(ms, signal);
      onPoll(++polls);
      await clock.sleep(ms, signal);
    };
    return { now: () => clock.now(), sleep };
  };
  return {
    lambda,
    clock,
    endless,
    backfill: (args, signal = new AbortController().signal, commandClock = waiting) =>
      cli(["backfill", "--function", lambda.arn, ...args], commandClock, signal),
    months,
    counts: () => lambda.executions.filter((execution) => !months().includes(execution)),
    started: () =>
      months()
        .map(({ payload }) => JSON.parse(payload))
        .map(({ from, bot = "-" }) => `${from} ${bot}`),
  };
}

function estimateOutcome({ bot }: { bot?: string }, sources: readonly string[], sessions: number | null): Outcome {
  if (bot !== undefined && !sources.includes(bot)) return failed("ERR_SETTINGS", `The event names the bot "${bot}".`);
  const named = bot === undefined ? sources : [bot];
  const estimate = named.map((source) => ({ source, sessions }));
  return { status: "SUCCEEDED", result: { estimate, quota: { perMinute: 60, perHour: 1_800 }, pageSize: 100 } };
}

async function cli(args: readonly string[], clock: Clock, signal: AbortSignal): Promise<CommandResult> {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const output = (lines: string[]) => ({ write: (text: string) => void lines.push(text), isTTY: false });
  const code = await runCli(args, { stdout: output(stdout), stderr: output(stderr), env: {}, clock, signal });
  return { code, stdout: stdout.join(""), stderr: stderr.join("") };
}

const months = ({ stdout }: CommandResult): { source: string; from: string; status: string; executions: string[] }[] =>
  JSON.parse(stdout).months;

describe("backfill with the deployed function", () => {
  test("starts one execution for each month, the most recent first, one after another", async () => {
    const deployment = await deploy();
    const { code, stdout, stderr } = await deployment.backfill([...QUARTER, "--verbose"]);
    expect(code).toBe(0);
    expect(deployment.started()).toEqual(["2026-01-01 st-1", "2025-12-01 st-1", "2025-11-10 st-1"]);
    expect(deployment.months().map(({ payload }) => JSON.parse(payload))[2]).toEqual({
      from: "2025-11-10",
      to: "2025-11-30",
      bot: "st-1",
      onlyMissing: true,
    });
    expect(deployment.months().every(({ outcome }) => outcome.status === "SUCCEEDED")).toBe(true);
    const starts = deployment.months().map(({ startedAt }) => startedAt);
    const ends = deployment.months().map(({ endedAt }) => endedAt);
    expect(starts.slice(1).every((start, index) => start >= Number(ends[index]))).toBe(true);
    expect(stdout).toContain("backfill-st-1-2025-11-10-2025-11-30");
    expect(stderr).toMatch(/Z 2026-01 st-1: at work \(backfill-st-1-2026-01-01-2026-01-31\)\n.*Z 2026-01 st-1: done\n/);
  });

  test("lets the sources of the deployment go side by side, if none is named", async () => {
    const deployment = await deploy({ sources: ["st-1", "st-2"] });
    expect((await deployment.backfill(QUARTER)).code).toBe(0);
    expect(deployment.started().slice(0, 2).sort()).toEqual(["2026-01-01 st-1", "2026-01-01 st-2"]);
    expect(deployment.started()).toHaveLength(6);
  });

  test("sends no bot for the account, and refuses to take a deployment's bots for it", async () => {
    const account = await deploy({ sources: ["account"] });
    expect((await account.backfill([...JANUARY, "--account"])).code).toBe(0);
    expect(account.started()).toEqual(["2026-01-01 -"]);
    const bots = await deploy({ sources: ["st-1"] });
    const { code, stderr } = await bots.backfill([...JANUARY, "--account"]);
    expect(code).toBe(2);
    expect(stderr).toContain("archives the bots st-1, not the account");
    expect(bots.started()).toEqual([]);
  });

  test("says first how many sessions, requests and hours it takes", async () => {
    const deployment = await deploy({ sessions: 310_000 });
    const { stderr } = await deployment.backfill([...JANUARY, "--verbose"]);
    expect(stderr).toMatch(/st-1 .*310,000 .*3,352 .*85 minutes/);
    expect(stderr).toContain(
      "At least 85 minutes in all, sources side by side, at 60 requests a minute and 1,800 an hour.",
    );
    expect(deployment.counts().map(({ payload }) => JSON.parse(payload))).toEqual([
      { estimate: { from: "2026-01-01", to: "2026-01-31" } },
    ]);
  });

  test("only says so with --estimate", async () => {
    const deployment = await deploy({ sources: ["st-1", "st-2"], sessions: 310_000 });
    const { code, stdout, stderr } = await deployment.backfill([...JANUARY, "--bot", "st-2", "--estimate", "--json"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({
      sources: [{ source: "st-2", sessions: 310_000, requests: 3_352, hours: 1.4 }],
      quota: { per_minute: 60, per_hour: 1_800 },
    });
    expect(deployment.started()).toEqual([]);
    const unknown = await deploy({ sessions: null });
    expect((await unknown.backfill([...JANUARY, "--estimate"])).stdout).toContain("Where Kore gives no totals");
  });

  test("starts nothing twice", async () => {
    const deployment = await deploy();
    await deployment.backfill(QUARTER);
    deployment.clock.advance(1_000);
    const again = await deployment.backfill([...QUARTER, "--json"]);
    expect(again.code).toBe(0);
    expect(months(again).map(({ status }) => status)).toEqual(["done", "done", "done"]);
    expect(deployment.months()).toHaveLength(3);
  });

  test("goes on with a month of which an execution left days over", async () => {
    const deployment = await deploy({
      comesTo: (_event, attempt) => (attempt < 3 ? withLeft(9 - attempt, "complete") : done()),
    });
    const result = await deployment.backfill([...JANUARY, "--json"]);
    expect(result.code).toBe(0);
    const name = "backfill-st-1-2026-01-01-2026-01-31";
    expect(months(result)[0]?.executions).toEqual([name, `${name}-2`, `${name}-3`]);
    deployment.clock.advance(1_000);
    await deployment.backfill(JANUARY);
    expect(deployment.months()).toHaveLength(3);
  });

  test("ends a month of which executions leave the same days over again and again", async () => {
    const deployment = await deploy({ comesTo: () => withLeft(5, "incomplete") });
    const { code, stdout } = await deployment.backfill(JANUARY);
    expect(code).toBe(1);
    expect(stdout).toContain("ERR_FUNCTION_FAILED Executions come no further: 5 days are left.");
    expect(deployment.months()).toHaveLength(2);
  });

  test.each([
    ["fails as busy", failed("ERR_SOURCE_BUSY")],
    ["does nothing", withLeft(31)],
  ])("tries again later if an execution %s because another run is at work", async (_title, busy) => {
    const deployment = await deploy({ comesTo: (_event, attempt) => (attempt === 1 ? busy : done()) });
    const { code, stderr } = await deployment.backfill(JANUARY);
    expect(code).toBe(0);
    expect(stderr).toContain("another run is at work on this source; asks again in 10 minutes");
    expect(deployment.clock.slept).toContain(600_000);
  });
});

describe("a failure", () => {
  test("ends its source, not another one, and tells the code", async () => {
    const deployment = await deploy({
      sources: ["st-1", "st-2"],
      comesTo: ({ bot }) => (bot === "st-1" ? failed("ERR_KORE_UNAUTHORIZED") : done()),
    });
    const result = await deployment.backfill([...QUARTER, "--json"]);
    expect(result.code).toBe(1);
    expect(months(result).map(({ source, status }) => `${source} ${status}`)).toEqual([
      "st-1 failed",
      "st-1 not begun",
      "st-1 not begun",
      "st-2 done",
      "st-2 done",
      "st-2 done",
    ]);
    expect(JSON.parse(result.stdout).months[0].error).toEqual({
      code: "ERR_KORE_UNAUTHORIZED",
      message: "Kore said no.",
    });
  });

  test("of a day ends no source, and makes the exit code 1", async () => {
    const deployment = await deploy({
      comesTo: ({ from }) => {
        if (from === "2026-01-01") return failed("ERR_NOT_RECONCILED");
        return from === "2025-12-01" ? withLeft(0, "complete", "incomplete") : done();
      },
    });
    const { code, stdout } = await deployment.backfill(QUARTER);
    expect(code).toBe(1);
    expect(deployment.started()).toHaveLength(3);
    expect(stdout).toContain("2026-01 st-1: ERR_NOT_RECONCILED Kore said no.\n");
    expect(stdout).toContain("2026-01-11 st-1: incomplete\n");
  });

  test("of an earlier command is followed by a new execution", async () => {
    const deployment = await deploy();
    const event = { from: "2026-01-01", to: "2026-01-31", bot: "st-1", onlyMissing: true };
    const name = "backfill-st-1-2026-01-01-2026-01-31";
    deployment.lambda.remember(name, event, failed("ERR_KORE_UNAUTHORIZED"), BEFORE);
    deployment.lambda.remember(`${name}-2`, event, withLeft(0, "incomplete"), BEFORE);
    deployment.lambda.remember(`${name}-3`, { another: "payload" }, failed("ERR_OTHER"), BEFORE);
    deployment.lambda.remember(
      `${name}-4`,
      event,
      { status: "STOPPED", errorType: "Stopped", errorMessage: "by hand" },
      BEFORE,
    );
    const result = await deployment.backfill([...JANUARY, "--json"]);
    expect(result.code).toBe(0);
    expect(months(result)[0]?.executions.at(-1)).toBe(`${name}-5`);
    expect(deployment.months()).toHaveLength(5);
  });

  test("of the function, when it is asked how much there is to do, is told, and nothing started", async () => {
    const deployment = await deploy();
    const { code, stderr } = await deployment.backfill([...JANUARY, "--bot", "st-9"]);
    expect(code).toBe(2);
    expect(stderr).toBe('error ERR_SETTINGS: The deployed function says: The event names the bot "st-9".\n');
    expect(deployment.started()).toEqual([]);
  });

  test("is told if AWS takes the function for a plain one, before anything is archived", async () => {
    const deployment = await deploy({ durable: false });
    const { code, stderr } = await deployment.backfill(JANUARY);
    expect(code).toBe(2);
    expect(stderr).toContain("cannot be started as a durable execution (AWS named no execution)");
    expect(stderr).toContain("use --local");
    expect(deployment.lambda.requests).toEqual(["POST invocations"]);
  });

  test("of AWS to answer while it works is waited out, but not a refusal", async () => {
    const deployment = await deploy();
    let polls = 0;
    const failing = deployment.endless((count) => {
      polls = count;
      if (count === 1) deployment.lambda.fail(404, "ResourceNotFoundException");
      if (count === 2) deployment.lambda.fail(403, "AccessDeniedException");
    });
    const { code, stderr } = await deployment.backfill(JANUARY, undefined, failing);
    expect(code).toBe(1);
    expect(stderr).toContain("AWS does not answer; asks again");
    expect(stderr).toContain("What was started goes on in AWS; the same command follows it again.");
    expect(stderr).toContain("error ERR_FUNCTION_FAILED");
    expect(stderr).toContain("AccessDeniedException");
    expect(polls).toBe(2);
  });
});

describe("Ctrl-C", () => {
  test("ends the command with 130 while the executions go on, which the same command follows again", async () => {
    const deployment = await deploy({ sources: ["st-1", "st-2"] });
    const interrupted = new AbortController();
    const interrupting = deployment.endless(() => interrupted.abort());
    const { code, stderr } = await deployment.backfill(JANUARY, interrupted.signal, interrupting);
    expect(code).toBe(130);
    expect(stderr).toContain("What was started goes on in AWS; the same command follows it again.");
    expect(deployment.months().map(({ outcome }) => outcome.status)).toContain("RUNNING");
    expect((await deployment.backfill(JANUARY)).code).toBe(0);
    expect(deployment.months()).toHaveLength(2);
  });
});

describe("backfill --local", () => {
  test("archives the range's missing days in this process, the most recent first", async () => {
    const scenario = await startScenario({ from: "2025-12-30", to: "2026-01-04", sessionsPerDay: 20 });
    await scenario.cli(["export", "--date", "2026-01-01"]);
    const range = ["backfill", "--from", "2025-12-30", "--to", "2026-01-02", "--local"];
    const { code, stdout, stderr } = await scenario.cli([...range, "--json", "--verbose"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).days.map(({ dt }: { dt: string }) => dt)).toEqual([
      "2026-01-02",
      "2025-12-31",
      "2025-12-30",
    ]);
    expect(stderr).toMatch(new RegExp(`${KORE_BOT} .*8[0-3] .* 0 minutes`));
    for (const day of ["2025-12-30", "2026-01-02"]) expect(await scenario.archived(day)).toEqual(scenario.truth(day));
    const asked = scenario.kore.requests.length;
    expect((await scenario.cli(range)).code).toBe(0);
    expect(scenario.kore.requests.length - asked).toBe(1);
  });

  test("begins another run when the time of one is over", async () => {
    const scenario = await startScenario({ from: "2025-12-30", to: "2026-01-04", sessionsPerDay: 20 });
    const change = () => scenario.clock.advance(21 * 3_600_000);
    scenario.kore.misbehave({ kind: "before-request", after: 3, times: 1, change });
    const range = ["backfill", "--from", "2025-12-30", "--to", "2026-01-02", "--local"];
    const { code, stdout } = await scenario.cli([...range, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).days).toHaveLength(4);
    expect(JSON.parse(stdout).skipped).toEqual([]);
  });

  test("only counts with --estimate", async () => {
    const scenario = await startScenario({ from: "2025-12-30", to: "2026-01-04", sessionsPerDay: 20 });
    const range = ["--from", "2025-12-30", "--to", "2026-01-02"];
    const { code, stdout } = await scenario.cli(["backfill", ...range, "--local", "--estimate", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).sources).toMatchObject([{ source: KORE_BOT, hours: 0 }]);
    expect(await scenario.files()).toEqual([]);
  });

  test("ends with 1 and names the days left if a source fails, and goes on with another", async () => {
    const bots = [KORE_BOT, "st-2"];
    const scenario = await startScenario({ from: "2026-01-01", to: "2026-01-03", sessionsPerDay: 20, bots });
    const range = ["backfill", "--from", "2026-01-01", "--to", "2026-01-02", "--local", "--json"];
    scenario.kore.misbehave({ kind: "refused", status: 403, source: KORE_BOT, after: 1 });
    const { code, stdout } = await scenario.cli([...range, "--bot", KORE_BOT, "--bot", "st-2"]);
    expect(code).toBe(1);
    const { days, skipped } = JSON.parse(stdout);
    expect(days.filter(({ ok }: { ok: boolean }) => ok).map(({ source }: { source: string }) => source)).toEqual([
      "st-2",
      "st-2",
    ]);
    expect(skipped).toEqual([{ source: KORE_BOT, dt: "2026-01-01" }]);
  });
});

describe("wrong usage", () => {
  const signal = new AbortController().signal;
  const run = (...args: string[]) => cli(["backfill", ...args], new VirtualClock("2026-02-03T00:00:00Z"), signal);

  test("is told at once, with exit code 2", async () => {
    const { code, stderr } = await run("--from", "2026-13-01", "--archive", "a");
    expect(code).toBe(2);
    expect(stderr).toContain("--from is");
    expect(stderr).toContain("--to is missing");
    expect(stderr).toContain("leave --archive out, or use --local");
    expect(stderr).toContain("No function is given");
  });

  test.each([
    [["--function", "exporter"], "No range is given"],
    [[...JANUARY, "--local", "--function", "exporter"], "Both --local and --function"],
    [[...JANUARY, "--local"], "No archive is given"],
    [[...JANUARY, "--function", "exporter", "--bot", "st-1", "--account"], "Both bots and the account"],
    [["--from", "2026-02-01", "--to", "2026-03-01", "--function", "exporter"], "has not begun yet"],
  ])("%j is refused", async (args, message) => {
    const { code, stderr } = await run(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
