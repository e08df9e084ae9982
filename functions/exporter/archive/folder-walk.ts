import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { unlessMissing } from "./folder-files.ts";

interface Entry {
  /** Of a folder, it ends in a slash: it then sorts where the keys below it belong. */
  readonly key: string;
  readonly path: string;
  readonly isFolder: boolean;
}

/**
 * Keys of the files below a folder that start with the prefix, in ascending order of their UTF-8 bytes. Names that
 * start with a dot are left out, links are followed, and a folder that does not exist is empty. One folder's names
 * are held at a time. Rejects as `readdir` does.
 */
export async function* keysBelow(root: string, prefix: string, parent = ""): AsyncGenerator<string> {
  for (const entry of await entriesOf(root, parent)) {
    if (!entry.isFolder) {
      if (entry.key.startsWith(prefix)) yield entry.key;
    } else if (entry.key.startsWith(prefix) || prefix.startsWith(entry.key)) {
      yield* keysBelow(entry.path, prefix, entry.key);
    }
  }
}

async function entriesOf(folder: string, parent: string): Promise<Entry[]> {
  const found = (await unlessMissing(readdir(folder, { withFileTypes: true }))) ?? [];
  const visible = found.filter((entry) => !entry.name.startsWith("."));
  const entries = await Promise.all(visible.map((entry) => entryOf(folder, parent, entry)));
  return entries
    .filter((entry) => entry !== null)
    .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
}

async function entryOf(folder: string, parent: string, entry: Dirent): Promise<Entry | null> {
  const path = join(folder, entry.name);
  const kind = entry.isSymbolicLink() ? await unlessMissing(stat(path)) : entry;
  if (kind?.isDirectory()) return { key: `${parent}${entry.name}/`, path, isFolder: true };
  return kind?.isFile() ? { key: `${parent}${entry.name}`, path, isFolder: false } : null;
}
