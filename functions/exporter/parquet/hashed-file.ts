import { createHash } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { ExporterError } from "../errors.ts";

/** A new local file whose SHA-256 is computed while it is written. */
export class HashedFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #hash = createHash("sha256");
  #bytes = 0;
  #written: Promise<void> = Promise.resolve();

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** Opens the file, empty. Throws `ERR_SCRATCH_NOT_WRITABLE`. */
  static async create(path: string): Promise<HashedFile> {
    const handle = await open(path, "w").catch((cause: unknown) => fail(path, cause));
    return new HashedFile(path, handle);
  }

  /**
   * Appends in the order of the calls; resolves when the bytes are with the operating system. After a failure every
   * later call rejects too, so a caller may leave a promise unawaited, as parquetjs-lite does with the file's header.
   */
  append(bytes: Buffer): Promise<void> {
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
    const written = this.#written.then(() =>
      this.#handle.appendFile(bytes).catch((cause: unknown) => fail(this.#path, cause)),
    );
    written.catch(() => {});
    this.#written = written;
    return written;
  }

  /** Closes the file. Throws `ERR_SCRATCH_NOT_WRITABLE` if anything could not be written. */
  async finish(): Promise<{ readonly bytes: number; readonly sha256: string }> {
    await this.#written;
    await this.#handle.close().catch((cause: unknown) => fail(this.#path, cause));
    return { bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }

  /** Closes and removes the file, after a failure. */
  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await rm(this.#path, { force: true }).catch(() => {});
  }
}

function fail(path: string, cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new ExporterError(
    "ERR_SCRATCH_NOT_WRITABLE",
    `The temporary file ${path} could not be written: ${reason}. Give that folder free space and write permission, then run again.`,
    { cause },
  );
}
