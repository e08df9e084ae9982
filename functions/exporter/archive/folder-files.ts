import { mkdir, open, rename, rm, stat } from "node:fs/promises";
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

/** What the promise gives, or null if no file has that name (a folder is not a file). */
export async function unlessMissing<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "EISDIR")) return null;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
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
