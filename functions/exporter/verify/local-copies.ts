import { rm } from "node:fs/promises";
import { join } from "node:path";
import { withRegular } from "../archive/folder-files.ts";
import { checkedKey } from "../archive/key.ts";
import { hashOf } from "../archive/local-file.ts";
import { parseLocation } from "../archive/open-store.ts";
import type { ArchiveStore } from "../archive/store.ts";
import { ExporterError } from "../errors.ts";

/** An object of the archive as a file of this machine. */
export interface LocalCopy {
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/** A copy, or that the object was too large to be looked into. */
export type Sized = LocalCopy | { readonly isTooLarge: true };

/** Makes an archive's objects readable as files: those of a folder where they lie, those of a bucket as copies. */
export class LocalCopies {
  readonly #store: ArchiveStore;
  readonly #scratch: string;
  readonly #folder: string | null;
  readonly #signal: AbortSignal | undefined;
  #made = 0;

  /** `scratch` is a folder for copies; `location` is that of the store. */
  constructor(store: ArchiveStore, location: string, scratch: string, signal?: AbortSignal) {
    const parsed = parseLocation(location);
    this.#store = store;
    this.#scratch = scratch;
    this.#folder = parsed.kind === "folder" ? parsed.path : null;
    this.#signal = signal;
  }

  /**
   * Takes the object, hashed; null where there is none. One of more than `mostBytes` is not read. What is not in a folder
   * has to be released.
   */
  async take(key: string, mostBytes: number): Promise<Sized | null> {
    try {
      const path = this.#folder === null ? await this.#download(key, mostBytes) : join(this.#folder, checkedKey(key));
      return await withRegular(path, async (pieces, bytes): Promise<Sized> => {
        return bytes > mostBytes
          ? { isTooLarge: true }
          : { path, bytes, sha256: await hashOf(this.#interruptible(pieces)) };
      });
    } catch (error) {
      if (!(error instanceof ExporterError)) throw error;
      if (error.code === "ERR_ARCHIVE_OBJECT_MISSING") return null;
      if (error.code === "ERR_ARCHIVE_OBJECT_TOO_LARGE") return { isTooLarge: true };
      throw error;
    }
  }

  /** Removes the copy. Never touches the archive. */
  async release({ path }: LocalCopy): Promise<void> {
    if (this.#folder === null) await rm(path, { force: true });
  }

  async *#interruptible(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      this.#signal?.throwIfAborted();
      yield piece;
    }
  }

  async #download(key: string, mostBytes: number): Promise<string> {
    this.#made += 1;
    const path = join(this.#scratch, `copy-${this.#made}`);
    await this.#store.download(key, path, mostBytes);
    return path;
  }
}
