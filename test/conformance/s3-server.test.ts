import { Readable } from "node:stream";
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Bucket } from "../support/s3-server/bucket.ts";
import { CHECKSUM_ALGORITHMS, checksumOf } from "../support/s3-server/checksums.ts";
import { type S3Server, startS3Server } from "../support/s3-server/server.ts";

/** The stand-in for S3 that other tests lean on: that it refuses what S3 refuses. */
describe("the S3 test server", () => {
  let server: S3Server;
  let client: S3Client;
  /** The SDK warns on the console that a stream cannot be sent twice. */
  let quiet: S3Client;
  let bucket: Bucket;
  let buckets = 0;
  beforeAll(async () => {
    server = await startS3Server();
    client = new S3Client(server.clientSettings);
    const ignore = () => undefined;
    const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
    quiet = new S3Client({ ...server.clientSettings, logger });
  });
  afterAll(async () => {
    client.destroy();
    quiet.destroy();
    await server.close();
  });
  beforeEach(() => {
    buckets += 1;
    bucket = server.createBucket(`locked-${buckets}`, { objectLock: true });
  });
  const at = (Key: string) => ({ Bucket: bucket.name, Key });

  test("computes each checksum as its published check value says", () => {
    const digits = Buffer.from("123456789");
    const values = CHECKSUM_ALGORITHMS.map((name) => Buffer.from(checksumOf(name, digits), "base64").toString("hex"));
    expect(values).toEqual([
      "cbf43926",
      "e3069283",
      "ae8b14860a799888",
      "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
      "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
    ]);
  });

  test.each(["CRC32", "CRC32C", "SHA1", "SHA256"] as const)(
    "takes a streamed body with a %s trailer, and refuses it with a wrong byte",
    async (ChecksumAlgorithm) => {
      const put = () =>
        new PutObjectCommand({
          ...at("stream"),
          Body: Readable.from([Buffer.alloc(70_000, "a"), Buffer.from("end")]),
          ContentLength: 70_003,
          ChecksumAlgorithm,
          Metadata: { origin: "test" },
        });
      await client.send(put());
      const object = bucket.get("stream");
      expect([object?.body.length, object?.checksum.algorithm]).toEqual([70_003, ChecksumAlgorithm]);
      expect(server.requests.at(-1)?.headers["x-amz-trailer"]).toBe(
        `x-amz-checksum-${ChecksumAlgorithm.toLowerCase()}`,
      );
      const head = await client.send(new HeadObjectCommand(at("stream")));
      expect(head).toMatchObject({ ContentLength: 70_003, Metadata: { origin: "test" }, VersionId: object?.versionId });
      server.fail({ operation: "PutObject", how: "corrupt request" });
      await expect(quiet.send(put())).rejects.toMatchObject({ name: "BadDigest" });
      expect(bucket.versions("stream")).toHaveLength(1);
    },
  );

  test("refuses a put without a signature, and one that Object Lock cannot take", async () => {
    const put = (headers: Record<string, string>) =>
      fetch(`${server.url}/${bucket.name}/a`, { method: "PUT", body: "x", headers });
    const signed = { authorization: "AWS4-HMAC-SHA256 test", "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
    const answers = [
      await put({}),
      await put(signed),
      await put({ ...signed, "content-md5": "ndTkYSaMgDT1yFZOFVxnpg==" }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 400, 200]);
    expect(await answers[1]?.text()).toContain("<Code>InvalidRequest</Code>");
  });

  test("makes a version of every put, hides objects behind delete markers, and keeps locked versions", async () => {
    bucket.put("a", "one");
    bucket.put("a", "two");
    await client.send(new DeleteObjectCommand(at("a")));
    await expect(client.send(new GetObjectCommand(at("a")))).rejects.toMatchObject({ name: "NoSuchKey" });
    const listed = await client.send(new ListObjectVersionsCommand({ Bucket: bucket.name }));
    expect(listed.Versions?.map(({ IsLatest }) => IsLatest)).toEqual([false, false]);
    expect(listed.DeleteMarkers?.map(({ IsLatest }) => IsLatest)).toEqual([true]);
    const first = { ...at("a"), VersionId: listed.Versions?.at(-1)?.VersionId };
    const old = await client.send(new GetObjectCommand(first));
    expect(await old.Body?.transformToString()).toBe("one");
    await expect(client.send(new DeleteObjectCommand(first))).rejects.toMatchObject({ name: "AccessDenied" });
    expect(bucket.versions("a")).toHaveLength(3);
  });

  test("serves a range of an object", async () => {
    bucket.put("a", "0123456789");
    const range = async (Range: string) => {
      const answer = await client.send(new GetObjectCommand({ ...at("a"), Range }));
      return [await answer.Body?.transformToString(), answer.ContentRange];
    };
    expect(await range("bytes=2-4")).toEqual(["234", "bytes 2-4/10"]);
    expect(await range("bytes=-3")).toEqual(["789", "bytes 7-9/10"]);
    expect(await range("bytes=8-")).toEqual(["89", "bytes 8-9/10"]);
    await expect(range("bytes=10-")).rejects.toMatchObject({ name: "InvalidRange" });
  });

  test("lists in pages, by delimiter, in the order of UTF-8 bytes", async () => {
    for (const key of ["b/😀", "b/～", "a", "b/c/d", "c&<>"]) bucket.put(key, "x");
    const page = async (ContinuationToken?: string) =>
      client.send(new ListObjectsV2Command({ Bucket: bucket.name, MaxKeys: 2, Delimiter: "/", ContinuationToken }));
    const first = await page();
    expect(first.Contents?.map(({ Key }) => Key)).toEqual(["a"]);
    expect(first.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(["b/"]);
    const second = await page(first.NextContinuationToken);
    expect([second.Contents?.map(({ Key }) => Key), second.IsTruncated]).toEqual([["c&<>"], false]);
    const below = await client.send(new ListObjectsV2Command({ Bucket: bucket.name, Prefix: "b/", Delimiter: "/" }));
    expect(below.Contents?.map(({ Key }) => Key)).toEqual(["b/～", "b/😀"]);
  });

  test("answers listings with what each of them has, and encodes names if it is asked to", async () => {
    const odd = ["a\tb", "a b+(1)~é%20", "a\u0001"];
    for (const key of odd) bucket.put(key, "x");
    const asked = { Bucket: bucket.name, MaxKeys: 2, EncodingType: "url" } as const;
    const listed = await client.send(new ListObjectsV2Command(asked));
    expect(listed).toMatchObject({ Name: bucket.name, KeyCount: 2, IsTruncated: true, EncodingType: "url" });
    expect(listed.Contents?.map(({ Key }) => Key)).toEqual(["a%01", "a%09b"]);
    const versions = await client.send(new ListObjectVersionsCommand(asked));
    expect(versions).toMatchObject({ Name: bucket.name, MaxKeys: 2, IsTruncated: true, EncodingType: "url" });
    expect([versions.Versions?.map(({ Key }) => Key), versions.NextKeyMarker]).toEqual([["a%01", "a%09b"], "a%09b"]);
    const rest = await client.send(new ListObjectVersionsCommand({ ...asked, KeyMarker: "a\tb" }));
    expect(rest.Versions?.map(({ Key }) => Key)).toEqual(["a+b%2B%281%29%7E%C3%A9%2520"]);
    const plain = await client.send(new ListObjectsV2Command({ Bucket: bucket.name }));
    expect(plain.Contents?.map(({ Key }) => Key)).toEqual(["a\ufffd", "a\tb", "a b+(1)~é%20"]);
  });

  test("answers a fault's times with its body, or with its change to the right one", async () => {
    const keys = async () => (await client.send(new ListObjectsV2Command({ Bucket: bucket.name }))).KeyCount;
    server.fail({ operation: "ListObjectsV2", how: { body: "" } });
    const end = server.fail({
      times: Number.POSITIVE_INFINITY,
      how: { rewrite: (body) => body.replace("<KeyCount>0<", "<KeyCount>7<") },
    });
    expect([await keys(), await keys()]).toEqual([undefined, 7]);
    end();
    expect(await keys()).toBe(0);
  });

  describe("in a multipart upload", () => {
    const upload = async (ChecksumAlgorithm: "SHA256" | undefined, sizes: readonly number[]) => {
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...at("large"), ChecksumAlgorithm }));
      const Parts = await Promise.all(
        sizes.map(async (size, index) => {
          const part = { ...at("large"), UploadId, PartNumber: index + 1, ChecksumAlgorithm, Body: Buffer.alloc(size) };
          const { ETag, ChecksumSHA256 } = await client.send(new UploadPartCommand(part));
          return { PartNumber: index + 1, ETag, ChecksumSHA256 };
        }),
      );
      return { ...at("large"), UploadId, MultipartUpload: { Parts } };
    };

    test("refuses parts that are too small, out of order, unknown, or listed without their checksum", async () => {
      const complete = (input: Awaited<ReturnType<typeof upload>>) =>
        client.send(new CompleteMultipartUploadCommand(input));
      await expect(complete(await upload("SHA256", [10, 10]))).rejects.toMatchObject({ name: "EntityTooSmall" });
      const good = await upload("SHA256", [5 * 1024 * 1024, 1]);
      const Parts = good.MultipartUpload.Parts;
      const listing = (parts: typeof Parts) => complete({ ...good, MultipartUpload: { Parts: parts } });
      await expect(listing(Parts.toReversed())).rejects.toMatchObject({ name: "InvalidPartOrder" });
      await expect(listing(Parts.map((part) => ({ ...part, ETag: '"0"' })))).rejects.toMatchObject({
        name: "InvalidPart",
      });
      const bare = Parts.map((part) => ({ ...part, ChecksumSHA256: undefined }));
      await expect(listing(bare)).rejects.toMatchObject({ name: "InvalidRequest" });
      await complete(good);
      expect(bucket.get("large")?.etag).toMatch(/^"[0-9a-f]{32}-2"$/);
      await expect(complete(good)).rejects.toMatchObject({ name: "NoSuchUpload" });
    });

    test("completes only if the object's condition still holds", async () => {
      const good = await upload("SHA256", [1]);
      bucket.put("large", "theirs");
      const conditional = new CompleteMultipartUploadCommand({ ...good, IfNoneMatch: "*" });
      await expect(client.send(conditional)).rejects.toMatchObject({ name: "PreconditionFailed" });
      expect(bucket.get("large")?.body.toString()).toBe("theirs");
    });
  });

  test("makes buckets, knows which there are, and names the operation it does not know", async () => {
    await client.send(new CreateBucketCommand({ Bucket: `made-${buckets}` }));
    await client.send(new HeadBucketCommand({ Bucket: `made-${buckets}` }));
    await expect(client.send(new HeadBucketCommand({ Bucket: "none" }))).rejects.toMatchObject({ name: "NotFound" });
    const answer = await fetch(`${server.url}/${bucket.name}/a?acl`);
    expect([answer.status, await answer.text()]).toEqual([501, expect.stringContaining("NotImplemented")]);
  });
});
