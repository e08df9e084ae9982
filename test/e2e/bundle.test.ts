import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ledgerKey, sessionKey } from "../../functions/exporter/archive/layout.ts";
import type { LedgerRecord } from "../../functions/exporter/archive/ledger.ts";
import { METRIC_DIMENSION, METRIC_NAMESPACE, METRICS } from "../../functions/exporter/contract.ts";
import { presentTime, startProcess } from "../support/processes.ts";
import { type S3Server, startS3Server } from "../support/s3-server/server.ts";
import { BOT, DAY, type Scenario, startScenario } from "../support/scenario.ts";
import { startSecretsServer } from "../support/secrets-server.ts";

/** Runs the bundle's handler as Lambda would, and tells how it ended as the last line on stdout. */
const RUNNER = `
import { handler } from "./index.mjs";
const [event, remainingMs] = process.argv.slice(1);
const context = { getRemainingTimeInMillis: () => Number(remainingMs), awsRequestId: "request-1" };
const outcome = await handler(JSON.parse(event), context).then(
  (summary) => ({ summary }),
  (error) => ({ error: { name: error.name, code: error.code, message: error.message } }),
);
console.log(JSON.stringify(outcome));
`;

let folder: string;

/** A folder that holds the bundle which the synthesised template names, and nothing else. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kore-bundle-"));
  const out = join(folder, "out");
  const cdk = ["node_modules/aws-cdk/bin/cdk", "synth", "--quiet", "--output", out];
  await promisify(execFile)(process.execPath, cdk, { env: { ...process.env, CDK_DISABLE_VERSION_CHECK: "1" } });
  const template = JSON.parse(await readFile(join(out, "KoreSessions.template.json"), "utf8"));
  const functions = Object.values<{ Type: string; Properties: { Code: { S3Key: string }; Handler: string } }>(
    template.Resources,
  );
  const code = functions.find(
    ({ Type, Properties }) => Type === "AWS::Lambda::Function" && Properties.Handler === "index.handler",
  );
  const hash = code?.Properties.Code.S3Key.replace(".zip", "");
  await copyFile(join(out, `asset.${hash}`, "index.mjs"), join(folder, "index.mjs"));
  await rm(out, { recursive: true });
}, 60_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

interface Outcome {
  readonly summary?: { readonly days: readonly { readonly dt: string; readonly status: string }[] };
  readonly error?: { readonly name: string; readonly code: string; readonly message: string };
  /** Values of the metrics, by name. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly log: string;
}

/** A bucket, a secret and a stand-in, and the function between them. */
async function startDeployment(): Promise<{
  scenario: Scenario;
  s3: S3Server;
  invoke: (event: unknown, remainingMs?: number) => Promise<Outcome>;
}> {
  const scenario = await startScenario({ requestsPerMinute: 0, requestsPerHour: 0 }, presentTime());
  const s3 = await startS3Server();
  s3.createBucket("archive", { objectLock: true });
  s3.createBucket("scratch");
  const secret = JSON.stringify({ clientId: "cs-demo", clientSecret: "demo-secret-of-the-stand-in" });
  const secrets = await startSecretsServer({ "arn:secret": secret });
  onTestFinished(async () => {
    await Promise.all([s3.close(), secrets.close()]);
  });
  const env = {
    AWS_ENDPOINT_URL_S3: s3.url,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    KORE_HOST: scenario.kore.url,
    KORE_BOT_IDS: BOT,
    KORE_SECRET_ID: "arn:secret",
    KORE_ARCHIVE: "s3://archive",
    KORE_SCRATCH: "s3://scratch",
    KORE_LOOK_BACK_DAYS: "1",
    KORE_DEPLOYMENT: "KoreSessions",
    NODE_PATH: "",
  };
  const invoke = async (event: unknown, remainingMs = 900_000) => {
    const args = ["--eval", RUNNER, JSON.stringify(event), String(remainingMs)];
    const { code, stdout, stderr } = await startProcess("--input-type=module", args, env, folder).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) });
    const lines = stdout.trim().split("\n");
    return { ...JSON.parse(lines.at(-1) ?? ""), metrics: metricsIn(lines), log: `${stdout}${stderr}` };
  };
  return { scenario, s3, invoke };
}

/** The embedded metrics among the lines of a log; none if there are none. */
function metricsIn(lines: readonly string[]): Record<string, number> {
  const line = lines.map((text) => JSON.parse(text)).find((entry) => entry._aws !== undefined);
  if (line === undefined) return {};
  const [directive] = line._aws.CloudWatchMetrics;
  expect(directive.Namespace).toBe(METRIC_NAMESPACE);
  expect(directive.Dimensions).toEqual([[METRIC_DIMENSION]]);
  expect(line[METRIC_DIMENSION]).toBe("KoreSessions");
  const names: string[] = directive.Metrics.map((metric: { Name: string }) => metric.Name);
  return Object.fromEntries(names.map((name) => [name, Number(line[name])]));
}

function ledgerIn(s3: S3Server): LedgerRecord {
  return JSON.parse(s3.bucket("archive").get(ledgerKey(DAY, BOT))?.body.toString() ?? "null");
}

describe("the deployed bundle, run by Node alone", () => {
  test("is small", async () => {
    const { size } = await stat(join(folder, "index.mjs"));
    const zipped = gzipSync(await readFile(join(folder, "index.mjs"))).length;
    console.log(`bundle: ${Math.round(size / 1024)} KiB, ${Math.round(zipped / 1024)} KiB gzipped`);
    expect(size).toBeLessThan(2.5 * 1024 * 1024);
  });

  test("archives the day before its scheduled time into the bucket, and says so in its metrics", async () => {
    const { scenario, s3, invoke } = await startDeployment();
    const { summary, metrics, log } = await invoke({ scheduledTime: "2026-01-03T02:15:00Z" });
    expect(summary).toEqual({
      days: [{ source: BOT, dt: DAY, status: "complete" }],
      left: 0,
      digest: { number: 1, sha256: expect.any(String), archiveId: expect.any(String) },
    });
    const ledger = ledgerIn(s3);
    expect(ledger.archived.total).toBe(scenario.truth().length);
    expect(s3.bucket("archive").keys()).toContain(sessionKey(DAY, "agent", BOT, 0));
    expect(Object.keys(metrics).sort()).toEqual(
      Object.values(METRICS)
        .map(({ name }) => name)
        .sort(),
    );
    expect(metrics).toMatchObject({
      SessionsExported: 60,
      RunsSucceeded: 1,
      RunsFailed: 0,
      DaysIncomplete: 0,
      RowsRejected: 0,
    });
    expect(metrics.Requests).toBe(scenario.kore.requests.length);
    expect(metrics.FreshnessHours).toBeGreaterThan(24);
    expect(log).not.toContain("demo-secret");
  });

  test("changes no data file when it is started twice", async () => {
    const { s3, invoke } = await startDeployment();
    const puts = () =>
      s3.requests.filter(({ operation, key }) => operation === "PutObject" && key?.startsWith("sessions/"));
    await invoke({ scheduledTime: "2026-01-03T02:15:00Z" });
    const before = puts().length;
    const { summary } = await invoke({ scheduledTime: "2026-01-03T02:15:00Z" });
    expect(summary).toBeDefined();
    expect(puts()).toHaveLength(before);
  });

  test.each([[{ date: DAY }], [{ from: DAY, to: DAY, bot: BOT }]])(
    "archives what a person names: %j",
    async (event) => {
      const { scenario, s3, invoke } = await startDeployment();
      const { summary } = await invoke(event);
      expect(summary?.days).toEqual([{ source: BOT, dt: DAY, status: "complete" }]);
      expect(ledgerIn(s3).archived.total).toBe(scenario.truth().length);
    },
  );

  test("throws after a run with a failure, with the metrics of it", async () => {
    const { scenario, invoke } = await startDeployment();
    scenario.kore.misbehave({ kind: "refused", status: 401 });
    const { error, metrics } = await invoke({ scheduledTime: "2026-01-03T02:15:00Z" });
    expect(error).toMatchObject({ code: "ERR_KORE_UNAUTHORIZED" });
    expect(metrics).toMatchObject({ RunsSucceeded: 0, RunsFailed: 1, DaysIncomplete: 1 });
  });

  test("stops cleanly a minute before its time is over", async () => {
    const { scenario, s3, invoke } = await startDeployment();
    scenario.kore.misbehave({ kind: "hang", after: 2 });
    const { error, metrics } = await invoke({ scheduledTime: "2026-01-03T02:15:00Z" }, 61_000);
    expect(error).toMatchObject({ code: "ERR_INTERRUPTED" });
    expect(metrics).toMatchObject({ RunsFailed: 1, DaysIncomplete: 1 });
    const written = s3.bucket("archive").keys();
    expect(written).toEqual(["digests/00000001.json", expect.stringMatching(/^index\/state\//)]);
  });

  test.each([
    [{}, "The event is {}"],
    [{ date: "2026-02-30" }, "2026-02-30"],
    [{ scheduledTime: "tonight" }, "tonight"],
    [{ date: DAY, bot: "st-unknown" }, 'the bot "st-unknown"'],
  ])("refuses an event that makes no sense: %j", async (event, says) => {
    const { scenario, invoke } = await startDeployment();
    const { error } = await invoke(event);
    expect(error).toMatchObject({ code: "ERR_SETTINGS", message: expect.stringContaining(says) });
    expect(scenario.kore.requests).toEqual([]);
  });
});
