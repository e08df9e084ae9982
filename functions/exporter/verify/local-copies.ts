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

/** Makes an archive's objects readable as files: those of a folder where they lie, those of a bucket as copies. */
export class LocalCopies {
  readonly #store: ArchiveStore;
  readonly #scratch: string;
  readonly #folder: string | null;
  #made = 0;

  /** `scratch` is a folder for copies; `location` is that of the store. */
  constructor(store: ArchiveStore, location: string, scratch: string) {
    const parsed = parseLocation(location);
    this.#store = store;
    this.#scratch = scratch;
    this.#folder = parsed.kind === "folder" ? parsed.path : null;
  }

  /** The object, hashed; null where there is none. What is not in a folder has to be released. */
  async take(key: string): Promise<LocalCopy | null> {
    try {
      const path = this.#folder === null ? await this.#download(key) : join(this.#folder, checkedKey(key));
      return await withRegular(path, async (pieces, bytes) => ({ path, bytes, sha256: await hashOf(pieces) }));
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /** Removes the copy. Never touches the archive. */
  async release({ path }: LocalCopy): Promise<void> {
    if (this.#folder === null) await rm(path, { force: true });
  }

  async #download(key: string): Promise<string> {
    this.#made += 1;
    const path = join(this.#scratch, `copy-${this.#made}`);
    await this.#store.download(key, path);
    return path;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof ExporterError && error.code === "ERR_ARCHIVE_OBJECT_MISSING";
}
