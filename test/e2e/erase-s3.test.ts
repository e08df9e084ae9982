import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { sampleSession, startStandIn } from "../../demo/stand-in/server.ts";
import { sessionKey } from "../../functions/exporter/archive/layout.ts";
import type { Bucket } from "../support/s3-server/bucket.ts";
import { type S3Server, startS3Server } from "../support/s3-server/server.ts";
import { BOT, commandLine, DAYS } from "../support/signed-archive.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const ARCHIVE = "s3://archive-bucket/kore";
const ZOE = "zoe-CANARY@example.com";
const AGENT = sessionKey(DAYS[0], "agent", BOT, 0);
const clock = new VirtualClock("2026-01-05T04:00:00Z");

let s3: S3Server;
let bucket: Bucket;
let env: Record<string, string>;

/** A locked bucket with a day that was exported twice; both versions of a file have the user's row. */
beforeEach(async () => {
  s3 = await startS3Server({ pageSize: 3 });
  onTestFinished(() => s3.close());
  bucket = s3.createBucket("archive-bucket", { objectLock: true });
  vi.stubEnv("AWS_ENDPOINT_URL_S3", s3.url);
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  const kore = await startStandIn({ from: DAYS[0], to: DAYS[0], sessionsPerDay: 10, bots: [BOT], clock });
  onTestFinished(() => kore.close());
  env = {
    KORE_HOST: kore.url,
    KORE_BOT_IDS: BOT,
    KORE_CLIENT_ID: "cs-demo",
    KORE_CLIENT_SECRET: "demo-secret-of-the-stand-in",
    KORE_ARCHIVE: ARCHIVE,
    KORE_HASH_KEY: "the key of hashes, of 32 characters or more",
  };
  const add = (sessionId: string, userId: string) => {
    const session = { sessionId, userId, containmentType: "agent" };
    kore.store.add(BOT, sampleSession({ botId: BOT, startTime: `${DAYS[0]}T10:00:00.000Z` }, session));
  };
  add("z-1", ZOE);
  await commandLine(["export", "--date", DAYS[0]], env);
  add("a-1", "ada");
  await commandLine(["export", "--date", DAYS[0]], env);
});
afterEach(() => vi.unstubAllEnvs());

const erase = async (...args: string[]) => {
  const { code, stdout } = await commandLine(["erase", "--user-id", ZOE, "--json", ...args], env);
  return { code, ...JSON.parse(stdout) };
};
const APPLY = ["--apply", "--reference", "T-1"];
const versions = () => bucket.versions(`kore/${AGENT}`).map(({ versionId }) => versionId);
const verified = async () => JSON.parse((await commandLine(["verify", "--json"], env)).stdout);

test("lists the older versions that hold the user, with their locks, and deletes none", async () => {
  expect(await erase()).toMatchObject({ code: 0, older_versions: [{ key: AGENT, version_id: versions()[1] }] });
  const { code, older_versions } = await erase(...APPLY);
  expect(code).toBe(0);
  expect(older_versions).toMatchObject([
    { key: AGENT, version_id: versions()[1], looked_into: true, lock: { mode: "governance" } },
    { key: AGENT, version_id: versions()[2], looked_into: true, lock: { until: "9999-12-31T00:00:00.000Z" } },
  ]);
  expect(versions()).toHaveLength(3);
  expect(await verified()).toMatchObject({ ok: true, versions: "checked" });
  expect(JSON.stringify(s3.requests)).not.toContain("CANARY");
});

test("deletes them where the caller may, and no current version", async () => {
  const [current = ""] = [(await erase(...APPLY)).code, versions()[0]].slice(1) as string[];
  const { code, older_versions } = await erase(...APPLY, "--purge-versions");
  expect(code).toBe(0);
  expect(older_versions).toMatchObject([{ deleted: true }, { deleted: true }]);
  expect(versions()).toEqual([current]);
  expect(await erase(...APPLY, "--purge-versions")).toMatchObject({ code: 0, older_versions: [] });
  expect(await verified()).toMatchObject({ ok: true, findings: [] });
});

test.each(["s3:BypassGovernanceRetention", "s3:DeleteObjectVersion"])(
  "says which are still there, and why, without %s",
  async (action) => {
    s3.deny({ action });
    const { code, older_versions } = await erase(...APPLY, "--purge-versions");
    expect(code).toBe(1);
    expect(older_versions).toHaveLength(2);
    for (const { deleted, failure } of older_versions) {
      expect(deleted).toBe(false);
      expect(failure).toContain(action);
    }
    expect(versions()).toHaveLength(3);
  },
);

test("says that versions were not looked at where that is denied", async () => {
  s3.deny({ action: "s3:ListBucketVersions" });
  expect(await erase()).toMatchObject({ code: 0, older_versions: "denied" });
});

test("finds that the record of an erasure was deleted, and put back", async () => {
  await erase(...APPLY);
  const key = bucket.keys().find((name) => name.includes("erasures/")) ?? "";
  const body = bucket.get(key)?.body ?? "";
  bucket.remove(key);
  bucket.put(key, body);
  const { findings } = await verified();
  expect(findings.map(({ code }: { code: string }) => code)).toEqual(["ERR_VERIFY_ERASURE_UNKNOWN"]);
});
