import type { Bucket } from "./bucket.ts";
import { accessDenied, type Trouble } from "./faults.ts";
import { listObjects, listVersions } from "./listing.ts";
import { abortMultipartUpload, completeMultipartUpload, createMultipartUpload, uploadPart } from "./multipart.ts";
import { deleteObject, getObject, putObject } from "./objects.ts";
import { header, type Operation, type S3Answer, S3Error, type S3Request } from "./protocol.ts";

export interface S3State {
  readonly buckets: ReadonlyMap<string, Bucket>;
  readonly trouble: Trouble;
  readonly pageSize: number;
  createBucket(name: string, options: { objectLock: boolean }): Bucket;
}

type Handler = (bucket: Bucket, request: S3Request, pageSize: number) => S3Answer;

const HANDLERS: Readonly<Record<Exclude<Operation, "CreateBucket">, Handler>> = {
  PutObject: putObject,
  GetObject: getObject,
  HeadObject: getObject,
  DeleteObject: deleteObject,
  CreateMultipartUpload: createMultipartUpload,
  UploadPart: uploadPart,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
  ListObjectsV2: listObjects,
  ListObjectVersions: listVersions,
  HeadBucket: () => ({ status: 200, headers: { "x-amz-bucket-region": "us-east-1" } }),
};

/** Carries the request out at once, so that no other comes between. Throws `S3Error`. */
export function answerOf(state: S3State, request: S3Request): S3Answer {
  demandSignature(request);
  state.trouble.authorize(request);
  if (request.operation === "CreateBucket") return createBucket(state, request);
  const bucket = state.buckets.get(request.bucket);
  if (!bucket) throw new S3Error(404, "NoSuchBucket", "The specified bucket does not exist");
  try {
    return HANDLERS[request.operation](bucket, request, state.pageSize);
  } catch (error) {
    const isMissing = error instanceof S3Error && error.code === "NoSuchKey";
    throw isMissing && state.trouble.hidesMissing(request) ? accessDenied("s3:ListBucket") : error;
  }
}

function demandSignature({ headers }: S3Request): void {
  const isSigned = header(headers, "authorization").startsWith("AWS4-HMAC-SHA256 ");
  if (!isSigned) throw new S3Error(403, "AccessDenied", "Access Denied");
}

function createBucket(state: S3State, { bucket, headers }: S3Request): S3Answer {
  if (state.buckets.has(bucket)) {
    throw new S3Error(409, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded.");
  }
  state.createBucket(bucket, { objectLock: header(headers, "x-amz-bucket-object-lock-enabled") === "true" });
  return { status: 200, headers: { location: `/${bucket}` } };
}
