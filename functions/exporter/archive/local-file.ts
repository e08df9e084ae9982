import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { ExporterError } from "../errors.ts";
import type { LocalFile } from "./store.ts";

const CHUNK_BYTES = 1024 * 1024;

/**
 * The file's bytes in chunks. Throws `ERR_ARCHIVE_UNREACHABLE` at the end if they were not those that `file` promises:
 * what was hashed for the ledger and what was read are then not the same, and the writer must not put it in place.
 */
export async function* promisedBytes(file: LocalFile): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(file.path, { highWaterMark: CHUNK_BYTES })) {
    hash.update(chunk);
    bytes += chunk.length;
    yield chunk;
  }
  if (bytes !== file.bytes || hash.digest("hex") !== file.sha256) {
    throw new ExporterError(
      "ERR_ARCHIVE_UNREACHABLE",
      `${file.path} was changed before it was archived, and was not put in the archive. Export its day again.`,
    );
  }
}

/** SHA-256 of a file, or of its bytes `start` to `end` (both inclusive). Rejects as `createReadStream` does. */
export async function sha256OfFile(path: string, range: { start?: number; end?: number } = {}): Promise<Buffer> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES, ...range })) hash.update(chunk);
  return hash.digest();
}

/** SHA-256, in lower-case hexadecimal, of bytes that come piece by piece. */
export async function hashOf(pieces: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}

/** A file as it lies on this machine. Rejects as `createReadStream` does. */
export async function localFile(path: string): Promise<LocalFile> {
  return { path, bytes: (await stat(path)).size, sha256: (await sha256OfFile(path)).toString("hex") };
}

/**
 * The checksum that S3 gives a file sent in parts of `partBytes`: base64 of the SHA-256 of the parts' SHA-256s, then
 * the number of parts (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html).
 */
export async function compositeSha256(file: LocalFile, partBytes: number): Promise<string> {
  const whole = createHash("sha256");
  let parts = 0;
  for (let start = 0; start < file.bytes; start += partBytes) {
    whole.update(await sha256OfFile(file.path, { start, end: start + partBytes - 1 }));
    parts += 1;
  }
  return `${whole.digest("base64")}-${parts}`;
}
