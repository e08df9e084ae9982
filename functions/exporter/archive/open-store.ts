import type { Clock } from "../clock.ts";
import { SettingsError } from "../errors.ts";
import { isKey } from "./key.ts";
import type { S3Client } from "./s3-store.ts";
import type { ArchiveStore } from "./store.ts";

/** Where an archive lives, taken apart. */
export type ArchiveLocation =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "s3"; readonly bucket: string; readonly prefix: string };

/** What a store is given: `s3Client` replaces the client made from the AWS variables, and stays its owner's to close. */
export interface StoreParts {
  readonly clock: Clock;
  readonly s3Client?: S3Client;
}

/**
 * Opens the archive at a location: `s3://bucket/prefix`, or the path of a folder. Nothing is read or written yet.
 * Throws `SettingsError` as `parseLocation` does. Loads only the parts that this kind of archive needs.
 */
export async function openStore(location: string, { clock, s3Client }: StoreParts): Promise<ArchiveStore> {
  const parsed = parseLocation(location);
  if (parsed.kind === "folder") {
    const { FolderStore } = await import("./folder-store.ts");
    return new FolderStore(parsed.path, clock);
  }
  const { S3Store } = await import("./s3-store.ts");
  return new S3Store(parsed.bucket, parsed.prefix, s3Client ? { client: s3Client } : {});
}

/**
 * Takes a location apart. Throws `SettingsError` for another scheme than `s3://`, a name that no bucket can have
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html), or an unusable prefix.
 */
export function parseLocation(location: string): ArchiveLocation {
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(location) ?? [];
  if (scheme === "s3" && rest !== undefined) return parseBucketAndPrefix(location, rest);
  if (scheme !== undefined) {
    // The rest is not repeated: a URL can hold a password.
    throw new SettingsError([`an archive is a folder's path or s3://bucket/prefix, not an address of ${scheme}://.`]);
  }
  if (location.startsWith("s3:")) throw wrong(location, "lacks slashes: write s3://bucket/prefix");
  if (location.trim() === "") throw wrong(location, "is empty; give a folder's path or s3://bucket/prefix");
  return { kind: "folder", path: location };
}

function parseBucketAndPrefix(location: string, rest: string): ArchiveLocation {
  const [bucket = "", ...segments] = rest.split("/");
  if (bucket === "") throw wrong(location, "names no bucket: write s3://bucket/prefix");
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) || bucket.includes("..")) {
    throw wrong(
      location,
      `names the bucket ${JSON.stringify(withoutPassword(bucket))}; a bucket's name has 3 to 63 characters: lower-case letters, digits, dots and hyphens`,
    );
  }
  const prefix = segments.join("/").replace(/\/$/, "");
  if (prefix !== "" && !isKey(prefix)) {
    throw wrong(
      location,
      "has a prefix with an empty part, a part that starts with a dot, or a character out of place",
    );
  }
  return { kind: "s3", bucket, prefix };
}

function wrong(location: string, problem: string): SettingsError {
  return new SettingsError([`the archive ${JSON.stringify(withoutPassword(location))} ${problem}.`]);
}

/** What stands before an @ may be a password. */
function withoutPassword(text: string): string {
  return text.replace(/[^/]*@/, "…@");
}
