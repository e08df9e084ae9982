import { isKey } from "../archive/key.ts";
import type { LedgerFile } from "../archive/ledger.ts";
import type { Find } from "./finding.ts";
import type { LocalCopies, LocalCopy, Sized } from "./local-copies.ts";

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
  readonly #changed: { readonly file: LedgerFile; readonly copy: Sized }[] = [];
  /** Bytes of the largest file that there is to be: what is larger is none of them, and is not read. */
  #largest: number;

  /** `largest`: of all files that digests vouch for. */
  constructor(copies: LocalCopies, largest: number, find: Find) {
    this.#copies = copies;
    this.#largest = largest;
    this.#find = find;
  }

  /**
   * Takes a file that the archive is to have; the caller releases the copy. Null if it is not there, or too large to be any
   * file of the archive's.
   */
  async take(file: LedgerFile): Promise<LocalCopy | null> {
    if (!isKey(file.key)) {
      this.#find("ERR_VERIFY_FILE_MISSING", file.key, "is no key of an archive: whatever lists it was tampered with.");
      return null;
    }
    this.#expected.add(file.key);
    this.#owners.set(file.sha256, file.key);
    this.#largest = Math.max(this.#largest, file.bytes);
    const copy = await this.#copies.take(file.key, this.#largest);
    if (copy === null) {
      this.#missing.set(file.key, file);
      return null;
    }
    if (!("path" in copy)) {
      this.#changed.push({ file, copy });
      return null;
    }
    this.totals.files += 1;
    this.totals.bytes += copy.bytes;
    if (copy.sha256 !== file.sha256 || copy.bytes !== file.bytes) this.#changed.push({ file, copy });
    return copy;
  }

  /** Gives a copy back that was taken. */
  release(copy: LocalCopy): Promise<void> {
    return this.#copies.release(copy);
  }

  /** Tells what is wrong, once all expected files were taken; `present` are the keys that the archive has. */
  async judge(present: AsyncIterable<string>): Promise<void> {
    for (const { file, copy } of this.#changed) {
      const owner = "sha256" in copy ? this.#owners.get(copy.sha256) : undefined;
      if (owner !== undefined && owner !== file.key) {
        this.#find("ERR_VERIFY_FILE_SWAPPED", file.key, `has the bytes of ${owner}.`);
      } else {
        const has =
          "sha256" in copy ? `${copy.bytes} bytes with SHA-256 ${copy.sha256}` : "far more bytes than any file";
        const message = `has ${has}, and should have ${file.bytes} with ${file.sha256}.`;
        this.#find("ERR_VERIFY_FILE_CHANGED", file.key, message);
      }
    }
    for await (const key of present) if (!this.#expected.has(key)) await this.#judgeAdded(key);
    for (const { key } of this.#missing.values()) {
      this.#find("ERR_VERIFY_FILE_MISSING", key, "was removed: it is not in the archive.");
    }
  }

  async #judgeAdded(key: string): Promise<void> {
    const most = Math.max(-1, ...this.#missing.values().map(({ bytes }) => bytes));
    const copy = most < 0 ? null : await this.#copies.take(key, most);
    const isRead = copy !== null && "path" in copy;
    if (isRead) await this.#copies.release(copy);
    const origin = isRead ? this.#missing.values().find(({ sha256 }) => sha256 === copy.sha256) : undefined;
    if (origin === undefined) {
      this.#find("ERR_VERIFY_FILE_ADDED", key, "is in no ledger record and no digest: it was slipped in.");
      return;
    }
    this.#missing.delete(origin.key);
    this.#find("ERR_VERIFY_FILE_RENAMED", key, `has the bytes of ${origin.key}, which is not in its place.`);
  }
}
