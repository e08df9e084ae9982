import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { NO_FILE, unlessMissing } from "./folder-files.ts";
import { isKey } from "./key.ts";
import type { Listed } from "./store.ts";

type Kind = "file" | "folder" | "link" | "special";

interface Entry {
  /** Of a folder, it ends in a slash: it then sorts where the keys below it belong. */
  readonly key: string;
  readonly path: string;
  readonly kind: Kind;
}

const NOT_A_FILE: Readonly<Record<Exclude<Kind, "file" | "folder">, string>> = {
  link: "is a link, and no file",
  special: "is neither a file nor a folder",
};

/**
 * Lists what lies below a folder and has a name that starts with the prefix, in ascending order of the names' UTF-8 bytes.
 *
 * An object is a regular file with a name that keys have. Everything else is a stray, and is not entered: hidden names,
 * links, pipes, sockets, devices. Links directly below the root are followed where they lead to folders, so that
 * `sessions/` may lie on another disk. A folder that does not exist is empty. One folder's names are held at a time.
 * Rejects as `readdir` does.
 */
export async function* listBelow(root: string, prefix: string, parent = ""): AsyncGenerator<Listed> {
  for (const { key, path, kind } of await entriesOf(root, parent)) {
    if (kind === "folder" && isKey(key.slice(0, -1))) {
      if (key.startsWith(prefix) || prefix.startsWith(key)) yield* listFolder(path, prefix, key);
    } else if (key.startsWith(prefix)) {
      yield listedAs(key, kind);
    }
  }
}

/**
 * Returns the names directly below a folder, as sorted by `listBelow`; those of folders, and of links to them, end in a
 * slash. Rejects as `readdir` does.
 */
export async function namesIn(root: string): Promise<string[]> {
  return (await entriesOf(root, "")).map(({ key }) => key);
}

/** An empty folder is nothing where a partition may be; elsewhere it may stand in the place of a file. */
async function* listFolder(path: string, prefix: string, key: string): AsyncGenerator<Listed> {
  let isEmpty = true;
  for await (const listed of listBelow(path, prefix, key)) {
    isEmpty = false;
    yield listed;
  }
  const isPartition = /^(?:[^/]+\/)?(?:[a-z_]+=[^/]*\/)*$/.test(key);
  if (isEmpty && !isPartition && key.startsWith(prefix)) yield { kind: "stray", name: key, why: "is an empty folder" };
}

function listedAs(key: string, kind: Kind): Listed {
  if (kind === "link" || kind === "special") return { kind: "stray", name: key, why: NOT_A_FILE[kind] };
  if (kind === "file" && isKey(key)) return { kind: "object", key };
  const why = key.includes("\ufffd") ? "has a name that is no UTF-8" : "has a name that no file of an archive has";
  return { kind: "stray", name: key, why };
}

async function entriesOf(folder: string, parent: string): Promise<Entry[]> {
  const found = (await unlessMissing(readdir(folder, { withFileTypes: true }))) ?? [];
  const entries = await Promise.all(found.map((entry) => entryOf(folder, parent, entry)));
  return entries.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
}

async function entryOf(folder: string, parent: string, entry: Dirent): Promise<Entry> {
  const path = join(folder, entry.name);
  const kind = await kindOf(path, parent, entry);
  return { key: `${parent}${entry.name}${kind === "folder" ? "/" : ""}`, path, kind };
}

async function kindOf(path: string, parent: string, entry: Dirent): Promise<Kind> {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "folder";
  if (!entry.isSymbolicLink()) return "special";
  const isFolder = parent === "" && (await unlessMissing(stat(path), NO_FILE))?.isDirectory() === true;
  return isFolder ? "folder" : "link";
}
