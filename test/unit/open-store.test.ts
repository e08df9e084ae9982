import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openStore, parseLocation } from "../../functions/exporter/archive/open-store.ts";
import { systemClock } from "../../functions/exporter/clock.ts";

describe("the location of an archive", () => {
  test.each([
    ["s3://my-bucket/kore/prod", { kind: "s3", bucket: "my-bucket", prefix: "kore/prod" }],
    ["s3://my-bucket/kore/", { kind: "s3", bucket: "my-bucket", prefix: "kore" }],
    ["s3://my.bucket", { kind: "s3", bucket: "my.bucket", prefix: "" }],
    ["s3://my-bucket/", { kind: "s3", bucket: "my-bucket", prefix: "" }],
    ["./archive", { kind: "folder", path: "./archive" }],
    ["/var/lib/s3/archive", { kind: "folder", path: "/var/lib/s3/archive" }],
    ["C:\\archive", { kind: "folder", path: "C:\\archive" }],
  ])("%s is %j", (location, parsed) => {
    expect(parseLocation(location)).toEqual(parsed);
  });

  test.each([
    ["s3://", "names no bucket"],
    ["s3:///prefix", "names no bucket"],
    ["s3://MyBucket/prefix", '"MyBucket".*lower-case'],
    ["s3://my_bucket", "lower-case letters, digits, dots and hyphens"],
    ["s3://ab", "3 to 63 characters"],
    ["s3://a..b", "lower-case letters"],
    ["s3://bucket?versionId=1", "lower-case letters"],
    ["s3://my-bucket/a//b", "an empty part"],
    ["s3://my-bucket/../other", "starts with a dot"],
    ["s3:my-bucket/prefix", "lacks slashes"],
    ["https://my-bucket.s3.amazonaws.com/prefix", "not an address of https://"],
    ["s3a://my-bucket", "not an address of s3a://"],
    ["file:///var/archive", "not an address of file://"],
    ["  ", "is empty"],
  ])("%j is refused with a sentence that says why", (location, reason) => {
    expect(() => parseLocation(location)).toThrow(
      expect.objectContaining({ code: "ERR_SETTINGS", message: expect.stringMatching(reason) }),
    );
  });

  test("is not repeated when it may hold a password", () => {
    expect(() => parseLocation("https://user:hunter2@host/archive")).toThrow(/^(?!.*hunter2)/);
  });
});

describe("opening an archive", () => {
  test("gives a store of the location's kind, and nothing else happens yet", async () => {
    const folder = await openStore("/no/such/place", { clock: systemClock });
    expect([folder.location, folder.excludesOthers]).toEqual(["/no/such/place", true]);
    const bucket = await openStore("s3://my-bucket/kore/", { clock: systemClock });
    expect([bucket.location, bucket.excludesOthers]).toEqual(["s3://my-bucket/kore", false]);
    bucket.close();
  });

  test.each([
    ["a folder does not load the AWS SDK", "archive", "node:sqlite", "@aws-sdk/client-s3"],
    ["a bucket does not load SQLite", "s3://my-bucket", "@aws-sdk/client-s3", "node:sqlite"],
  ])("of %s", (_title, location, loaded, left) => {
    const folder = mkdtempSync(join(tmpdir(), "open-store-"));
    try {
      const specifiers = loadedBy(location, folder);
      expect(specifiers).toContain(loaded);
      expect(specifiers).not.toContain(left);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** What a fresh process imports when it opens the archive. */
function loadedBy(location: string, cwd: string): string[] {
  const module = new URL("../../functions/exporter/archive/open-store.ts", import.meta.url).href;
  const script = `
    const { registerHooks } = require("node:module");
    registerHooks({ resolve(specifier, context, next) { console.log(specifier); return next(specifier, context); } });
    import("${module}").then(({ openStore }) => openStore("${location}", { clock: {} })).then((store) => store.close());`;
  return execFileSync(process.execPath, ["-e", script], { cwd, encoding: "utf8" }).split("\n");
}
