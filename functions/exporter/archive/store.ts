import { ExporterError } from "../errors.ts";

/** Names one state of an object. Opaque; differs whenever the object's bytes were written anew. */
export type Version = string;

/** The most that `read` takes into memory: no record, digest or index is nearly as large. */
export const MOST_BYTES_READ = 256 * 1024 * 1024;

export interface StoredObject {
  readonly body: Buffer;
  readonly version: Version;
}

/** A finished file on the local disk, on its way into the archive. */
export interface LocalFile {
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/**
 * What a listing names: an object of the archive, or a name that is none (a hidden file, a link, a pipe, a folder marker),
 * which no reader takes for data. `name` is as it lies there, and may hold control characters.
 */
export type Listed =
  | { readonly kind: "object"; readonly key: string }
  | { readonly kind: "stray"; readonly name: string; readonly why: string };

/** A version of an object that a bucket keeps. */
export interface ObjectVersion {
  readonly key: string;
  readonly versionId: string;
  /** True for the mark that a deletion leaves. */
  readonly isDeleteMarker: boolean;
  readonly isCurrent: boolean;
  /** Milliseconds since 1970. */
  readonly writtenAt: number;
}

/** What keeps a version from being deleted. */
export interface VersionLock {
  readonly mode: "governance" | "compliance" | "legal hold";
  /** Milliseconds since 1970; null: without end. */
  readonly until: number | null;
}

/** The versions that a bucket keeps of its objects. */
export interface ObjectHistory {
  /** Of the current object; null where there is none, or where the bucket keeps no versions. */
  versionId(key: string): Promise<string | null>;
  /** True if versions may be listed with these credentials. */
  mayList(): Promise<boolean>;
  /** Every version of every object below a prefix, key by key. */
  list(prefix: string): AsyncIterable<ObjectVersion>;
  /** The bytes of a version, handed over piece by piece. Throws `ERR_ARCHIVE_OBJECT_MISSING`. */
  read(key: string, versionId: string): AsyncIterable<Buffer>;
  /** Null where nothing locks the version, or nothing is told of it. */
  lock(key: string, versionId: string): Promise<VersionLock | null>;
  /**
   * Deletes a version for good, also under governance where the caller has the right to. The only deletion that there
   * is: for erased persons' rows, and never of a current version.
   */
  remove(key: string, versionId: string): Promise<void>;
}

/**
 * Where an archive lives: a folder, or a prefix of a bucket. Keys use `/` and are relative to the archive's root.
 *
 * Promises that every store keeps (the conformance suite checks them):
 * - a reader sees an object whole or not at all, also when a write is killed half-way;
 * - `writeIf` is a compare-and-swap: of two writers that expect the same version, exactly one wins;
 * - nothing is ever deleted.
 */
export interface ArchiveStore {
  /** For people: the folder's path, or `s3://bucket/prefix`. */
  readonly location: string;
  /**
   * True where `exclusively` shuts other processes out and is released by the system when a process dies (a folder).
   * False where it can't (S3): there, publishers recognise each other by the mark in the ledger.
   */
  readonly excludesOthers: boolean;
  /** Where earlier versions are kept (S3). */
  readonly history?: ObjectHistory;

  /**
   * The object, or null where there is none. Only for small objects: throws `ERR_ARCHIVE_OBJECT_TOO_LARGE` beyond
   * `MOST_BYTES_READ`.
   */
  read(key: string): Promise<StoredObject | null>;
  /** The object's version alone, or null where there is none. */
  version(key: string): Promise<Version | null>;
  /**
   * Writes the object if it still has the expected version (null: if it does not exist), and returns the new version.
   * Throws `ERR_ARCHIVE_CHANGED` if it has another one, and writes nothing then.
   */
  writeIf(key: string, body: Buffer, expected: Version | null): Promise<Version>;
  /** Puts a local file in place of whatever is there. `signal` ends an upload that takes too long. */
  writeFile(key: string, file: LocalFile, signal?: AbortSignal): Promise<void>;
  /** True if the object itself, not somebody's record of it, has exactly these bytes. */
  holds(key: string, file: LocalFile): Promise<boolean>;
  /**
   * Copies the object to a local path, and returns its size in bytes. Throws `ERR_ARCHIVE_OBJECT_MISSING`, and
   * `ERR_ARCHIVE_OBJECT_TOO_LARGE` for one of more than `mostBytes`, of which nothing is copied then.
   */
  download(key: string, path: string, mostBytes?: number): Promise<number>;
  /**
   * Everything whose name begins with a prefix (a plain string prefix, as in S3), in ascending order of the names' UTF-8
   * bytes. It is the one list: what it does not call an object is data to nobody.
   */
  list(prefix: string): AsyncIterable<Listed>;
  /**
   * Names directly below the root, those of folders with a slash at their end, but for what the store keeps for itself.
   * Null if they may not be listed.
   */
  listRoot(): Promise<readonly string[] | null>;
  /**
   * Runs `work` while no other process does the same on this archive, as far as `excludesOthers` says. Aborting the
   * signal ends the waiting for the others (with the signal's reason), not the work.
   */
  exclusively<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Throws `ERR_ARCHIVE_NOT_WRITABLE` with the reason, if nothing could be written here. Leaves nothing behind. */
  checkWritable(): Promise<void>;
  /** Releases connections. */
  close(): void;
}

/** Returns the failure of reading an object that is larger than anything that is to be there. */
export function tooLarge(place: string, bytes: number, mostBytes: number = MOST_BYTES_READ): ExporterError {
  const message =
    `${place} has ${bytes} bytes, and nothing that the program keeps there has more than ${mostBytes}. ` +
    "Run verify, and restore its first version.";
  return new ExporterError("ERR_ARCHIVE_OBJECT_TOO_LARGE", message);
}

/** Reads an object whose size is somebody else's doing: one that is too large for `read` is no failure of the archive. */
export async function readOrTooLarge(
  store: Pick<ArchiveStore, "read">,
  key: string,
): Promise<StoredObject | null | "too large"> {
  try {
    return await store.read(key);
  } catch (error) {
    if (error instanceof ExporterError && error.code === "ERR_ARCHIVE_OBJECT_TOO_LARGE") return "too large";
    throw error;
  }
}
