import { createHash } from "node:crypto";
import { copyFile, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Clock } from "../clock.ts";
import { ExporterError } from "../errors.ts";
import {
  ensureFolder,
  nearestFolder,
  onArchive,
  placeFile,
  reasonOf,
  unlessMissing,
  unreachable,
} from "./folder-files.ts";
import { FolderLock, Turns } from "./folder-lock.ts";
import { keysBelow } from "./folder-walk.ts";
import { checkedKey } from "./key.ts";
import { promisedBytes, sha256OfFile } from "./local-file.ts";
import type { ArchiveStore, LocalFile, StoredObject, Version } from "./store.ts";

const TEMPORARY = ".kore-tmp";

/**
 * An archive in a folder. A version is the SHA-256 of the object's bytes.
 *
 * Every write holds the folder's lock: the caller's (`exclusively`), or one for that write alone. So whatever lies in
 * `.kore-tmp` when the lock is taken was left by a process that died, and is removed. Between runs the folder holds its
 * own keys and an empty file `.lock`. Errors of the file system are `ERR_ARCHIVE_UNREACHABLE` with their cause.
 */
export class FolderStore implements ArchiveStore {
  readonly location: string;
  readonly excludesOthers = true;
  /** Files being written, on the archive's own file system, so that a rename puts them in place. */
  private readonly temporaryFolder: string;
  private temporaryFiles = 0;
  private readonly lock: FolderLock;
  /** Two tasks that work under one lock must still compare and swap one after the other. */
  private readonly swaps = new Turns();

  /** The folder need not exist: the first write makes it. The clock paces the waiting for the lock. */
  constructor(folder: string, clock: Clock) {
    this.location = resolve(folder);
    this.temporaryFolder = join(this.location, TEMPORARY);
    this.lock = new FolderLock(join(this.location, ".lock"), clock);
  }

  async read(key: string): Promise<StoredObject | null> {
    const path = this.pathOf(key);
    const body = await onArchive("read", path, () => unlessMissing(readFile(path)));
    return body && { body, version: versionOf(body) };
  }

  async version(key: string): Promise<Version | null> {
    const path = this.pathOf(key);
    const hash = await onArchive("read", path, () => unlessMissing(sha256OfFile(path)));
    return hash?.toString("hex") ?? null;
  }

  async writeIf(key: string, body: Buffer, expected: Version | null): Promise<Version> {
    const path = this.pathOf(key);
    return this.exclusively(() =>
      this.swaps.take(async () => {
        if ((await this.version(key)) !== expected) throw changed(path);
        await this.put(path, [body]);
        return versionOf(body);
      }),
    );
  }

  async writeFile(key: string, file: LocalFile): Promise<void> {
    const path = this.pathOf(key);
    await this.exclusively(() => this.put(path, promisedBytes(file)));
  }

  async holds(key: string, file: LocalFile): Promise<boolean> {
    const path = this.pathOf(key);
    const found = await onArchive("read", path, () => unlessMissing(stat(path)));
    return found?.size === file.bytes && (await this.version(key)) === file.sha256;
  }

  async download(key: string, path: string): Promise<number> {
    const source = this.pathOf(key);
    const partial = `${path}.partial`;
    return onArchive("copy", source, async () => {
      try {
        await copyFile(source, partial);
        await rename(partial, path);
      } catch (error) {
        await rm(partial, { force: true });
        if (!(await unlessMissing(stat(source)))?.isFile()) throw missing(source);
        throw error;
      }
      return (await stat(path)).size;
    });
  }

  async *list(prefix: string): AsyncGenerator<string> {
    try {
      yield* keysBelow(this.location, prefix);
    } catch (error) {
      throw unreachable("list", this.location, error);
    }
  }

  /** Calls made within `work` share its lock. Aborting `signal` ends the waiting for the lock, not the work. */
  async exclusively<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.lock.isHeldHere) return work();
    await onArchive("make", this.location, () => ensureFolder(this.location));
    return this.lock.hold(async () => {
      await this.removeTemporaryFiles();
      try {
        return await work();
      } finally {
        await this.removeTemporaryFiles();
      }
    }, signal);
  }

  async checkWritable(): Promise<void> {
    try {
      const probe = await mkdtemp(join(await nearestFolder(this.location), ".writable-"));
      try {
        await writeFile(join(probe, "probe"), "probe", { flush: true });
      } finally {
        await rm(probe, { recursive: true, force: true });
      }
    } catch (error) {
      throw new ExporterError(
        "ERR_ARCHIVE_NOT_WRITABLE",
        `nothing can be written to the archive ${this.location}: ${reasonOf(error)}. ` +
          "Choose another folder, or mend its permissions or its disk.",
        { cause: error },
      );
    }
  }

  /** Nothing to release: files and locks are closed after each use. */
  close(): void {}

  private pathOf(key: string): string {
    return join(this.location, checkedKey(key));
  }

  private async put(path: string, content: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<void> {
    this.temporaryFiles += 1;
    const temporary = join(this.temporaryFolder, String(this.temporaryFiles));
    await onArchive("write", path, () => placeFile(path, temporary, content));
  }

  private async removeTemporaryFiles(): Promise<void> {
    const folder = this.temporaryFolder;
    await onArchive("clear", folder, () => rm(folder, { recursive: true, force: true }));
  }
}

function versionOf(body: Buffer): Version {
  return createHash("sha256").update(body).digest("hex");
}

function changed(path: string): ExporterError {
  return new ExporterError(
    "ERR_ARCHIVE_CHANGED",
    `${path} was changed by another run in the meantime, and was left as that run wrote it. Run again.`,
  );
}

function missing(path: string): ExporterError {
  return new ExporterError(
    "ERR_ARCHIVE_OBJECT_MISSING",
    `${path} is not in the archive. Restore it from a backup, or export its day again.`,
  );
}
