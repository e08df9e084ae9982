import { isKey } from "../archive/key.ts";
import type { LedgerFile } from "../archive/ledger.ts";
import type { Find } from "./finding.ts";
import type { LocalCopies, LocalCopy } from "./local-copies.ts";

/** What was read of the archive's files. */
export interface FileTotals {
  files: number;
  bytes: number;
}

/** Compares files with what they are to be; judges at the end, when it knows where displaced bytes went. */
export class FileCheck {
  readonly totals: FileTotals = { files: 0, bytes: 0 };
  readonly #copies: LocalCopies;
  readonly #find: Find;
  /** Key of a file that is to have these bytes, by SHA-256. */
  readonly #owners = new Map<string, string>();
  readonly #expected = new Set<string>();
  readonly #missing = new Map<string, LedgerFile>();
  readonly #changed: { readonly file: LedgerFile; readonly bytes: number; readonly sha256: string }[] = [];

  constructor(copies: LocalCopies, find: Find) {
    this.#copies = copies;
    this.#find = find;
  }

  /** Takes a file that the archive is to have; the caller releases the copy. Null if it is not there. */
  async take(file: LedgerFile): Promise<LocalCopy | null> {
    if (!isKey(file.key)) {
      this.#find("ERR_VERIFY_FILE_MISSING", file.key, "is no key of an archive: whatever lists it was tampered with.");
      return null;
    }
    this.#expected.add(file.key);
    this.#owners.set(file.sha256, file.key);
    const copy = await this.#copies.take(file.key);
    if (copy === null) {
      this.#missing.set(file.key, file);
      return null;
    }
    this.totals.files += 1;
    this.totals.bytes += copy.bytes;
    if (copy.sha256 !== file.sha256 || copy.bytes !== file.bytes) {
      this.#changed.push({ file, bytes: copy.bytes, sha256: copy.sha256 });
    }
    return copy;
  }

  /** Gives a copy back that was taken. */
  release(copy: LocalCopy): Promise<void> {
    return this.#copies.release(copy);
  }

  /** Tells what is wrong, once all expected files were taken; `present` are the keys that the archive has. */
  async judge(present: AsyncIterable<string>): Promise<void> {
    for (const { file, bytes, sha256 } of this.#changed) {
      const owner = this.#owners.get(sha256);
      if (owner !== undefined && owner !== file.key) {
        this.#find("ERR_VERIFY_FILE_SWAPPED", file.key, `has the bytes of ${owner}.`);
      } else {
        const message = `has ${bytes} bytes with SHA-256 ${sha256}, and should have ${file.bytes} with ${file.sha256}.`;
        this.#find("ERR_VERIFY_FILE_CHANGED", file.key, message);
      }
    }
    for await (const key of present) if (!this.#expected.has(key)) await this.#judgeAdded(key);
    for (const { key } of this.#missing.values()) {
      this.#find("ERR_VERIFY_FILE_MISSING", key, "was removed: it is not in the archive.");
    }
  }

  async #judgeAdded(key: string): Promise<void> {
    const copy = await this.#copies.take(key);
    if (copy === null) return;
    await this.#copies.release(copy);
    const origin = this.#missing.values().find(({ sha256 }) => sha256 === copy.sha256);
    if (origin === undefined) {
      this.#find("ERR_VERIFY_FILE_ADDED", key, "is in no ledger record and no digest: it was slipped in.");
      return;
    }
    this.#missing.delete(origin.key);
    this.#find("ERR_VERIFY_FILE_RENAMED", key, `has the bytes of ${origin.key}, which is not in its place.`);
  }
}
