import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";

/** A file as it lies on the disk. */
export interface FileState {
  /** Relative to the folder asked about. */
  readonly path: string;
  readonly sha256: string;
  /** A file that was written anew has another inode, even if its bytes are the same. */
  readonly inode: number;
}

/** Every file below a folder, by path; none where there is no folder. */
export async function filesBelow(folder: string): Promise<FileState[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    files.sort().map(async (path) => ({
      path: relative(folder, path),
      sha256: createHash("sha256")
        .update(await readFile(path))
        .digest("hex"),
      inode: (await stat(path)).ino,
    })),
  );
}
