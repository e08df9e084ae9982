import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { digestKey, ledgerKey, sessionKey } from "../../functions/exporter/archive/layout.ts";
import type { Bucket } from "../support/s3-server/bucket.ts";
import { type S3Server, startS3Server } from "../support/s3-server/server.ts";
import { BOT, commandLine, DAYS, startRuns } from "../support/signed-archive.ts";

const PREFIX = "kore/";
const ARCHIVE = "s3://archive-bucket/kore";
const AGENT = sessionKey(DAYS[0], "agent", BOT, 0);
const LEDGER = ledgerKey(DAYS[0], BOT);

let s3: S3Server;
let bucket: Bucket;
let head: string;

beforeEach(async () => {
  s3 = await startS3Server({ pageSize: 10 });
  onTestFinished(() => s3.close());
  bucket = s3.createBucket("archive-bucket");
  vi.stubEnv("AWS_ENDPOINT_URL_S3", s3.url);
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  head = await (await startRuns({ KORE_ARCHIVE: ARCHIVE }))();
});
afterEach(() => vi.unstubAllEnvs());

async function verify(...args: string[]) {
  const { code, stdout, stderr } = await commandLine(["verify", "--archive", ARCHIVE, "--json", ...args]);
  expect(stderr).toBe("");
  const { findings, ...rest } = JSON.parse(stdout);
  return { code, ...rest, found: findings.map((finding: Record<string, string>) => `${finding.code} ${finding.key}`) };
}

const versionOf = (key: string) => bucket.get(PREFIX + key);

test("an archive in a bucket passes, with every version that runs left; digests name the versions", async () => {
  expect(bucket.versions(PREFIX + AGENT)).toHaveLength(2);
  expect(bucket.versions(PREFIX + LEDGER).length).toBeGreaterThan(2);
  const result = await verify("--head", head);
  expect(result).toMatchObject({
    code: 0,
    found: [],
    versions: "checked",
    checked: { digests: 6, days: 4, files: 13 },
  });
  const [line = ""] = String(versionOf(digestKey(4))?.body).split("\n");
  const [day] = JSON.parse(line).days;
  expect(day.ledger.version_id).toBe(versionOf(LEDGER)?.versionId);
  const file = day.files.find(({ key }: { key: string }) => key === AGENT);
  expect(file.version_id).toBe(versionOf(AGENT)?.versionId);
});

test("versions that may not be listed are said not to be checked", async () => {
  s3.deny({ action: "s3:ListBucketVersions" });
  expect(await verify()).toMatchObject({ code: 0, versions: "denied" });
  const { stdout } = await commandLine(["verify", "--archive", ARCHIVE]);
  expect(stdout).toContain("Versions: NOT checked, since s3:ListBucketVersions on the bucket is not allowed.\n");
});

test.each<[string, () => unknown, string]>([
  [
    "the newest digest was deleted",
    () => bucket.remove(PREFIX + digestKey(6)),
    `ERR_VERIFY_DIGEST_MISSING ${digestKey(6)}`,
  ],
  [
    "a digest was written twice",
    () => bucket.put(PREFIX + digestKey(6), versionOf(digestKey(6))?.body ?? ""),
    `ERR_VERIFY_DIGEST_CHANGED ${digestKey(6)}`,
  ],
  [
    "a digest was deleted, and put back",
    () => {
      const { body } = bucket.versions(PREFIX + digestKey(6))[0] ?? { body: "" };
      bucket.remove(PREFIX + digestKey(6));
      bucket.put(PREFIX + digestKey(6), body);
    },
    `ERR_VERIFY_VERSION_UNKNOWN ${digestKey(6)}`,
  ],
  [
    "a file's bytes were others for a while",
    () => {
      const { body } = versionOf(AGENT) ?? { body: "" };
      bucket.put(PREFIX + AGENT, "others");
      bucket.put(PREFIX + AGENT, body);
    },
    `ERR_VERIFY_VERSION_UNKNOWN ${AGENT}`,
  ],
  [
    "a ledger record was another one for a while",
    () => {
      const { body } = versionOf(LEDGER) ?? { body: "" };
      bucket.put(PREFIX + LEDGER, String(body).replace('"complete"', '"provisional"'));
      bucket.put(PREFIX + LEDGER, body);
    },
    `ERR_VERIFY_VERSION_UNKNOWN ${LEDGER}`,
  ],
  ["a file was deleted", () => bucket.remove(PREFIX + AGENT), `ERR_VERIFY_VERSION_UNKNOWN ${AGENT}`],
  [
    "a file was deleted, seen from the archive",
    () => bucket.remove(PREFIX + AGENT),
    `ERR_VERIFY_FILE_MISSING ${AGENT}`,
  ],
  [
    "a file's version that a digest vouches for is gone, and its bytes are there",
    () => {
      const { body, versionId } = versionOf(AGENT) ?? { body: "", versionId: "" };
      bucket.put(PREFIX + AGENT, body);
      bucket.forget(PREFIX + AGENT, versionId);
    },
    `ERR_VERIFY_VERSION_UNKNOWN ${AGENT}`,
  ],
  ["a file's bytes are others", () => bucket.put(PREFIX + AGENT, "others"), `ERR_VERIFY_FILE_CHANGED ${AGENT}`],
])("finds in a bucket that %s", async (_, change, expected) => {
  change();
  const { code, found } = await verify();
  expect(code).toBe(3);
  expect(found).toContain(expected);
});

test("versions that the bucket's lifecycle has let go are not missed", async () => {
  for (const key of [LEDGER, AGENT]) {
    const [, ...older] = bucket.versions(PREFIX + key);
    for (const { versionId } of key === LEDGER ? older : []) bucket.forget(PREFIX + key, versionId);
  }
  expect(await verify()).toMatchObject({ code: 0, found: [] });
});

test("a forged record that names the one before it is adopted by the owner's run, though the versions fit", async () => {
  const body = versionOf(LEDGER)?.body ?? Buffer.alloc(0);
  const record = JSON.parse(String(body));
  const previous_sha256 = createHash("sha256").update(body).digest("hex");
  const forged = { ...record, revision: record.revision + 1, requests: 99, previous_sha256 };
  bucket.put(PREFIX + LEDGER, `${JSON.stringify(forged)}\n`);
  expect((await verify("--head", head)).found).toEqual([`ERR_VERIFY_LEDGER_CHANGED ${LEDGER}`]);
  const env = {
    KORE_HOST: "http://127.0.0.1:9",
    KORE_BOT_IDS: BOT,
    KORE_CLIENT_ID: "cs-demo",
    KORE_CLIENT_SECRET: "none-at-all",
  };
  const { code } = await commandLine(["export", "--archive", ARCHIVE, "--date", DAYS[0], "--json"], env);
  expect(code).toBe(1);
  expect(await verify("--head", head)).toMatchObject({
    code: 3,
    found: [`ERR_VERIFY_ADOPTED ${LEDGER}`],
    adopted: [{ dt: DAYS[0], source: BOT, accepted: null }],
  });
});
