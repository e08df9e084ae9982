import type { Bucket, ObjectVersion } from "./bucket.ts";
import { type S3Answer, S3Error, type S3Request } from "./protocol.ts";
import { type XmlElement, xmlAnswer } from "./xml.ts";

/** An entry of a listing: an object, or all keys that share a prefix up to the delimiter. */
type Entry = { readonly key: string; readonly isPrefix: boolean };

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export function listObjects(bucket: Bucket, { query }: S3Request, pageSize: number): S3Answer {
  const prefix = query.get("prefix") ?? "";
  const token = query.get("continuation-token");
  const after = token === null ? (query.get("start-after") ?? "") : decodeToken(token);
  const maxKeys = Math.min(Number(query.get("max-keys") ?? 1000), pageSize);
  const entries = entriesOf(bucket, prefix, query.get("delimiter") ?? "").filter((entry) => isAfter(entry.key, after));
  const page = entries.slice(0, maxKeys);
  const encode = encoderOf(query);
  const last = page.at(-1);
  const isTruncated = entries.length > page.length;
  return xmlAnswer("ListBucketResult", {
    Name: bucket.name,
    Prefix: encode(prefix),
    KeyCount: page.length,
    MaxKeys: maxKeys,
    EncodingType: query.get("encoding-type") ?? undefined,
    IsTruncated: isTruncated,
    ContinuationToken: token ?? undefined,
    NextContinuationToken: isTruncated && last ? encodeToken(last.key) : undefined,
    Contents: page.flatMap((entry) => contentsOf(bucket, entry, encode)),
    CommonPrefixes: page.filter((entry) => entry.isPrefix).map((entry) => ({ Prefix: encode(entry.key) })),
  });
}

function entriesOf(bucket: Bucket, prefix: string, delimiter: string): Entry[] {
  const prefixes = new Set<string>();
  return bucket.keys().flatMap((key): Entry[] => {
    if (!key.startsWith(prefix)) return [];
    const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    if (end < 0) return [{ key, isPrefix: false }];
    const shared = key.slice(0, end + delimiter.length);
    if (prefixes.has(shared)) return [];
    prefixes.add(shared);
    return [{ key: shared, isPrefix: true }];
  });
}

function contentsOf(bucket: Bucket, entry: Entry, encode: (key: string) => string): XmlElement[] {
  const version = entry.isPrefix ? null : bucket.get(entry.key);
  return version ? [{ Key: encode(entry.key), ...described(version), StorageClass: "STANDARD" }] : [];
}

function described(version: ObjectVersion): XmlElement {
  return {
    LastModified: version.lastModified.toISOString(),
    ETag: version.etag,
    ChecksumAlgorithm: version.checksum.algorithm,
    ChecksumType: version.checksum.type,
    Size: version.body.length,
  };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html, in pages of whole keys. */
export function listVersions(bucket: Bucket, { query }: S3Request, pageSize: number): S3Answer {
  const prefix = query.get("prefix") ?? "";
  const marker = query.get("key-marker") ?? "";
  const maxKeys = Math.min(Number(query.get("max-keys") ?? 1000), pageSize);
  const keys = bucket.allKeys().filter((key) => key.startsWith(prefix) && isAfter(key, marker));
  const page = keys.slice(0, maxKeys);
  const encode = encoderOf(query);
  const isTruncated = keys.length > page.length;
  const last = page.at(-1);
  const all = page.flatMap((key) => bucket.versions(key).map((version, index) => ({ version, IsLatest: index === 0 })));
  const element = ({ version, IsLatest }: (typeof all)[number]): XmlElement => ({
    Key: encode(version.key),
    VersionId: version.versionId,
    IsLatest,
    ...(version.isDeleteMarker ? { LastModified: version.lastModified.toISOString() } : described(version)),
  });
  return xmlAnswer("ListVersionsResult", {
    Name: bucket.name,
    Prefix: encode(prefix),
    KeyMarker: encode(marker),
    MaxKeys: maxKeys,
    EncodingType: query.get("encoding-type") ?? undefined,
    IsTruncated: isTruncated,
    NextKeyMarker: isTruncated && last !== undefined ? encode(last) : undefined,
    Version: all.filter(({ version }) => !version.isDeleteMarker).map(element),
    DeleteMarker: all.filter(({ version }) => version.isDeleteMarker).map(element),
  });
}

function isAfter(key: string, marker: string): boolean {
  return Buffer.compare(Buffer.from(key), Buffer.from(marker)) > 0;
}

/** What XML 1.0 cannot carry, not even as a reference (https://www.w3.org/TR/xml/#charsets). */
const NO_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** As S3 encodes keys, if it is asked to; if not, as MinIO answers for characters that XML cannot carry. */
function encoderOf(query: URLSearchParams): (key: string) => string {
  if (query.get("encoding-type") !== "url") return (key) => key.replace(NO_XML, "\ufffd");
  return (key) =>
    encodeURIComponent(key)
      .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
      .replaceAll("%2F", "/")
      .replaceAll("%20", "+");
}

function encodeToken(key: string): string {
  return Buffer.from(`after ${key}`).toString("base64");
}

function decodeToken(token: string): string {
  const text = Buffer.from(token, "base64").toString();
  if (!text.startsWith("after ")) {
    throw new S3Error(400, "InvalidArgument", "The continuation token provided is incorrect");
  }
  return text.slice("after ".length);
}
