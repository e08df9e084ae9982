import { ExporterError } from "../errors.ts";
import { NoListing } from "./s3-listings.ts";

/** What the AWS SDK tells about a request that failed, as far as it tells it. */
interface Failure {
  readonly name: string;
  readonly message: string;
  /** HTTP status of the last answer; 0 if there was none. */
  readonly status: number;
  /** How many times the request was sent. */
  readonly attempts: number;
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: "Error", message: String(error), status: 0, attempts: 1 };
  const told = "$metadata" in error ? (error.$metadata as { httpStatusCode?: number; attempts?: number }) : {};
  return {
    name: error.name,
    message: error.message.replace(/\.$/, ""),
    status: told.httpStatusCode ?? 0,
    attempts: told.attempts ?? 1,
  };
}

/** True if the object is not there. An answer without a body (HEAD) cannot tell that from a missing bucket. */
export function isMissingObject(error: unknown): boolean {
  const { name, status } = failureOf(error);
  return status === 404 && name !== "NoSuchBucket" && name !== "NoSuchUpload";
}

/** True if the multipart upload is over: aborted, or completed by an earlier attempt. */
export function isFinishedUpload(error: unknown): boolean {
  return failureOf(error).name === "NoSuchUpload";
}

/**
 * True if the condition of a conditional put did not hold: 412 PreconditionFailed, 409 ConditionalRequestConflict, or
 * 404 NoSuchKey for If-Match (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
 */
export function isLostCondition(error: unknown): boolean {
  const { status } = failureOf(error);
  return status === 412 || status === 409 || isMissingObject(error);
}

/** True if an earlier attempt of this request may have taken effect without its answer reaching us. */
export function wasRetried(error: unknown): boolean {
  return failureOf(error).attempts > 1;
}

/** True if the credentials are good, and do not allow the request. */
export function isDenied(error: unknown): boolean {
  const { name, status } = failureOf(error);
  return status === 403 && !/Signature|AccessKey|Token|TimeTooSkewed/.test(name);
}

/** Why a request failed, in a sentence that names the permission to give if it was forbidden. */
export function reasonOf(error: unknown, action: string): string {
  const { name, message } = failureOf(error);
  if (error instanceof NoListing) {
    return `${message}. Check whether a proxy, or a service that speaks S3, stands in between, then run again`;
  }
  if (!isDenied(error)) {
    const what = name === "Error" ? message : `${name}: ${message}`;
    return `${what}. Check the bucket's name, AWS_REGION, the AWS credentials and the network, then run again`;
  }
  const told = message === "UnknownError" ? "AWS gave no reason" : message;
  const listing = "s3:ListBucket on the bucket";
  if (action === "s3:ListBucket") return `access denied (${told}). Allow ${listing}`;
  return (
    `access denied (${told}). Allow ${action} on it, ${listing} (without it, an object that does not exist looks ` +
    "forbidden too), and the use of its KMS key if it has one"
  );
}

/** The failure of an action (`s3:GetObject`) on an object or prefix (`s3://…`); one of our own errors stays so. */
export function unreachable(action: string, address: string, error: unknown): ExporterError {
  if (error instanceof ExporterError) return error;
  const message = `${action} on ${address} failed: ${reasonOf(error, action)}.`;
  return new ExporterError("ERR_ARCHIVE_UNREACHABLE", message, { cause: error });
}
