import { createHash } from "node:crypto";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { sampleSession } from "../../demo/stand-in/server.ts";
import { ledgerKey } from "../../functions/exporter/archive/layout.ts";
import type { LedgerRecord } from "../../functions/exporter/archive/ledger.ts";
import { type S3Server, startS3Server } from "../support/s3-server/server.ts";
import { BOT, DAY, type Scenario, startScenario } from "../support/scenario.ts";
import { startSecretsServer } from "../support/secrets-server.ts";

const ARCHIVE = "s3://archive-bucket/kore";

afterEach(() => vi.unstubAllEnvs());

/** A bucket under Object Lock, found by the AWS SDK through its own variables. */
async function startBucket(): Promise<S3Server> {
  const s3 = await startS3Server({ pageSize: 2 });
  onTestFinished(() => s3.close());
  s3.createBucket("archive-bucket", { objectLock: true });
  vi.stubEnv("AWS_ENDPOINT_URL_S3", s3.url);
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  return s3;
}

const exportToS3 = (scenario: Scenario, ...args: string[]) =>
  scenario.exportDay("--archive", ARCHIVE, "--json", ...args);

async function sqlOn(scenario: Scenario, sql: string): Promise<unknown[]> {
  const { stdout, stderr } = await scenario.cli([
    "sql",
    sql,
    "--archive",
    ARCHIVE,
    "--json",
    "--from",
    DAY,
    "--to",
    DAY,
  ]);
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

function ledgerOf(s3: S3Server): LedgerRecord {
  return JSON.parse(
    s3
      .bucket("archive-bucket")
      .get(`kore/${ledgerKey(DAY, BOT)}`)
      ?.body.toString() ?? "null",
  );
}

describe("an archive in a bucket", () => {
  test("holds the day's sessions, and answers SQL and status", async () => {
    await startBucket();
    const scenario = await startScenario();
    expect((await exportToS3(scenario)).code).toBe(0);
    const rows = await sqlOn(scenario, "SELECT session_id || ' ' || containment_type AS line FROM sessions");
    expect(rows.map((row) => (row as { line: string }).line).sort()).toEqual(scenario.truth());
    expect(await sqlOn(scenario, "SELECT status, archived.total AS n FROM exports")).toEqual([
      { status: "complete", n: 60 },
    ]);
    const { stdout } = await scenario.cli(["status", "--archive", ARCHIVE, "--json"]);
    expect(JSON.parse(stdout).sources).toMatchObject([{ source: BOT, days: [{ dt: DAY, status: "complete" }, {}] }]);
  });

  test.each([
    ["session file", `sessions/dt=${DAY}/containment_type=agent/${BOT}-part-0000.parquet`, "sessions", "exports"],
    ["ledger record", ledgerKey(DAY, BOT), "exports", "sessions"],
  ])("answers queries that do not need a %s which is gone since it was listed", async (_, key, of, other) => {
    const s3 = await startBucket();
    const scenario = await startScenario();
    await exportToS3(scenario);
    const gone = () =>
      s3.fail({ operation: "GetObject", key: new RegExp(`/${key}$`), how: { answer: 404, code: "NoSuchKey" } });
    gone();
    expect(await sqlOn(scenario, `SELECT count(*) > 0 AS found FROM ${other}`)).toEqual([{ found: true }]);
    gone();
    const { code, stderr } = await scenario.cli(["sql", `SELECT * FROM ${of}`, "--archive", ARCHIVE]);
    expect(code).toBe(1);
    expect(stderr).toContain(`error ERR_ARCHIVE_OBJECT_MISSING: ${ARCHIVE}/${key} does not exist.`);
  });

  test("gets no new version of a data file that did not change", async () => {
    const s3 = await startBucket();
    const scenario = await startScenario();
    await exportToS3(scenario);
    const puts = () =>
      s3.requests.filter(({ operation, key }) => operation === "PutObject" && key?.includes("sessions/"));
    const before = puts().length;
    expect((await exportToS3(scenario)).code).toBe(0);
    expect(puts()).toHaveLength(before);
  });

  test("is never asked to delete anything, whatever changes", async () => {
    const s3 = await startBucket();
    const scenario = await startScenario({ sessionsPerDay: 1 });
    await exportToS3(scenario);
    scenario.kore.store.add(BOT, sampleSession({ botId: BOT, startTime: `${DAY}T01:00:00Z` }, { sessionId: "late" }));
    scenario.kore.store.update(BOT, "late", { containmentType: "agent" });
    expect((await exportToS3(scenario)).code).toBe(0);
    expect(s3.requests.filter(({ operation }) => operation.startsWith("Delete"))).toEqual([]);
  });

  test("makes a run wait for another's fresh mark, and takes over an old one", async () => {
    const s3 = await startBucket();
    const scenario = await startScenario();
    await exportToS3(scenario);
    scenario.kore.store.add(BOT, sampleSession({ botId: BOT, startTime: `${DAY}T01:00:00Z` }, { sessionId: "late" }));
    const lift = s3.deny({ action: "s3:PutObject", prefix: "kore/sessions/" });
    expect((await exportToS3(scenario)).code).toBe(1);
    expect(ledgerOf(s3)).toMatchObject({ status: "incomplete", problems: [{ code: "ERR_EXPORT_UNFINISHED" }] });
    lift();
    const before = scenario.clock.now();
    expect((await exportToS3(scenario)).code).toBe(0);
    expect(scenario.clock.now() - before).toBeGreaterThanOrEqual(6 * 60_000);
    expect(ledgerOf(s3)).toMatchObject({ status: "complete", archived: { total: 61 } });
  });

  test("is right in the end when a write lands after another run has taken the day over", async () => {
    const s3 = await startBucket();
    const scenario = await startScenario();
    await exportToS3(scenario);
    scenario.kore.store.add(BOT, sampleSession({ botId: BOT, startTime: `${DAY}T01:00:00Z` }, { sessionId: "first" }));
    const meanwhile = async () => {
      scenario.kore.store.add(
        BOT,
        sampleSession({ botId: BOT, startTime: `${DAY}T02:00:00Z` }, { sessionId: "second" }),
      );
      expect((await exportToS3(scenario)).code).toBe(0);
    };
    s3.fail({ operation: "PutObject", key: /sessions\//, times: 1, how: { meanwhile } });
    expect((await exportToS3(scenario)).code).toBe(0);
    const ledger = ledgerOf(s3);
    expect(ledger).toMatchObject({ status: "complete", archived: { total: 62 } });
    for (const { key, sha256 } of ledger.files) {
      const body = s3.bucket("archive-bucket").get(`kore/${key}`)?.body ?? Buffer.alloc(0);
      expect(createHash("sha256").update(body).digest("hex")).toBe(sha256);
    }
  });

  test("ends as one export would when two run at once", async () => {
    const s3 = await startBucket();
    const scenario = await startScenario({ requestsPerMinute: 0 });
    const runs = await Promise.all([exportToS3(scenario), exportToS3(scenario)]);
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(Array(2).fill({ code: 0, stderr: "" }));
    const rows = await sqlOn(scenario, "SELECT session_id || ' ' || containment_type AS line FROM sessions");
    expect(rows.map((row) => (row as { line: string }).line).sort()).toEqual(scenario.truth());
    expect(ledgerOf(s3).status).toBe("complete");
  });
});

describe("credentials in Secrets Manager", () => {
  const given = { clientId: "cs-demo", clientSecret: "demo-secret-of-the-stand-in" };
  const env = { KORE_CLIENT_ID: undefined, KORE_CLIENT_SECRET: undefined, KORE_SECRET_ID: "kore/secret" };

  async function startSecret(value: unknown) {
    await startBucket();
    const secrets = await startSecretsServer({
      "kore/secret": typeof value === "string" ? value : JSON.stringify(value),
    });
    onTestFinished(() => secrets.close());
    vi.stubEnv("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.url);
    return secrets;
  }

  test.each([
    ["one for all sources", given],
    ["one for the bot", { [BOT]: given, default: { clientId: "x", clientSecret: "y" } }],
    ["a default", { default: given, "st-other": { clientId: "x", clientSecret: "y" } }],
    ["beside a hash key", { ...given, hashKey: "abc" }],
  ])("are read in the form: %s", async (_, value) => {
    await startSecret(value);
    const scenario = await startScenario();
    expect((await scenario.cli(["export", "--date", DAY], env)).code).toBe(0);
    expect(await scenario.archived()).toEqual(scenario.truth());
  });

  test("are read again once Kore refuses them, since they may have been rotated", async () => {
    const secrets = await startSecret(given);
    const scenario = await startScenario();
    scenario.kore.misbehave({
      kind: "before-request",
      after: 2,
      times: 1,
      change: () => {
        scenario.kore.rotateSecret("default", "rotated-secret-0123456789");
        secrets.secrets.set("kore/secret", JSON.stringify({ ...given, clientSecret: "rotated-secret-0123456789" }));
      },
    });
    expect((await scenario.cli(["export", "--date", DAY], env)).code).toBe(0);
    expect(await scenario.archived()).toEqual(scenario.truth());
    expect(scenario.kore.requests.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(1);
  });

  test.each([
    ["is not JSON", "hush-hush"],
    ["holds no clientId and clientSecret", { clientId: "cs-demo" }],
  ])("are refused with exit code 2 if the secret %s, without showing it", async (says, value) => {
    await startSecret(value);
    const scenario = await startScenario();
    const { code, stderr } = await scenario.cli(["export", "--date", DAY], env);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error ERR_SECRET_UNREADABLE: [^\n]*\n$/);
    expect(stderr).toContain(says);
    expect(stderr).not.toContain("hush");
  });

  test("are refused with exit code 2 if access is denied", async () => {
    const secrets = await startSecret(given);
    secrets.fail("AccessDeniedException");
    const scenario = await startScenario();
    const { code, stderr } = await scenario.cli(["export", "--date", DAY], env);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error ERR_SECRET_UNREADABLE: The secret kore\/secret cannot be read/);
  });
});
