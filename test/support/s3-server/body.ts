import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import {
  CHECKSUM_ALGORITHMS,
  type Checksum,
  type ChecksumAlgorithm,
  checksumHeader,
  checksumOf,
  isChecksumAlgorithm,
} from "./checksums.ts";
import { header, S3Error } from "./protocol.ts";

export interface VerifiedBody {
  readonly body: Buffer;
  /** The checksum the client sent and that was found right, or S3's own, where it sent none. */
  readonly checksum: Checksum;
  /** True if the client sent a checksum or a Content-MD5: what Object Lock demands. */
  readonly isProtected: boolean;
}

type Trailers = ReadonlyMap<string, string>;

/**
 * The payload of a put, its framing removed, its length and every hash that came with it verified.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
export function verifiedBody(headers: IncomingHttpHeaders, rawBody: Buffer): VerifiedBody {
  const isChunked = header(headers, "x-amz-content-sha256").startsWith("STREAMING-");
  const { body, trailers } = isChunked ? unchunk(rawBody) : { body: rawBody, trailers: new Map<string, string>() };
  verifyLength(headers, body, isChunked);
  verifyTrailersCame(headers, trailers);
  verifyContentSha256(headers, body);
  verifyContentMd5(headers, body);
  const sent = sentChecksum(headers, trailers);
  if (sent && checksumOf(sent.algorithm, body) !== sent.value) {
    throw new S3Error(400, "BadDigest", `The ${sent.algorithm} you specified did not match the calculated checksum.`);
  }
  return {
    body,
    checksum: sent ?? { algorithm: "CRC64NVME", value: checksumOf("CRC64NVME", body), type: "FULL_OBJECT" },
    isProtected: sent !== undefined || headers["content-md5"] !== undefined,
  };
}

/** Takes apart `size[;chunk-signature=…]\r\n bytes \r\n … 0\r\n trailers \r\n`. */
function unchunk(raw: Buffer): { body: Buffer; trailers: Trailers } {
  const chunks: Buffer[] = [];
  let position = 0;
  const line = () => {
    const end = raw.indexOf("\r\n", position);
    if (end < 0) throw new S3Error(400, "IncompleteBody", "The request body terminated unexpectedly.");
    const text = raw.toString("latin1", position, end);
    position = end + 2;
    return text;
  };
  for (let size = chunkSize(line()); size > 0; size = chunkSize(line())) {
    chunks.push(raw.subarray(position, position + size));
    position += size;
    if (line() !== "") throw new S3Error(400, "InvalidChunkSizeError", "A chunk is longer than it says.");
  }
  const trailers = new Map<string, string>();
  while (position < raw.length) {
    const [, name, value] = /^([^:]+):(.*)$/.exec(line()) ?? [];
    if (name !== undefined) trailers.set(name.toLowerCase().trim(), (value ?? "").trim());
  }
  return { body: Buffer.concat(chunks), trailers };
}

function chunkSize(line: string): number {
  const size = Number.parseInt(line, 16);
  if (Number.isNaN(size)) throw new S3Error(400, "InvalidChunkSizeError", `"${line}" is not the size of a chunk.`);
  return size;
}

function verifyLength(headers: IncomingHttpHeaders, body: Buffer, isChunked: boolean): void {
  const told = header(headers, isChunked ? "x-amz-decoded-content-length" : "content-length");
  if (told === "") throw new S3Error(411, "MissingContentLength", "You must provide the Content-Length HTTP header.");
  if (Number(told) !== body.length) {
    throw new S3Error(400, "IncompleteBody", "You did not provide the number of bytes specified by Content-Length.");
  }
}

function verifyTrailersCame(headers: IncomingHttpHeaders, trailers: Trailers): void {
  const promised = header(headers, "x-amz-trailer").split(",").filter(Boolean);
  if (promised.some((name) => !trailers.has(name.trim().toLowerCase()))) {
    throw new S3Error(400, "MalformedTrailerError", "The request contained trailing data that was not well-formed.");
  }
}

function verifyContentSha256(headers: IncomingHttpHeaders, body: Buffer): void {
  const told = header(headers, "x-amz-content-sha256");
  if (told === "") throw new S3Error(400, "InvalidRequest", "Missing required header: x-amz-content-sha256");
  const isHash = /^[0-9a-f]{64}$/.test(told);
  if (isHash && createHash("sha256").update(body).digest("hex") !== told) {
    throw new S3Error(400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' does not match.");
  }
}

function verifyContentMd5(headers: IncomingHttpHeaders, body: Buffer): void {
  const told = header(headers, "content-md5");
  if (told !== "" && createHash("md5").update(body).digest("base64") !== told) {
    throw new S3Error(400, "BadDigest", "The Content-MD5 you specified did not match what we received.");
  }
}

function sentChecksum(headers: IncomingHttpHeaders, trailers: Trailers): Checksum | undefined {
  const sent = CHECKSUM_ALGORITHMS.flatMap((algorithm): Checksum[] => {
    const name = checksumHeader(algorithm);
    const value = header(headers, name) || trailers.get(name);
    return value ? [{ algorithm, value, type: "FULL_OBJECT" }] : [];
  });
  if (sent.length > 1)
    throw invalid("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.");
  const named = namedAlgorithm(headers);
  if (named !== undefined && sent[0]?.algorithm !== named) {
    throw invalid(
      "x-amz-sdk-checksum-algorithm specified, but no corresponding checksum or trailer headers were found.",
    );
  }
  return sent[0];
}

function namedAlgorithm(headers: IncomingHttpHeaders): ChecksumAlgorithm | undefined {
  const name = header(headers, "x-amz-sdk-checksum-algorithm").toUpperCase();
  if (name === "") return undefined;
  if (isChecksumAlgorithm(name)) return name;
  throw invalid(`This test server does not know the checksum algorithm ${name}.`);
}

function invalid(message: string): S3Error {
  return new S3Error(400, "InvalidRequest", message);
}
