import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { S3Store } from "../functions/exporter/archive/s3-store.ts";
import { localFile, storeConformance } from "../test/conformance/store-conformance.ts";
import { startMinio } from "./minio.ts";
import { REGION, startMinistack } from "./ministack.ts";
import type { Service } from "./processes.ts";
import { checkTools } from "./tools.ts";

const MEBIBYTE = 1024 * 1024;
const SERVERS = [
  { name: "MinIO", start: startMinio, secretAccessKey: "test-secret" },
  { name: "ministack", start: () => startMinistack("s3"), secretAccessKey: "test" },
] as const;

beforeAll(() => checkTools("s3"));

describe.each(SERVERS)("on $name,", ({ start, secretAccessKey }) => {
  let server: Service;
  let client: S3Client;
  let scratch: string;
  let buckets = 0;
  beforeAll(async () => {
    server = await start();
    client = new S3Client({
      endpoint: server.url,
      region: REGION,
      credentials: { accessKeyId: "test", secretAccessKey },
      forcePathStyle: true,
    });
    scratch = await mkdtemp(join(tmpdir(), "acceptance-s3-"));
  });
  afterAll(async () => {
    client?.destroy();
    await server?.stop();
    await rm(scratch, { recursive: true, force: true });
  });

  /** A bucket as the stack makes the archive's: versioned, and each version locked. */
  async function lockedBucket(): Promise<string> {
    buckets += 1;
    const Bucket = `archive-${buckets}`;
    await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
    const retention = { DefaultRetention: { Mode: "GOVERNANCE", Days: 1 } } as const;
    const ObjectLockConfiguration = { ObjectLockEnabled: "Enabled", Rule: retention } as const;
    await client.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }));
    return Bucket;
  }

  storeConformance("an archive in a locked bucket", async () => {
    const bucket = await lockedBucket();
    const store = () => new S3Store(bucket, "kore/prod", { client });
    return { store: store(), other: store(), dispose: async () => undefined };
  });

  describe("a locked bucket", () => {
    test("takes writes over what is there, whole and in parts, and keeps every version", async () => {
      const Bucket = await lockedBucket();
      const store = new S3Store(Bucket, "", { client, multipartAboveBytes: 5 * MEBIBYTE, partBytes: 5 * MEBIBYTE });
      const first = await store.writeIf("exports/ledger.json", Buffer.from("one"), null);
      await store.writeIf("exports/ledger.json", Buffer.from("two"), first);
      const large = await localFile(join(scratch, "large"), Buffer.alloc(11 * MEBIBYTE, "0123456789"));
      await store.writeFile("sessions/part", await localFile(join(scratch, "small"), "small"));
      await store.writeFile("sessions/part", large);
      expect(await store.holds("sessions/part", large)).toBe(true);
      const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }));
      expect(Versions.map(({ Key, Size }) => `${Key} ${Size}`).sort()).toEqual([
        "exports/ledger.json 3",
        "exports/ledger.json 3",
        `sessions/part ${11 * MEBIBYTE}`,
        "sessions/part 5",
      ]);
    });

    test("refuses to delete a version, which is still there afterwards", async () => {
      const Bucket = await lockedBucket();
      await new S3Store(Bucket, "", { client }).writeIf("a", Buffer.from("proof"), null);
      const { Versions: [version] = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }));
      const object = { Bucket, Key: "a", VersionId: version?.VersionId };
      // S3 and ministack answer 403, MinIO 400: what counts is that it stays.
      await expect(client.send(new DeleteObjectCommand(object))).rejects.toMatchObject({
        $metadata: { httpStatusCode: expect.toSatisfy((status: number) => status === 403 || status === 400) },
      });
      const { Body } = await client.send(new GetObjectCommand(object));
      expect(await Body?.transformToString()).toBe("proof");
    });
  });
});
