import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";

/**
 * What lies under a name: a file's bytes, or something that is no file. A folder stands here only if it is empty.
 */
export type Leaf = Buffer | "link" | "folder" | "special";

/** A folder's content by name, relative to it. A name is its bytes, each as a character: not every one is UTF-8. */
export type Tree = ReadonlyMap<string, Leaf>;

/** Returns the path of a name in a folder, as the bytes that it is. */
export function pathOf(folder: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, "latin1")]);
}

/** Returns the name that a text has in a tree. */
export function nameOf(text: string): string {
  return Buffer.from(text).toString("latin1");
}

/** Reads all that lies below a folder. */
export async function readTree(folder: string): Promise<Tree> {
  const tree = new Map<string, Leaf>();
  await readInto(tree, folder, "");
  return new Map([...tree].sort(([one], [other]) => (one < other ? -1 : 1)));
}

async function readInto(tree: Map<string, Leaf>, folder: string, parent: string): Promise<void> {
  const entries = await readdir(pathOf(folder, parent), { withFileTypes: true, encoding: "latin1" });
  if (entries.length === 0 && parent !== "") tree.set(parent.slice(0, -1), "folder");
  for (const entry of entries) {
    const name = `${parent}${entry.name}`;
    if (entry.isDirectory()) await readInto(tree, folder, `${name}/`);
    else if (entry.isFile()) tree.set(name, await readFile(pathOf(folder, name)));
    else tree.set(name, entry.isSymbolicLink() ? "link" : "special");
  }
}

/** Makes the folder hold these files and nothing else. */
export async function layOut(folder: string, tree: Tree): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  for (const [name, leaf] of tree) if (Buffer.isBuffer(leaf)) await put(folder, name, leaf);
}

/** Writes a file, and the folders above it. */
export async function put(folder: string, name: string, bytes: Buffer): Promise<void> {
  await makeFolderOf(folder, name);
  await writeFile(pathOf(folder, name), bytes);
}

/** Makes the folders above a name. */
export async function makeFolderOf(folder: string, name: string): Promise<void> {
  await mkdir(pathOf(folder, name.slice(0, Math.max(0, name.lastIndexOf("/")))), { recursive: true });
}

/** Returns the names under which two trees do not hold the same. */
export function differing(one: Tree, other: Tree): string[] {
  return [...new Set([...one.keys(), ...other.keys()])].filter((name) => !isSame(one.get(name), other.get(name)));
}

function isSame(one: Leaf | undefined, other: Leaf | undefined): boolean {
  return Buffer.isBuffer(one) && Buffer.isBuffer(other) ? one.equals(other) : one === other;
}
