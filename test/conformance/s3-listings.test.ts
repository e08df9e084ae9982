import { S3Client } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isKey } from "../../functions/exporter/archive/key.ts";
import { S3Store } from "../../functions/exporter/archive/s3-store.ts";
import type { Bucket } from "../support/s3-server/bucket.ts";
import { NO_LISTINGS } from "../support/s3-server/no-listings.ts";
import { type S3Server, startS3Server } from "../support/s3-server/server.ts";

let server: S3Server;
let client: S3Client;
let bucket: Bucket;
let store: S3Store;
beforeEach(async () => {
  server = await startS3Server({ pageSize: 2 });
  bucket = server.createBucket("archive");
  client = new S3Client(server.clientSettings);
  store = new S3Store(bucket.name, "kore", { client });
});
afterEach(async () => {
  client.destroy();
  await server.close();
});

const listings = [
  { what: "objects", operation: "ListObjectsV2", list: () => keysOf() },
  { what: "versions", operation: "ListObjectVersions", list: () => versionedKeys() },
] as const;
const firstPages = [
  { what: "whether it is writable", operation: "ListObjectsV2", list: () => store.checkWritable() },
  { what: "whether versions may be listed", operation: "ListObjectVersions", list: () => store.history.mayList() },
] as const;

const keysOf = () =>
  Array.fromAsync(store.list("exports/"), (listed) => (listed.kind === "object" ? listed.key : listed.name));
const versionedKeys = () => Array.fromAsync(store.history.list("exports/"), ({ key }) => key);

const UNREACHABLE = "ERR_ARCHIVE_UNREACHABLE";
const always = { times: Number.POSITIVE_INFINITY };

describe.each([...listings, ...firstPages])("asked for $what", ({ operation, list }) => {
  beforeEach(() => void bucket.put("kore/exports/a", "x"));

  test.each(Object.entries(NO_LISTINGS))("asks again after %s, and gives up in the end", async (_name, body) => {
    server.fail({ operation, ...always, how: { body } });
    await expect(list()).rejects.toMatchObject({
      code: UNREACHABLE,
      message: expect.stringMatching(
        /^s3:ListBucket(Versions)? on s3:\/\/archive\/kore\/.* status 200 and something that is no listing: .*proxy/,
      ),
    });
    expect(server.requests).toHaveLength(3);
  });

  test("takes the listing that comes at last", async () => {
    const undisturbed = await list();
    server.fail({ operation, times: 2, how: { body: "" } });
    expect(await list()).toEqual(undisturbed);
    expect(server.requests).toHaveLength(1 + 3);
  });
});

describe.each(listings)("a listing of $what", ({ operation, list }) => {
  beforeEach(() => {
    for (const name of ["a", "b", "c", "d", "e"]) bucket.put(`kore/exports/${name}`, "x");
  });

  async function failureOf(rewrite: (body: string) => string): Promise<unknown> {
    server.fail({ operation, ...always, how: { rewrite } });
    return list().catch((error: unknown) => error);
  }

  test.each([
    ["without its bucket", /<Name>.*<\/Name>/, "", "it lacks Name"],
    ["with an empty name of its bucket", /<Name>.*<\/Name>/, "<Name/>", "it lacks Name"],
    ["without its count", /<(KeyCount|MaxKeys)>\d+<.*?>/g, "", /it lacks (KeyCount|MaxKeys)/],
    ["with a count that is no number", /<(KeyCount|MaxKeys)>\d+</g, "<$1>many<", /it lacks (KeyCount|MaxKeys)/],
    ["that does not say whether it is truncated", /<IsTruncated>.*<\/IsTruncated>/, "", "it lacks IsTruncated"],
    [
      "that does not say how to go on",
      /<Next\w+>.*?<\/Next\w+>/g,
      "",
      "it is truncated, and does not say how to go on",
    ],
    ["with an entry without a key", /<Key>.*?<\/Key>/, "", "an entry without a key"],
    ["with a key that was not asked for", /<Key>kore\/exports/, "<Key>kore/sessions", "one that was not asked for"],
    ["that breaks off", /<IsTruncated>.*/s, "", "it cannot be read"],
  ])("%s is none", async (_name, pattern, by, why) => {
    const message = expect.stringMatching(why);
    expect(await failureOf((body) => body.replace(pattern, by))).toMatchObject({ code: UNREACHABLE, message });
  });

  test("that leads in a circle is none", async () => {
    const pages: string[] = [];
    const circle = (body: string) => pages[(pages.push(body) - 1) % 2] ?? body;
    const message = expect.stringContaining("goes on where it has been before");
    expect(await failureOf(circle)).toMatchObject({ code: UNREACHABLE, message });
  });

  test("has every name as it is, on however many pages", async () => {
    const odd = ["\u0001", "\t", "\n", "\r\n", "\\", "\u007f", "\uffff", " + %2B&<>\"'", "é😀/", ".~(!)*"];
    for (const name of odd) bucket.put(`kore/exports/${name}`, "x");
    expect(await list()).toEqual(bucket.keys().map((key) => key.slice("kore/".length)));
  });

  test("has names that are not encoded, of a service that does not know how to", async () => {
    bucket.put("kore/exports/f+%41", "x");
    server.fail({ operation, ...always, how: { rewrite: unencoded } });
    expect(await list()).toContain("exports/f+%41");
  });

  test("has names that are no UTF-8, as what no key of an archive is", async () => {
    const rewrite = (body: string) => body.replace("exports/c<", "exports/%C3%A9%FF%FEc<");
    server.fail({ operation, ...always, how: { rewrite } });
    expect((await list()).filter((name) => !isKey(name))).toEqual(["exports/\\xC3\\xA9\\xFF\\xFEc"]);
  });
});

test("a listing of objects that counts more keys than it names is none", async () => {
  bucket.put("kore/exports/a", "x");
  const rewrite = (body: string) => body.replace(/<Contents>.*<\/Contents>/, "");
  server.fail({ ...always, how: { rewrite } });
  await expect(keysOf()).rejects.toThrow("it counts 1 keys and names 0");
});

/** The answer as a service gives it that does not encode names. */
function unencoded(body: string): string {
  return body
    .replace("<EncodingType>url</EncodingType>", "")
    .replace(/(?<=<(Key|NextKeyMarker)>)[^<]*/g, (key) => decodeURIComponent(key.replaceAll("+", " ")));
}
