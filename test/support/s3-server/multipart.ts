import { createHash } from "node:crypto";
import { verifiedBody } from "./body.ts";
import { type Bucket, etagOf, type MultipartUpload } from "./bucket.ts";
import { type ChecksumAlgorithm, compositeChecksum, isChecksumAlgorithm } from "./checksums.ts";
import { checksumHeaders, demandProtection, identity, keptHeaders, verifyConditions } from "./objects.ts";
import { header, type S3Answer, S3Error, type S3Request } from "./protocol.ts";
import { type CompletedPart, parseCompletedParts, xmlAnswer } from "./xml.ts";

const MIN_PART_BYTES = 5 * 1024 * 1024;
type Part = NonNullable<ReturnType<MultipartUpload["parts"]["get"]>>;

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html */
export function createMultipartUpload(bucket: Bucket, { key, headers }: S3Request): S3Answer {
  const named = header(headers, "x-amz-checksum-algorithm").toUpperCase();
  const algorithm = isChecksumAlgorithm(named) ? named : undefined;
  const uploadId = bucket.nextId();
  bucket.uploads.set(uploadId, { key, algorithm, headers: keptHeaders(headers), parts: new Map() });
  const told: Record<string, string> = algorithm
    ? { "x-amz-checksum-algorithm": algorithm, "x-amz-checksum-type": "COMPOSITE" }
    : {};
  return xmlAnswer("InitiateMultipartUploadResult", { Bucket: bucket.name, Key: key, UploadId: uploadId }, told);
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html */
export function uploadPart(bucket: Bucket, request: S3Request): S3Answer {
  const { upload } = uploadOf(bucket, request);
  const { body, checksum, isProtected } = verifiedBody(request.headers, request.rawBody);
  demandProtection(bucket, isProtected);
  if (upload.algorithm && checksum.algorithm !== upload.algorithm) {
    throw new S3Error(
      400,
      "InvalidRequest",
      "Checksum Type mismatch occurred: the part has not the upload's checksum.",
    );
  }
  const etag = etagOf(body);
  upload.parts.set(Number(request.query.get("partNumber")), { body, etag, checksum });
  return { status: 200, headers: { etag, [`x-amz-checksum-${checksum.algorithm.toLowerCase()}`]: checksum.value } };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
export function completeMultipartUpload(bucket: Bucket, request: S3Request): S3Answer {
  const { upload, uploadId } = uploadOf(bucket, request);
  verifyConditions(bucket, request);
  const listed = parseCompletedParts(request.rawBody);
  if (listed.some((part, index) => part.partNumber <= (listed[index - 1]?.partNumber ?? 0))) {
    throw new S3Error(400, "InvalidPartOrder", "The list of parts was not in ascending order.");
  }
  const parts = listed.map((part) => verifiedPart(upload, part));
  if (parts.slice(0, -1).some((part) => part.body.length < MIN_PART_BYTES)) {
    throw new S3Error(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size");
  }
  bucket.uploads.delete(uploadId);
  const algorithm = upload.algorithm ?? "CRC64NVME";
  const version = bucket.add(upload.key, {
    body: Buffer.concat(parts.map((part) => part.body)),
    etag: etagOfParts(parts),
    checksum: compositeChecksum(
      algorithm,
      parts.map((part) => part.checksum.value),
    ),
    headers: upload.headers,
  });
  const told = { Bucket: bucket.name, Key: upload.key, ETag: version.etag, ...checksumElements(version.checksum) };
  return xmlAnswer("CompleteMultipartUploadResult", told, { ...identity(version), ...checksumHeaders(version) });
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html */
export function abortMultipartUpload(bucket: Bucket, request: S3Request): S3Answer {
  bucket.uploads.delete(uploadOf(bucket, request).uploadId);
  return { status: 204 };
}

function uploadOf(bucket: Bucket, { key, query }: S3Request): { upload: MultipartUpload; uploadId: string } {
  const uploadId = query.get("uploadId") ?? "";
  const upload = bucket.uploads.get(uploadId);
  if (upload?.key === key) return { upload, uploadId };
  throw new S3Error(404, "NoSuchUpload", "The specified upload does not exist.");
}

function verifiedPart(upload: MultipartUpload, listed: CompletedPart): Part {
  const part = upload.parts.get(listed.partNumber);
  if (part?.etag !== `"${listed.etag}"`) {
    throw new S3Error(400, "InvalidPart", "One or more of the specified parts could not be found.");
  }
  const told = listed.told[checksumElement(part.checksum.algorithm)];
  if (upload.algorithm && told === undefined) {
    const demand = `The upload was created using a ${upload.algorithm.toLowerCase()} checksum.`;
    throw new S3Error(400, "InvalidRequest", `${demand} The complete request must include the checksum for each part.`);
  }
  if (told !== undefined && told !== part.checksum.value) {
    throw new S3Error(400, "InvalidPart", "One or more of the specified parts has another checksum.");
  }
  return part;
}

function checksumElement(algorithm: ChecksumAlgorithm): string {
  return `Checksum${algorithm}`;
}

function checksumElements({ algorithm, value, type }: { algorithm: ChecksumAlgorithm; value: string; type: string }) {
  return { [checksumElement(algorithm)]: value, ChecksumType: type };
}

function etagOfParts(parts: readonly Part[]): string {
  const hash = createHash("md5");
  for (const { etag } of parts) hash.update(Buffer.from(etag.replaceAll('"', ""), "hex"));
  return `"${hash.digest("hex")}-${parts.length}"`;
}
