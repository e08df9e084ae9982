/// <reference path="../../functions/exporter/parquet/parquetjs-lite.d.ts" />
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import fc from "fast-check";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { sampleSession } from "../../demo/stand-in/server.ts";
import { digestKey, ledgerKey, sessionKey } from "../../functions/exporter/archive/layout.ts";
import type { ExportSummary } from "../../functions/exporter/lambda/deployed-run.ts";
import { problemsOf } from "../independent/verify-digests.ts";
import { deploy } from "../support/durable-run.ts";
import { startKmsServer } from "../support/kms-server.ts";
import type { Bucket, ObjectVersion } from "../support/s3-server/bucket.ts";
import { type S3Server, startS3Server } from "../support/s3-server/server.ts";
import { BOT, DAY, type Scenario, startScenario } from "../support/scenario.ts";
import { policyOfExporter } from "./role-policy.ts";
import { type Json, synthesise } from "./synthesise.ts";

const NAMES = { ArchiveBucket: "archive-bucket", ScratchBucket: "scratch-bucket" } as const;
const MINUTES_15 = 15 * 60_000;
const AGENT = sessionKey(DAY, "agent", BOT, 0);
const REJECTED = `rejected/dt=${DAY}/${BOT}.jsonl`;

/** What a client sends that sets, lifts or gets round a lock, chooses a key of its own, or opens an object to others. */
const FORBIDDEN_HEADERS = /^x-amz-(object-lock-|bypass-|server-side-encryption|acl|grant-|copy-source|tagging)/;

afterEach(() => vi.unstubAllEnvs());

interface Deployed {
  readonly s3: S3Server;
  readonly archive: Bucket;
  readonly scenario: Scenario;
  readonly publicKeyPath: string;
  /** Runs the deployed function by this event. */
  run(event: unknown): Promise<unknown>;
  /** Lifts the role's policy: whoever acts then may do everything. */
  becomeOwner(): void;
}

/** The function between a stand-in and the buckets of the stack: one locked, both guarded by what its role allows. */
async function startDeployed(): Promise<Deployed> {
  const [s3, kms, scenario] = await Promise.all([startS3Server({ pageSize: 3 }), startKmsServer(), startScenario()]);
  const folder = await mkdtemp(join(tmpdir(), "kore-retention-"));
  onTestFinished(async () => {
    await Promise.all([s3.close(), kms.close(), rm(folder, { recursive: true, force: true })]);
  });
  const archive = s3.createBucket(NAMES.ArchiveBucket, { objectLock: true });
  s3.createBucket(NAMES.ScratchBucket);
  vi.stubEnv("AWS_ENDPOINT_URL_S3", s3.url);
  vi.stubEnv("AWS_ENDPOINT_URL_KMS", kms.url);
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  const publicKeyPath = join(folder, "public.pem");
  await writeFile(publicKeyPath, kms.publicKey);
  const deployed = await deploy(scenario, {
    KORE_ARCHIVE: `s3://${NAMES.ArchiveBucket}`,
    KORE_SCRATCH: `s3://${NAMES.ScratchBucket}`,
    KORE_SIGNING_KEY: kms.keyArn,
  });
  const run = (event: unknown) => deployed.plainly(event, MINUTES_15);
  const becomeOwner = s3.allowOnly(policyOfExporter(NAMES));
  return { s3, archive, scenario, publicKeyPath, run, becomeOwner };
}

/**
 * A first night; two re-exports, one with changes and one without; another night. A rejected row is among the sessions.
 * Returns the head of the digests.
 */
async function archiveForSomeNights({ scenario, run }: Deployed): Promise<string> {
  const add = (changes: Record<string, unknown>) =>
    scenario.kore.store.add(BOT, sampleSession({ botId: BOT, startTime: `${DAY}T10:00:00Z` }, changes));
  add({ sessionId: "" });
  add({ sessionId: "moving" });
  await run({ scheduledTime: "2026-01-03T02:15:00Z" });
  scenario.kore.store.update(BOT, "moving", { containmentType: "agent" });
  add({ sessionId: "late" });
  await run({ date: DAY });
  await run({ date: DAY });
  const last = await run({ scheduledTime: "2026-01-04T02:15:00Z" });
  return (last as ExportSummary & { digest: { sha256: string } }).digest.sha256;
}

function versionsIn(bucket: Bucket): ObjectVersion[] {
  return bucket.allKeys().flatMap((key) => bucket.versions(key));
}

async function verify({ scenario, publicKeyPath }: Deployed) {
  const place = `s3://${NAMES.ArchiveBucket}`;
  const { code, stdout } = await scenario.cli(["verify", "--archive", place, "--public-key", publicKeyPath, "--json"]);
  return { code, ...JSON.parse(stdout) };
}

function clientOf({ clientSettings }: S3Server): S3Client {
  const client = new S3Client({ ...clientSettings, forcePathStyle: true });
  onTestFinished(() => client.destroy());
  return client;
}

const at = (key: string) => ({ Bucket: NAMES.ArchiveBucket, Key: key });

describe("with no rights but those of its role, on a locked bucket", () => {
  test("the function exports, exports again, keeps rejected rows and signs digests, and is refused nothing", async () => {
    const deployed = await startDeployed();
    await archiveForSomeNights(deployed);
    const { s3, archive } = deployed;
    expect(archive.keys()).toEqual(expect.arrayContaining([AGENT, REJECTED, ledgerKey(DAY, BOT), digestKey(4)]));
    expect(archive.versions(AGENT).length).toBeGreaterThan(1);
    expect(s3.requests.filter(({ status }) => status === 403 || status >= 500)).toEqual([]);
    deployed.becomeOwner();
    expect(await verify(deployed)).toMatchObject({ code: 0, findings: [], versions: "checked", signed_digests: 4 });
  });

  test("it sends no deletion, touches no lock, and leaves encryption to the bucket", async () => {
    const deployed = await startDeployed();
    await archiveForSomeNights(deployed);
    const { requests } = deployed.s3;
    const operations = new Set(requests.map(({ operation }) => operation));
    expect([...operations].sort()).toEqual(["GetObject", "HeadObject", "ListObjectsV2", "PutObject"]);
    const sent = requests.flatMap(({ headers }) => Object.keys(headers));
    expect(sent.filter((name) => FORBIDDEN_HEADERS.test(name))).toEqual([]);
  });

  test("it puts a digest only where there is none", async () => {
    const deployed = await startDeployed();
    await archiveForSomeNights(deployed);
    const puts = deployed.s3.requests.filter(
      ({ operation, key }) => operation === "PutObject" && key.startsWith("digests/"),
    );
    expect(puts.length).toBeGreaterThanOrEqual(4);
    expect(puts.filter(({ headers }) => headers["if-none-match"] !== "*")).toEqual([]);
  });

  test("it leaves every version that was ever written, and the lock lets none go, even to whoever may delete", async () => {
    const deployed = await startDeployed();
    const written: ObjectVersion[] = [];
    const add = deployed.archive.add.bind(deployed.archive);
    vi.spyOn(deployed.archive, "add").mockImplementation((key, object) => {
      const version = add(key, object);
      written.push(version);
      return version;
    });
    await archiveForSomeNights(deployed);
    expect(
      versionsIn(deployed.archive)
        .map(({ versionId }) => versionId)
        .sort(),
    ).toEqual(written.map(({ versionId }) => versionId).sort());
    deployed.becomeOwner();
    const client = clientOf(deployed.s3);
    for (const { key, versionId } of written) {
      const deletion = new DeleteObjectCommand({ ...at(key), VersionId: versionId });
      await expect(client.send(deletion)).rejects.toThrow("object protected by object lock");
    }
    expect(await verify(deployed)).toMatchObject({ code: 0, findings: [] });
  });
});

test("a plain copy of the bucket proves itself without the bucket, by this program and by another", async () => {
  const deployed = await startDeployed();
  const head = await archiveForSomeNights(deployed);
  const { s3, archive, scenario, publicKeyPath } = deployed;
  const copy = join(dirname(publicKeyPath), "copy");
  for (const key of archive.keys()) {
    await mkdir(dirname(join(copy, key)), { recursive: true });
    await writeFile(join(copy, key), archive.get(key)?.body ?? "");
  }
  const requests = s3.requests.length;
  const trust = ["--public-key", publicKeyPath, "--head", head];
  const { code, stdout } = await scenario.cli(["verify", "--archive", copy, ...trust, "--json"]);
  expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, findings: [], signed_digests: 4, versions: "none" });
  const pem = String(await readFile(publicKeyPath));
  expect(problemsOf(copy, [pem], head)).toEqual([]);
  await writeFile(join(copy, AGENT), "others");
  expect(problemsOf(copy, [pem], head)).not.toEqual([]);
  expect(s3.requests).toHaveLength(requests);
});

describe("whoever has got hold of the role", () => {
  const lock = { ObjectLockMode: "GOVERNANCE", ObjectLockRetainUntilDate: new Date("2026-01-05") } as const;
  const body = { Body: "x", ChecksumAlgorithm: "SHA256" } as const;

  test.each([
    ["hide an object", () => new DeleteObjectCommand(at(AGENT)), "s3:DeleteObject"],
    [
      "delete a version",
      (VersionId: string) => new DeleteObjectCommand({ ...at(AGENT), VersionId }),
      "s3:DeleteObjectVersion",
    ],
    [
      "bypass the lock",
      (VersionId: string) => new DeleteObjectCommand({ ...at(AGENT), VersionId, BypassGovernanceRetention: true }),
      "s3:DeleteObjectVersion",
    ],
    [
      "write an object with a shorter lock",
      () => new PutObjectCommand({ ...at(AGENT), ...body, ...lock }),
      "s3:PutObjectRetention",
    ],
    ["write beside the archive", () => new PutObjectCommand({ ...at("other/x"), ...body }), "s3:PutObject"],
    ["say that somebody was erased", () => new PutObjectCommand({ ...at("erasures/x.json"), ...body }), "s3:PutObject"],
    ["hold somebody's data", () => new PutObjectCommand({ ...at("holds/x.json"), ...body }), "s3:PutObject"],
    ["write messages", () => new PutObjectCommand({ ...at("messages/x"), ...body }), "s3:PutObject"],
    ["list the bucket", () => new ListObjectsV2Command({ Bucket: NAMES.ArchiveBucket }), "s3:ListBucket"],
  ])("cannot %s", async (_, attempt, action) => {
    const { s3, run, archive } = await startDeployed();
    await run({ date: DAY });
    const [version] = archive.versions(AGENT);
    const command = attempt(version?.versionId ?? "");
    const refused = expect(clientOf(s3).send(command as DeleteObjectCommand)).rejects;
    await refused.toThrow(`not authorized to perform: ${action}`);
    expect(archive.versions(AGENT)).toEqual([version]);
  });

  test("can overwrite a file, which leaves the true version, and which verify names", async () => {
    const deployed = await startDeployed();
    await deployed.run({ date: DAY });
    const [version] = deployed.archive.versions(AGENT);
    await clientOf(deployed.s3).send(new PutObjectCommand({ ...at(AGENT), ...body }));
    expect(deployed.archive.versions(AGENT)[1]).toBe(version);
    deployed.becomeOwner();
    const { code, findings } = await verify(deployed);
    expect(code).toBe(3);
    expect(findings).toContainEqual(expect.objectContaining({ code: "ERR_VERIFY_FILE_CHANGED", key: AGENT }));
  });

  test.each([
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutObjectRetention",
    "s3:PutObjectLegalHold",
    "s3:BypassGovernanceRetention",
    "s3:PutObjectTagging",
    "s3:PutObjectAcl",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketVersioning",
    "s3:PutLifecycleConfiguration",
    "s3:PutBucketPolicy",
    "s3:PutEncryptionConfiguration",
    "s3:ReplicateDelete",
    "s3:DeleteBucket",
  ])("is not allowed %s, on no object and no bucket, however the exporter is deployed", (action) => {
    const vpc = { vpcId: "vpc-0123abcd", subnetIds: ["subnet-0123abcd"] };
    for (const settings of [{}, { durable: false }, { retentionMode: "compliance" }, { vpc }, { removal: "destroy" }]) {
      const allows = policyOfExporter(NAMES, settings);
      expect(allows({ action: "s3:PutObject", bucket: NAMES.ArchiveBucket, key: AGENT, prefix: "" })).toBe(true);
      for (const bucket of Object.values(NAMES)) {
        for (const key of ["", AGENT, REJECTED, ledgerKey(DAY, BOT), digestKey(1), "x"]) {
          expect(allows({ action, bucket, key, prefix: "" }), `${bucket}/${key}`).toBe(false);
        }
      }
    }
  });
});

describe("the lifecycle of the stack", () => {
  const settings = fc.record({
    retentionMode: fc.constantFrom("governance", "compliance"),
    retentionDays: fc.integer({ min: 1, max: 36_500 }),
    colderStorageDays: fc.integer({ min: 0, max: 36_500 }),
    durable: fc.boolean(),
  });

  test("is never shorter than the lock, which is in compliance mode only by choice and with a warning", () => {
    fc.assert(
      fc.property(settings, (chosen) => {
        const { resources, warnings } = synthesise(chosen);
        const buckets: Json[] = Object.values(resources).map(({ Properties = {} }) => Properties);
        const [archive, ...others] = buckets.filter(({ ObjectLockEnabled }) => ObjectLockEnabled);
        expect(others).toEqual([]);
        const { ObjectLockConfiguration, VersioningConfiguration, LifecycleConfiguration } = archive;
        const { Mode, Days } = ObjectLockConfiguration.Rule.DefaultRetention;
        expect({ Mode, Days }).toEqual({ Mode: chosen.retentionMode.toUpperCase(), Days: chosen.retentionDays });
        expect(VersioningConfiguration).toEqual({ Status: "Enabled" });
        for (const rule of LifecycleConfiguration.Rules) expectNotShorterThan(Days, rule);
        const warned = warnings.some((warning) => warning.includes('retentionMode "compliance"'));
        expect(warned).toBe(chosen.retentionMode === "compliance");
      }),
      { numRuns: 25 },
    );
  });
});

/** A rule of the lifecycle deletes nothing current, and no replaced version within the days of the lock. */
function expectNotShorterThan(days: number, rule: Json): void {
  const { NoncurrentVersionExpiration, AbortIncompleteMultipartUpload, Transitions, ...rest } = rule;
  expect(["Id", "Prefix", "Status"]).toEqual(expect.arrayContaining(Object.keys(rest)));
  expect(NoncurrentVersionExpiration?.NoncurrentDays ?? Number.POSITIVE_INFINITY).toBeGreaterThan(days);
  expect(NoncurrentVersionExpiration?.NewerNoncurrentVersions).toBeUndefined();
  for (const { StorageClass } of Transitions ?? []) expect(StorageClass).toBe("GLACIER_IR");
}
