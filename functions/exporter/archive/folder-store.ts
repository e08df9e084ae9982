import { createHash } from "node:crypto";
import { mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Clock } from "../clock.ts";
import { ExporterError } from "../errors.ts";
import {
  ensureFolder,
  nearestFolder,
  onArchive,
  placeFile,
  reasonOf,
  unreachable,
  withRegular,
} from "./folder-files.ts";
import { FolderLock, Turns } from "./folder-lock.ts";
import { listBelow, namesIn } from "./folder-walk.ts";
import { checkedKey } from "./key.ts";
import { hashOf, promisedBytes } from "./local-file.ts";
import {
  type ArchiveStore,
  type Listed,
  type LocalFile,
  MOST_BYTES_READ,
  type StoredObject,
  tooLarge,
  type Version,
} from "./store.ts";

const TEMPORARY = ".kore-tmp";
const LOCK = ".lock";
const OWN_NAMES: ReadonlySet<string> = new Set([LOCK, TEMPORARY]);

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
    this.lock = new FolderLock(join(this.location, LOCK), clock);
  }

  async read(key: string): Promise<StoredObject | null> {
    const path = this.pathOf(key);
    const body = await onArchive("read", path, () =>
      withRegular(path, async (pieces, bytes) => {
        if (bytes > MOST_BYTES_READ) throw tooLarge(path, bytes);
        return Buffer.concat(await Array.fromAsync(pieces));
      }),
    );
    return body && { body, version: versionOf(body) };
  }

  async version(key: string): Promise<Version | null> {
    const path = this.pathOf(key);
    return onArchive("read", path, () => withRegular(path, hashOf));
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
    const isSame = (pieces: AsyncIterable<Buffer>, bytes: number) =>
      bytes === file.bytes ? hashOf(pieces).then((hash) => hash === file.sha256) : Promise.resolve(false);
    return (await onArchive("read", path, () => withRegular(path, isSame))) ?? false;
  }

  async download(key: string, path: string, mostBytes = Number.POSITIVE_INFINITY): Promise<number> {
    const source = this.pathOf(key);
    const partial = `${path}.partial`;
    return onArchive("copy", source, async () => {
      try {
        const copied = await withRegular(source, async (pieces, bytes) => {
          if (bytes > mostBytes) throw tooLarge(source, bytes, mostBytes);
          await writeFile(partial, pieces);
          await rename(partial, path);
          return (await stat(path)).size;
        });
        if (copied === null) throw missing(source);
        return copied;
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      }
    });
  }

  async *list(prefix: string): AsyncGenerator<Listed> {
    try {
      for await (const listed of listBelow(this.location, prefix)) if (!isOwn(listed)) yield listed;
    } catch (error) {
      throw unreachable("list", this.location, error);
    }
  }

  async listRoot(): Promise<string[]> {
    const names = await onArchive("list", this.location, () => namesIn(this.location));
    return names.filter((name) => !OWN_NAMES.has(name.replace(/\/$/, "")));
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

/** What the store keeps for itself at the folder's root. */
function isOwn(listed: Listed): boolean {
  return listed.kind === "stray" && OWN_NAMES.has(listed.name.replace(/\/$/, ""));
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
