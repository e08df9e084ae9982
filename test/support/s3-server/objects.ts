import type { IncomingHttpHeaders } from "node:http";
import { verifiedBody } from "./body.ts";
import { type Bucket, etagOf, type ObjectVersion } from "./bucket.ts";
import { checksumHeader } from "./checksums.ts";
import { header, type S3Answer, S3Error, type S3Request } from "./protocol.ts";

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
export function putObject(bucket: Bucket, request: S3Request): S3Answer {
  const { body, checksum, isProtected } = verifiedBody(request.headers, request.rawBody);
  demandProtection(bucket, isProtected);
  verifyConditions(bucket, request);
  const headers = keptHeaders(request.headers);
  const version = bucket.add(request.key, { body, checksum, etag: etagOf(body), headers });
  return { status: 200, headers: { ...identity(version), ...checksumHeaders(version) } };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html and API_HeadObject.html */
export function getObject(bucket: Bucket, request: S3Request): S3Answer {
  const version = findVersion(bucket, request);
  const isVerifying = header(request.headers, "x-amz-checksum-mode") === "ENABLED";
  const { status, body, range } = rangeOf(version, header(request.headers, "range"));
  const headers = {
    ...version.headers,
    ...identity(version),
    ...(bucket.objectLock ? LOCKED : {}),
    ...(isVerifying && status === 200 ? checksumHeaders(version) : {}),
    ...range,
    "accept-ranges": "bytes",
    "last-modified": version.lastModified.toUTCString(),
    "content-length": String(body.length),
  };
  return { status, headers, body };
}

/** A default retention that does not end, in governance mode. */
const LOCKED = {
  "x-amz-object-lock-mode": "GOVERNANCE",
  "x-amz-object-lock-retain-until-date": "9999-12-31T00:00:00Z",
};

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html */
export function deleteObject(bucket: Bucket, { key, query, headers }: S3Request): S3Answer {
  const versionId = query.get("versionId");
  if (versionId === null) {
    const marker = bucket.remove(key);
    return { status: 204, headers: { "x-amz-delete-marker": "true", "x-amz-version-id": marker.versionId } };
  }
  const version = bucket.versions(key).find((candidate) => candidate.versionId === versionId);
  const bypasses = header(headers, "x-amz-bypass-governance-retention") === "true";
  if (bucket.objectLock && version?.isDeleteMarker === false && !bypasses) {
    throw new S3Error(403, "AccessDenied", "Access Denied because object protected by object lock.");
  }
  bucket.forget(key, versionId);
  return { status: 204, headers: { "x-amz-version-id": versionId } };
}

/** Object Lock takes no object without a checksum (API_PutObject, Content-MD5). */
export function demandProtection(bucket: Bucket, isProtected: boolean): void {
  if (!bucket.objectLock || isProtected) return;
  const message =
    "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters";
  throw new S3Error(400, "InvalidRequest", message);
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html */
export function verifyConditions(bucket: Bucket, { key, headers }: S3Request): void {
  const current = bucket.get(key);
  const ifMatch = header(headers, "if-match");
  if (ifMatch !== "" && current === null) throw new S3Error(404, "NoSuchKey", "The specified key does not exist.");
  const isRefused = header(headers, "if-none-match") === "*" ? current !== null : false;
  const isOther = ifMatch !== "" && unquoted(ifMatch) !== unquoted(current?.etag ?? "");
  if (isRefused || isOther) {
    throw new S3Error(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold");
  }
}

function unquoted(etag: string): string {
  return etag.replaceAll('"', "");
}

export function identity(version: ObjectVersion): Record<string, string> {
  return { etag: version.etag, "x-amz-version-id": version.versionId };
}

export function checksumHeaders({ checksum }: ObjectVersion): Record<string, string> {
  return { [checksumHeader(checksum.algorithm)]: checksum.value, "x-amz-checksum-type": checksum.type };
}

/** What S3 gives back with the object as it was put. */
export function keptHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const names = Object.keys(headers).filter((name) => name === "content-type" || name.startsWith("x-amz-meta-"));
  return Object.fromEntries(names.map((name) => [name, header(headers, name)]));
}

function findVersion(bucket: Bucket, { key, query }: S3Request): ObjectVersion {
  const versionId = query.get("versionId");
  const versions = bucket.versions(key);
  const found = versionId === null ? versions[0] : versions.find((version) => version.versionId === versionId);
  if (found && !found.isDeleteMarker) return found;
  const marker: Record<string, string> = found ? { "x-amz-delete-marker": "true" } : {};
  if (versionId === null) throw new S3Error(404, "NoSuchKey", "The specified key does not exist.", marker);
  if (found)
    throw new S3Error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.", marker);
  throw new S3Error(404, "NoSuchVersion", "The specified version does not exist.");
}

function rangeOf({ body }: ObjectVersion, range: string) {
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
  if (from === "" && to === "") return { status: 200, body, range: {} };
  const start = from === "" ? Math.max(0, body.length - Number(to)) : Number(from);
  const end = from === "" || to === "" ? body.length - 1 : Math.min(Number(to), body.length - 1);
  if (start > end) throw new S3Error(416, "InvalidRange", "The requested range is not satisfiable");
  const told = { "content-range": `bytes ${start}-${end}/${body.length}` };
  return { status: 206, body: body.subarray(start, end + 1), range: told };
}
