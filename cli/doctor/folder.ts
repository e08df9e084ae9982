import { access, constants, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { nearestFolder, reasonOf, unlessMissing } from "../../functions/exporter/archive/folder-files.ts";
import { PREFIXES } from "../../functions/exporter/contract.ts";
import { type Check, ok, problem } from "./checks.ts";

const { sessions, exports, rejected, digests, index } = PREFIXES;
/** The folders of an archive that an export of sessions writes to. */
const WRITTEN = [sessions, exports, rejected, digests, index];

/** An export needs some room; less than this is none. */
const LEAST_FREE_BYTES = 100_000_000;

/**
 * Asks the system whether this user may write to the archive's folder, or may make it, and how full its disk is.
 * Writes nothing.
 */
export async function checkFolder(folder: string): Promise<Check> {
  try {
    const nearest = await nearestFolder(folder);
    const inside = await Promise.all(WRITTEN.map((prefix) => existing(join(folder, prefix))));
    for (const path of [nearest, ...inside.flat()]) await access(path, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(nearest);
    const free = bavail * bsize;
    if (free < LEAST_FREE_BYTES) return problem("archive-write", `The disk of ${nearest} has ${size(free)} left.`);
    const made = nearest === folder ? "" : "the first export makes the folder; ";
    return ok("archive-write", `${made}its permissions allow it, and ${size(free)} are free`);
  } catch (error) {
    return problem("archive-write", `Nothing could be written to ${folder}: ${reasonOf(error)}.`);
  }
}

async function existing(path: string): Promise<string[]> {
  return (await unlessMissing(stat(path))) === null ? [] : [path];
}

function size(bytes: number): string {
  return bytes < 1e9 ? `${Math.floor(bytes / 1e6)} MB` : `${Math.floor(bytes / 1e9).toLocaleString("en")} GB`;
}
