import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StandIn } from "../demo/stand-in/server.ts";
import { METRIC_NAMESPACE, METRICS, PREFIXES, SCHEDULED_TIME } from "../functions/exporter/contract.ts";
import { startProcess } from "../test/support/processes.ts";
import { propertiesOf } from "./cloud-assembly.ts";
import { type Deployment, deploy, UNKNOWN_TYPES } from "./deployment.ts";
import { ADDED, BOT, BOTS, type Days, koreSettings, startKore } from "./kore.ts";
import { eventually } from "./processes.ts";
import { type Answer, bodyOf, invoke, invokeAsynchronously, keysOf, logLines, messagesIn, versionsOf } from "./runs.ts";
import { checkTools } from "./tools.ts";
import { truthOf } from "./truth.ts";

const BY_HAND = ["first", "odd", "last"] as const;
const FROM_SCHEDULER_MS = 120_000;
/** One, and the two that Lambda adds. */
const ATTEMPTS = 3;

let kore: StandIn;
let days: Days;
let stack: Deployment;
let night: Answer;
beforeAll(async () => {
  checkTools("deploy");
  ({ kore, days } = await startKore());
  stack = await deploy("deploy", koreSettings(kore, days));
  night = await invoke(stack, { [SCHEDULED_TIME]: `${days.yesterday}T02:15:00Z` });
});
afterAll(async () => {
  await stack?.stop();
  await kore?.close();
});

async function cli(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const archive = ["--archive", `s3://${stack.outputs.ArchiveBucket}`];
  return startProcess("cli/main.js", [...args, ...archive], stack.env).ended;
}

/** `id day type` of every session that the archive holds. */
async function archived(): Promise<string[]> {
  const sql = "SELECT session_id || ' ' || dt || ' ' || containment_type AS line FROM sessions";
  const { stdout, stderr } = await cli("sql", sql, "--json");
  expect(stderr).toBe("");
  return (JSON.parse(stdout) as { line: string }[]).map(({ line }) => line).sort();
}

function truth(...places: (keyof Days)[]): string[] {
  const rows = truthOf(
    kore,
    places.map((place) => days[place]),
  );
  return [...rows.values()].map((row) => `${row.session_id} ${row.dt} ${row.containment_type}`).sort();
}

async function ledger(dt: string, source: string) {
  return JSON.parse((await bodyOf(stack, `${PREFIXES.exports}/dt=${dt}/${source}.json`)).toString());
}

describe("the deployed stack", () => {
  test("has every resource but the saved queries", () => {
    expect([...new Set(stack.leftOut)]).toEqual(UNKNOWN_TYPES);
  });

  test("is what the CDK would deploy again", async () => {
    expect(await stack.cdk("diff", "--fail")).toMatch(/There were no differences/);
  });
});

describe("a run by hand, through the alias", () => {
  test("answers with every day since the start date, complete", () => {
    expect(night.error, night.payload.errorMessage).toBeUndefined();
    const expected = BOTS.flatMap((source) => BY_HAND.map((place) => ({ source, dt: days[place] })));
    const sorted = (list: readonly { source: string; dt: string }[]) =>
      list.map(({ source, dt }) => `${source} ${dt}`).sort();
    expect(sorted(night.payload.days ?? [])).toEqual(sorted(expected));
    expect(new Set(night.payload.days?.map(({ status }) => status))).toEqual(new Set(["complete"]));
    expect(night.payload.left).toBe(0);
  });

  test("archives every session of these days, and no other", async () => {
    expect(await archived()).toEqual(truth(...BY_HAND));
  });

  test("records what Kore reported, what it archived, and what it could not", async () => {
    const { reported, edges, archived: held, rejected, coerced, status, files } = await ledger(days.odd, BOT);
    expect(status).toBe("complete");
    expect(reported.total - edges.total).toBe(held.total + rejected);
    expect({ rejected, coerced, unclassified: held.unclassified }).toEqual({
      rejected: 1,
      coerced: { messages_exchanged: 1 },
      unclassified: 2,
    });
    for (const { key, sha256 } of files) {
      expect(
        createHash("sha256")
          .update(await bodyOf(stack, key))
          .digest("hex"),
        key,
      ).toBe(sha256);
    }
  });

  test("leaves a chain of digests that verify finds whole", async () => {
    const digests = (await keysOf(stack, `${PREFIXES.digests}/`)).filter((key) => key.endsWith(".json"));
    expect(digests).toHaveLength(1);
    const [key = ""] = digests;
    const sha256 = createHash("sha256")
      .update(await bodyOf(stack, key))
      .digest("hex");
    expect(night.payload.digest).toEqual({ number: 1, sha256, archiveId: expect.any(String) });
    const { code, stdout, stderr } = await cli("verify", "--head", sha256, "--json");
    expect({ code, stderr, findings: JSON.parse(stdout).findings }).toEqual({ code: 0, stderr: "", findings: [] });
  });

  test("logs each day, and one line of metrics that equals the truth", async () => {
    const lines = await eventually("logs", 30_000, async () => {
      const found = await logLines(stack);
      return found.some((line) => "_aws" in line) ? found : undefined;
    });
    const exported = lines.filter(({ message }) => message === "day exported");
    expect(exported.map(({ source, dt }) => `${source} ${dt}`).sort()).toEqual(
      BOTS.flatMap((bot) => BY_HAND.map((place) => `${bot} ${days[place]}`)).sort(),
    );
    const [metrics, ...more] = lines.filter((line) => "_aws" in line);
    expect(more).toEqual([]);
    const { _aws } = metrics as { _aws: { CloudWatchMetrics: { Namespace: string }[] } };
    expect(_aws.CloudWatchMetrics[0]?.Namespace).toBe(METRIC_NAMESPACE);
    expect(metrics).toMatchObject({
      [METRICS.sessionsExported.name]: truth(...BY_HAND).length,
      [METRICS.rowsRejected.name]: 1,
      [METRICS.daysIncomplete.name]: 0,
      [METRICS.requests.name]: kore.requests.length,
      [METRICS.runsSucceeded.name]: 1,
      [METRICS.runsFailed.name]: 0,
    });
  });

  test("writes nothing secret into its logs", async () => {
    const { clientSecret } = koreSettings(kore, days);
    expect(JSON.stringify(await logLines(stack))).not.toContain(clientSecret);
  });
});

describe("a second run", () => {
  test("writes no new version of a data file", async () => {
    const before = await versionsOf(stack, `${PREFIXES.sessions}/`);
    const again = await invoke(stack, { from: days.first, to: days.last });
    expect(again.error, again.payload.errorMessage).toBeUndefined();
    expect(again.payload.days).toHaveLength(BOTS.length * BY_HAND.length);
    expect(await versionsOf(stack, `${PREFIXES.sessions}/`)).toEqual(before);
  });

  test("takes over what changed at Kore, and overwrites a part that is no longer needed with an empty one", async () => {
    kore.store.update(BOT, ADDED.moved, { containmentType: "agent" });
    kore.store.update(BOT, ADDED.unclassified, { containmentType: "dropOff" });
    const before = await keysOf(stack, `${PREFIXES.sessions}/`);
    const again = await invoke(stack, { date: days.odd, bot: BOT });
    expect(again.error, again.payload.errorMessage).toBeUndefined();
    expect(await archived()).toEqual(truth(...BY_HAND));
    expect(await keysOf(stack, `${PREFIXES.sessions}/`)).toEqual(before);
    const { files } = await ledger(days.odd, BOT);
    expect(files).toContainEqual(expect.objectContaining({ containment_type: "unclassified", row_count: 0 }));
  });
});

describe("the Scheduler", () => {
  test("is told to start the alias at a quarter past two, with the time that the run was due", () => {
    const [schedule] = propertiesOf<Schedule>(stack.template, "AWS::Scheduler::Schedule");
    expect(schedule?.ScheduleExpression).toBe("cron(15 2 * * ? *)");
    expect(JSON.parse(schedule?.Target.Input ?? "")).toEqual({ [SCHEDULED_TIME]: DUE });
  });

  test("starts the function, which archives yesterday", async () => {
    await schedule({ ScheduleExpression: "rate(1 minute)", State: "ENABLED" });
    await eventually("a run by the Scheduler", FROM_SCHEDULER_MS, async () => {
      const [first, second] = await Promise.all(BOTS.map((bot) => ledger(days.yesterday, bot)));
      return (first.status !== "incomplete" && second.status !== "incomplete") || undefined;
    });
    await schedule({ State: "DISABLED" });
    expect(await archived()).toEqual(truth(...BY_HAND, "yesterday"));
    expect(await messagesIn(stack, stack.outputs.ScheduleDeadLetters)).toEqual([]);
  });
});

interface Schedule {
  readonly ScheduleExpression: string;
  readonly Target: { readonly Arn: string; readonly Input: string };
}

const DUE = "<aws.scheduler.scheduled-time>";

/** Changes the stack's schedule. The emulator does not fill in the time a run was due: that is done here. */
async function schedule(changes: Record<string, string>): Promise<void> {
  const { Schedules } = await stack.aws.rest<{ Schedules: { Name: string }[] }>("scheduler", "GET", "/schedules");
  expect(Schedules).toHaveLength(1);
  const path = `/schedules/${Schedules[0]?.Name}`;
  const { Target, ...rest } = await stack.aws.rest<Schedule>("scheduler", "GET", path);
  expect(Target.Arn).toBe(stack.outputs.FunctionAlias);
  const Input = Target.Input.replace(DUE, new Date().toISOString());
  await stack.aws.rest("scheduler", "PUT", path, { ...rest, ...changes, Target: { ...Target, Input } });
}

describe("a run that fails", () => {
  test("ends in the dead-letter queue after its attempts, and leaves the archive as it is", async () => {
    const before = await archived();
    kore.misbehave({ kind: "refused", status: 403 });
    const event = { date: days.last };
    await invokeAsynchronously(stack, event);
    const bodies = await eventually("a dead letter", 60_000, async () => {
      const found = await messagesIn(stack, stack.outputs.FunctionDeadLetters);
      return found.length > 0 ? found : undefined;
    });
    kore.misbehave();
    expect(bodies.join()).toContain(days.last);
    expect(await archived()).toEqual(before);
    const lines = await logLines(stack);
    expect(lines.filter((line) => line[METRICS.runsFailed.name] === 1)).toHaveLength(ATTEMPTS);
    expect(JSON.stringify(lines)).toContain("ERR_KORE_REFUSED");
  });
});

describe("cdk destroy", () => {
  test("keeps the archive, which can still be read", async () => {
    const before = await archived();
    await stack.cdk("destroy", "--force");
    expect(await archived()).toEqual(before);
  });
});
