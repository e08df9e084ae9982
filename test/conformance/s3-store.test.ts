import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { S3Store } from "../../functions/exporter/archive/s3-store.ts";
import type { Bucket } from "../support/s3-server/bucket.ts";
import { type S3Server, startS3Server } from "../support/s3-server/server.ts";
import { keysOf, localFile, storeConformance } from "./store-conformance.ts";

const MEBIBYTE = 1024 * 1024;
const KEY = "exports/dt=2026-01-02/st-1.json";

let server: S3Server;
let client: S3Client;
beforeAll(async () => {
  // Pages of two, so that every listing has several.
  server = await startS3Server({ pageSize: 2 });
  client = new S3Client(server.clientSettings);
});
afterAll(async () => {
  client.destroy();
  await server.close();
});

let archives = 0;
storeConformance("an archive in an S3 bucket with Object Lock", async () => {
  archives += 1;
  const bucket = server.createBucket(`archive-${archives}`, { objectLock: true });
  return {
    store: new S3Store(bucket.name, "kore/prod", { client }),
    other: new S3Store(bucket.name, "kore/prod", { client }),
    dispose: async () => undefined,
  };
});

/**
 * Any other S3: a bucket's name here, and the AWS variables (AWS_ENDPOINT_URL, AWS_REGION, keys) beside it. What the
 * suite writes stays in the bucket, below conformance/.
 */
const otherBucket = process.env.CONFORMANCE_S3_BUCKET;
if (otherBucket) {
  storeConformance(`an archive in s3://${otherBucket}`, async () => {
    const prefix = `conformance/${crypto.randomUUID()}`;
    const [store, other] = [new S3Store(otherBucket, prefix), new S3Store(otherBucket, prefix)];
    return {
      store,
      other,
      dispose: async () => {
        store.close();
        other.close();
      },
    };
  });
}

describe("the S3 store", () => {
  let bucket: Bucket;
  let store: S3Store;
  let scratch: string;
  beforeEach(async () => {
    archives += 1;
    bucket = server.createBucket(`archive-${archives}`, { objectLock: true });
    store = new S3Store(bucket.name, "kore", { client, multipartAboveBytes: 5 * MEBIBYTE, partBytes: 5 * MEBIBYTE });
    scratch = await mkdtemp(join(tmpdir(), "s3-store-"));
  });
  afterEach(() => rm(scratch, { recursive: true, force: true }));

  const requestsOf = (operation?: string) =>
    server.requests.filter(
      (request) => request.bucket === bucket.name && (!operation || request.operation === operation),
    );

  describe("in a compare-and-swap", () => {
    test("knows its own write again when the answer to it was lost", async () => {
      server.fail({ operation: "PutObject", how: "lost answer" });
      const first = await store.writeIf(KEY, Buffer.from("one"), null);
      server.fail({ operation: "PutObject", how: "lost answer" });
      const second = await store.writeIf(KEY, Buffer.from("two"), first);
      expect(await store.read(KEY)).toEqual({ body: Buffer.from("two"), version: second });
      expect(requestsOf("PutObject").map(({ status }) => status)).toEqual([0, 412, 0, 412]);
      expect(bucket.versions(`kore/${KEY}`)).toHaveLength(2);
    });

    test("does not take another's write for its own when its request was lost", async () => {
      server.fail({ operation: "PutObject", how: "lost request" });
      server.fail({ operation: "PutObject", how: { meanwhile: () => bucket.put(`kore/${KEY}`, "theirs") } });
      await expect(store.writeIf(KEY, Buffer.from("ours"), null)).rejects.toMatchObject({
        code: "ERR_ARCHIVE_CHANGED",
      });
      expect(bucket.get(`kore/${KEY}`)?.body.toString()).toBe("theirs");
    });

    test("loses to another writer of the same bytes", async () => {
      bucket.put(`kore/${KEY}`, "same");
      await expect(store.writeIf(KEY, Buffer.from("same"), null)).rejects.toMatchObject({
        code: "ERR_ARCHIVE_CHANGED",
      });
      expect(requestsOf().map(({ operation }) => operation)).toEqual(["PutObject"]);
    });

    test("loses when S3 reports a race instead of a failed condition", async () => {
      server.fail({ operation: "PutObject", how: { answer: 409, code: "ConditionalRequestConflict" } });
      await expect(store.writeIf(KEY, Buffer.from("x"), null)).rejects.toMatchObject({ code: "ERR_ARCHIVE_CHANGED" });
    });

    test("does not call a missing bucket a lost race", async () => {
      const nowhere = new S3Store("no-such-bucket", "", { client });
      const write = nowhere.writeIf(KEY, Buffer.from("x"), null);
      await expect(write).rejects.toMatchObject({
        code: "ERR_ARCHIVE_UNREACHABLE",
        message: expect.stringMatching(/NoSuchBucket/),
      });
    });
  });

  describe("against passing trouble", () => {
    test("repeats a put of a file that S3 was too busy for, or never received", async () => {
      server.fail({ operation: "PutObject", how: { answer: 503, code: "ServiceUnavailable" } });
      server.fail({ operation: "PutObject", how: "lost request" });
      const file = await localFile(join(scratch, "part"), "rows");
      await store.writeFile("part", file);
      expect(requestsOf().map(({ status }) => status)).toEqual([503, 0, 200]);
      expect(await store.holds("part", file)).toBe(true);
    });

    test("reads a body again that was cut short or arrived with a wrong byte", async () => {
      bucket.put("kore/a", "0123456789".repeat(1000));
      server.fail({ operation: "GetObject", how: "cut answer" });
      server.fail({ operation: "GetObject", how: "corrupt answer" });
      expect(await store.download("a", join(scratch, "copy"))).toBe(10_000);
      expect(await readFile(join(scratch, "copy"), "utf8")).toBe("0123456789".repeat(1000));
      expect(requestsOf("GetObject")).toHaveLength(3);
    });

    test("gives up on a body that never arrives intact, and leaves no copy", async () => {
      bucket.put("kore/a", "0123456789");
      server.fail({ operation: "GetObject", how: "corrupt answer", times: 6 });
      const code = "ERR_ARCHIVE_UNREACHABLE";
      await expect(store.read("a")).rejects.toMatchObject({
        code,
        message: expect.stringMatching(/s3:GetObject on s3:\/\/.*\/kore\/a/),
      });
      await expect(store.download("a", join(scratch, "copy"))).rejects.toMatchObject({ code });
      expect(await readdir(scratch)).toEqual([]);
    });

    test("does not let a put with a wrong byte become an object", async () => {
      server.fail({ operation: "PutObject", how: "corrupt request", times: 2 });
      const code = "ERR_ARCHIVE_UNREACHABLE";
      await expect(store.writeIf("a", Buffer.from("bytes"), null)).rejects.toMatchObject({ code });
      await expect(store.writeFile("b", await localFile(join(scratch, "b"), "bytes"))).rejects.toMatchObject({ code });
      expect(bucket.keys()).toEqual([]);
    });
  });

  describe("with a file above the threshold", () => {
    const content = Buffer.alloc(11 * MEBIBYTE, "0123456789abcdef!");
    const source = () => localFile(join(scratch, "large"), content);

    test("sends it in parts, finds it held, and copies it back", async () => {
      const file = await source();
      await store.writeFile("large", file);
      expect(requestsOf("UploadPart").map(({ status }) => status)).toEqual([200, 200, 200]);
      expect(bucket.get("kore/large")?.checksum).toMatchObject({ algorithm: "SHA256", type: "COMPOSITE" });
      expect(await store.holds("large", file)).toBe(true);
      expect(await store.download("large", join(scratch, "copy"))).toBe(content.length);
      expect(
        createHash("sha256")
          .update(await readFile(join(scratch, "copy")))
          .digest("hex"),
      ).toBe(file.sha256);
    });

    test("does not find it held when one byte differs", async () => {
      await store.writeFile("large", await source());
      const other = Buffer.from(content);
      other.writeUInt8(0, 9 * MEBIBYTE);
      expect(await store.holds("large", await localFile(join(scratch, "other"), other))).toBe(false);
    });

    test("repeats a part, and finds the upload complete when that answer was lost", async () => {
      server.fail({ operation: "UploadPart", how: { answer: 500, code: "InternalError" } });
      server.fail({ operation: "CompleteMultipartUpload", how: "lost answer" });
      const file = await source();
      await store.writeFile("large", file);
      expect(await store.holds("large", file)).toBe(true);
      expect(bucket.versions("kore/large")).toHaveLength(1);
    });

    test("aborts the upload and keeps the earlier object when a part cannot be sent", async () => {
      await store.writeFile("large", await localFile(join(scratch, "small"), "earlier"));
      server.fail({ operation: "UploadPart", how: { answer: 400, code: "InvalidRequest" } });
      await expect(store.writeFile("large", await source())).rejects.toMatchObject({ code: "ERR_ARCHIVE_UNREACHABLE" });
      expect(bucket.uploads.size).toBe(0);
      expect((await store.read("large"))?.body.toString()).toBe("earlier");
    });

    test("aborts the upload when the file is not the promised one", async () => {
      const file = { ...(await source()), sha256: "0".repeat(64) };
      const write = store.writeFile("large", file);
      await expect(write).rejects.toMatchObject({
        code: "ERR_ARCHIVE_UNREACHABLE",
        message: expect.stringMatching(/was changed/),
      });
      expect(bucket.uploads.size).toBe(0);
      expect(bucket.keys()).toEqual([]);
    });
  });

  test("stores every object with its SHA-256, and does not trust one stored without", async () => {
    const file = await localFile(join(scratch, "part"), "rows");
    await store.writeFile("part", file);
    await store.writeIf(KEY, Buffer.from("ledger"), null);
    for (const key of bucket.keys()) expect(bucket.get(key)?.checksum.algorithm).toBe("SHA256");
    bucket.put("kore/part", "rows");
    expect(await store.holds("part", file)).toBe(false);
  });

  test("lists what it would never write as strays, and nothing beside its prefix", async () => {
    for (const key of ["kore/a//b", "kore/.hidden", "kore/c", "kore/d/", "kore/e\\f", "kore-2/d", "e"])
      bucket.put(key, "x");
    const listed = await Array.fromAsync(store.list(""));
    expect(listed.map((one) => (one.kind === "object" ? one.key : `stray ${one.name}`))).toEqual([
      "stray .hidden",
      "stray a//b",
      "c",
      "stray d/",
      "stray e\\f",
    ]);
  });

  test("lists names at its root, folders with a slash, and nothing below them", async () => {
    for (const key of ["kore/exports/x", "kore/exports/y", "kore/sessions/z", "kore/note.txt", "other"])
      bucket.put(key, "x");
    expect(await store.listRoot()).toEqual(["exports/", "note.txt", "sessions/"]);
  });

  test("uses the whole bucket when it has no prefix", async () => {
    const whole = new S3Store(bucket.name, "", { client });
    await whole.writeIf("a", Buffer.from("x"), null);
    expect(bucket.keys()).toEqual(["a"]);
    expect(whole.location).toBe(`s3://${bucket.name}`);
  });

  describe("without permission", () => {
    test.each([
      ["s3:GetObject", () => store.read(KEY)],
      ["s3:GetObject", () => store.version(KEY)],
      ["s3:GetObject", () => store.download(KEY, join(scratch, "copy"))],
      ["s3:PutObject", () => store.writeIf(KEY, Buffer.from("x"), null)],
      ["s3:ListBucket", () => keysOf(store, KEY)],
    ] as const)("says that %s was denied, on which key, and that listing is needed too", async (action, work) => {
      const lift = server.deny({ action, bucket: bucket.name, prefix: "kore/exports/" });
      const failure = { code: "ERR_ARCHIVE_UNREACHABLE", message: expect.stringContaining(`/kore/${KEY}`) };
      await expect(work()).rejects.toMatchObject(failure);
      await expect(work()).rejects.toThrow(`Allow ${action} on `);
      await expect(work()).rejects.toThrow("s3:ListBucket on the bucket");
      lift();
    });

    test("says so when a missing object looks forbidden, for want of the right to list", async () => {
      const lift = server.deny({ action: "s3:ListBucket", bucket: bucket.name });
      await expect(store.read(KEY)).rejects.toMatchObject({
        message: expect.stringMatching(/s3:ListBucket on the bucket/),
      });
      await expect(store.version(KEY)).rejects.toMatchObject({
        message: expect.stringMatching(/s3:ListBucket on the bucket/),
      });
      lift();
    });
  });

  describe("asked whether it is writable", () => {
    const refusal = (message: RegExp) => ({
      code: "ERR_ARCHIVE_NOT_WRITABLE",
      message: expect.stringMatching(message),
    });

    test("says that the bucket does not exist", async () => {
      const nowhere = new S3Store("no-such-bucket", "", { client });
      await expect(nowhere.checkWritable()).rejects.toMatchObject(refusal(/s3:\/\/no-such-bucket .*NoSuchBucket/));
    });

    test("says that it may not list the bucket", async () => {
      const lift = server.deny({ action: "s3:ListBucket", bucket: bucket.name });
      await expect(store.checkWritable()).rejects.toMatchObject(refusal(/Allow s3:ListBucket/));
      lift();
    });

    test("says that nobody answers", async () => {
      const silent = await startS3Server();
      await silent.close();
      const unanswered = new S3Client({ ...server.clientSettings, endpoint: silent.url, maxAttempts: 1 });
      const nowhere = new S3Store("archive", "", { client: unanswered });
      await expect(nowhere.checkWritable()).rejects.toMatchObject(refusal(/ECONNREFUSED/));
    });

    test("puts nothing to find it out", async () => {
      await store.checkWritable();
      expect(requestsOf().map(({ operation }) => operation)).toEqual(["ListObjectsV2"]);
    });
  });

  test("has never asked for anything to be deleted", () => {
    const operations = new Set(server.requests.map(({ operation }) => operation));
    expect(operations).toContain("PutObject");
    expect(operations).not.toContain("DeleteObject");
  });
});
