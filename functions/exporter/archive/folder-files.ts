import { constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { ExporterError } from "../errors.ts";

/** Makes the folder and its parents, so that they outlast a power cut. Rejects as `mkdir` does. */
export async function ensureFolder(folder: string): Promise<void> {
  const firstMade = await mkdir(folder, { recursive: true });
  if (firstMade === undefined) return;
  for (let made = folder; made.length >= firstMade.length; made = dirname(made)) await syncFolder(dirname(made));
}

/**
 * Writes a file so that it appears under its final name whole or not at all, and outlasts a power cut from then on:
 * written under the temporary name, flushed, renamed, and the folder's entry flushed too. Both names must lie on one
 * file system; the temporary file is gone afterwards, unless the process dies.
 */
export async function placeFile(
  path: string,
  temporary: string,
  content: Iterable<Buffer> | AsyncIterable<Buffer>,
): Promise<void> {
  await mkdir(dirname(temporary), { recursive: true });
  try {
    const file = await open(temporary, "w");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await ensureFolder(dirname(path));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open a folder, and writes its entries through by itself.
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The nearest folder at or above the path. Rejects if something else than a folder is met first. */
export async function nearestFolder(path: string): Promise<string> {
  const found = await unlessMissing(stat(path));
  if (found === null) return nearestFolder(dirname(path));
  if (!found.isDirectory()) throw new Error(`${path} is not a folder`);
  return path;
}

const MISSING: ReadonlySet<string> = new Set(["ENOENT", "EISDIR"]);
/**
 * Lists the codes of names under which no file is: a link is in its place, a pipe, or a file in the place of a folder above;
 * or the name is longer than the file system's are.
 */
export const NO_FILE: ReadonlySet<string> = new Set([...MISSING, "ENOTDIR", "ELOOP", "ENXIO", "ENAMETOOLONG"]);
/** Something else than a file, or than a folder, is in the way of a write. */
const BLOCKED: ReadonlySet<string> = new Set(["ENOTDIR", "EISDIR", "EEXIST", "ENOTEMPTY", "ELOOP"]);

/** Returns what the promise gives, or null if no file has that name (a folder is not a file). */
export async function unlessMissing<T>(work: Promise<T>, codes = MISSING): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (codes.has(codeOf(error))) return null;
    throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

// Windows has neither of them.
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;

/**
 * Opens a regular file to read it; null where there is none. A link is not followed, and a pipe or a device is not opened:
 * it could be waited for, or read, without end.
 */
export async function openRegular(path: string): Promise<{ readonly file: FileHandle; readonly bytes: number } | null> {
  if ((await unlessMissing(lstat(path), NO_FILE))?.isFile() !== true) return null;
  const file = await unlessMissing(open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK), NO_FILE);
  if (file === null) return null;
  const found = await file.stat();
  if (found.isFile()) return { file, bytes: found.size };
  await file.close();
  return null;
}

/**
 * Runs `work` on the bytes of a regular file, piece by piece and no more than it had when it was opened; null where there
 * is none.
 */
export async function withRegular<T>(
  path: string,
  work: (pieces: AsyncIterable<Buffer>, bytes: number) => Promise<T>,
): Promise<T | null> {
  const opened = await openRegular(path);
  if (opened === null) return null;
  try {
    return await work(piecesOf(opened.file, opened.bytes), opened.bytes);
  } finally {
    await opened.file.close();
  }
}

const PIECE_BYTES = 1024 * 1024;

async function* piecesOf(file: FileHandle, bytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes; ) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, bytes - at));
    const { bytesRead } = await file.read(piece, 0, piece.length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

/** Runs `work` on a path of the archive; its failure becomes `ERR_ARCHIVE_UNREACHABLE`, unless it is one of ours. */
export async function onArchive<T>(action: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw unreachable(action, path, error);
  }
}

/** The failure of an action ("read") on a path of the archive; one of our own errors stays what it is. */
export function unreachable(action: string, path: string, error: unknown): ExporterError {
  if (error instanceof ExporterError) return error;
  if (action === "write" && BLOCKED.has(codeOf(error))) {
    const message =
      `cannot write ${path}: something that is no file is in its way (${reasonOf(error)}). ` +
      "Move it out of the archive, then run again; other days are not concerned.";
    return new ExporterError("ERR_ARCHIVE_BLOCKED", message, { cause: error });
  }
  return new ExporterError(
    "ERR_ARCHIVE_UNREACHABLE",
    `cannot ${action} ${path}: ${reasonOf(error)}. Check the folder's disk and permissions, then run again.`,
    { cause: error },
  );
}

/** The message of an error of the file system, such as "ENOSPC: no space left on device, write". */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
