import type { IncomingHttpHeaders } from "node:http";

/** A request, its body read to the end; `key` is empty for a request on the bucket. */
export interface S3Request {
  readonly method: string;
  readonly operation: Operation;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** As it came over the wire, aws-chunked framing included. */
  readonly rawBody: Buffer;
}

export interface S3Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

/** An answer in S3's error form. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export class S3Error extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export type Operation =
  | "PutObject"
  | "GetObject"
  | "HeadObject"
  | "DeleteObject"
  | "CreateMultipartUpload"
  | "UploadPart"
  | "CompleteMultipartUpload"
  | "AbortMultipartUpload"
  | "ListObjectsV2"
  | "ListObjectVersions"
  | "HeadBucket"
  | "CreateBucket";

/** The IAM action that allows each operation. */
export const ACTIONS: Readonly<Record<Operation, string>> = {
  PutObject: "s3:PutObject",
  GetObject: "s3:GetObject",
  HeadObject: "s3:GetObject",
  DeleteObject: "s3:DeleteObject",
  CreateMultipartUpload: "s3:PutObject",
  UploadPart: "s3:PutObject",
  CompleteMultipartUpload: "s3:PutObject",
  AbortMultipartUpload: "s3:AbortMultipartUpload",
  ListObjectsV2: "s3:ListBucket",
  ListObjectVersions: "s3:ListBucketVersions",
  HeadBucket: "s3:ListBucket",
  CreateBucket: "s3:CreateBucket",
};

/** Parameters that belong to the operations above; any other (`acl`, `tagging`…) asks for one that is not here. */
const PARAMETERS = new Set([
  "x-id",
  "versionId",
  "partNumber",
  "uploadId",
  "uploads",
  "list-type",
  "prefix",
  "delimiter",
  "max-keys",
  "continuation-token",
  "start-after",
  "encoding-type",
  "fetch-owner",
  "versions",
  "key-marker",
  "version-id-marker",
]);

/** Throws 501 NotImplemented for what this server does not know. */
export function operationOf(method: string, key: string, query: URLSearchParams): Operation {
  const operation = key === "" ? bucketOperation(method, query) : objectOperation(method, query);
  if (operation && [...query.keys()].every((name) => PARAMETERS.has(name))) return operation;
  throw new S3Error(501, "NotImplemented", `${method} with "${query}" is not implemented by this test server`);
}

function bucketOperation(method: string, query: URLSearchParams): Operation | undefined {
  if (method === "PUT") return "CreateBucket";
  if (method === "HEAD") return "HeadBucket";
  if (method === "GET" && query.has("versions")) return "ListObjectVersions";
  return method === "GET" && query.get("list-type") === "2" ? "ListObjectsV2" : undefined;
}

function objectOperation(method: string, query: URLSearchParams): Operation | undefined {
  const isUpload = query.has("uploadId");
  switch (method) {
    case "PUT":
      return isUpload ? "UploadPart" : "PutObject";
    case "GET":
      return isUpload ? undefined : "GetObject";
    case "HEAD":
      return "HeadObject";
    case "DELETE":
      return isUpload ? "AbortMultipartUpload" : "DeleteObject";
    case "POST":
      if (query.has("uploads")) return "CreateMultipartUpload";
      return isUpload ? "CompleteMultipartUpload" : undefined;
    default:
      return undefined;
  }
}

/** A header's single value; empty if it is absent. */
export function header(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}
