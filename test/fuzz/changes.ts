import { execFileSync } from "node:child_process";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import type { Random } from "../../demo/stand-in/random.ts";
import { isFree, neighbourOf, newName } from "./names.ts";
import { pick } from "./pick.ts";
import { respelt } from "./spellings.ts";
import { differing, makeFolderOf, pathOf, put, type Tree } from "./tree.ts";

/** What changes are made to. */
export interface Subject {
  readonly tree: Tree;
  /** What it held after earlier runs. */
  readonly earlier: readonly Tree[];
}

/** Something that somebody does to a copy of an archive. */
export interface Change {
  /** In a few words, with all that it takes to do it again. */
  readonly what: string;
  /** Does it in the folder of the copy, which may be the same afterwards, as where two files with the same bytes are swapped. */
  apply(folder: string): Promise<void>;
}

/** Draws a change; null if chance led to none, such as a file in the place of itself. */
type Draw = (subject: Subject, random: Random) => Change | null;

/** Draws changes of each kind; all kinds are as likely. */
export const KINDS = {
  "a byte changed": drawByte,
  "cut off": drawCut,
  appended: drawAppended,
  "another spelling": drawSpelling,
  renamed: drawRenamed,
  copied: drawCopied,
  removed: ({ tree }, random) => {
    const name = pickFile(tree, random);
    return { what: show(name), apply: (folder) => rm(pathOf(folder, name)) };
  },
  added: drawAdded,
  "no file in its place": drawReplaced,
  "no file added": drawNoFile,
  swapped: drawSwapped,
  "put back": drawPutBack,
} as const satisfies Record<string, Draw>;

/** A kind of change. */
export type Kind = keyof typeof KINDS;

function drawByte({ tree }: Subject, random: Random): Change {
  const name = pickFile(tree, random);
  const bytes = Buffer.from(bytesOf(tree, name));
  const at = pickPlace(bytes, random);
  const before = bytes.readUInt8(at);
  const after = random.below(2) === 0 ? before ^ (1 << random.below(8)) : (before + 1 + random.below(255)) & 0xff;
  bytes.writeUInt8(after, at);
  return written(`${show(name)}: byte ${at} from ${before} to ${after}`, name, bytes);
}

function drawCut({ tree }: Subject, random: Random): Change | null {
  const name = pickFile(tree, random);
  const bytes = bytesOf(tree, name);
  const left = pick(random, [0, bytes.length - 1, random.below(bytes.length), bytes.indexOf("\n") + 1]);
  return written(`${show(name)}: ${left} of ${bytes.length} bytes left`, name, bytes.subarray(0, left));
}

function drawAppended({ tree }: Subject, random: Random): Change {
  const name = pickFile(tree, random);
  const bytes = bytesOf(tree, name);
  const chance = Buffer.from(random.hex(2 + 2 * random.below(40)), "hex");
  const more = pick(random, [Buffer.from("\n"), Buffer.from(" "), Buffer.alloc(1), Buffer.from("{}\n"), bytes, chance]);
  const text = JSON.stringify(more.subarray(0, 40).toString("latin1"));
  return written(`${show(name)}: ${text}, ${more.length} bytes`, name, Buffer.concat([bytes, more]));
}

function drawSpelling({ tree }: Subject, random: Random): Change | null {
  const name = pickFile(tree, random);
  const other = respelt(name, bytesOf(tree, name), random);
  return other && written(`${show(name)}: ${other.what}`, name, other.bytes);
}

function drawRenamed({ tree }: Subject, random: Random): Change | null {
  const name = pickFile(tree, random);
  const to = neighbourOf(name, random);
  if (!tree.has(to) && !isFree(tree, to)) return null;
  const apply = async (folder: string) => {
    await makeFolderOf(folder, to);
    await rename(pathOf(folder, name), pathOf(folder, to));
  };
  return { what: `${show(name)} to ${show(to)}`, apply };
}

function drawCopied({ tree }: Subject, random: Random): Change | null {
  const name = pickFile(tree, random);
  const to = neighbourOf(name, random);
  if (!tree.has(to) && !isFree(tree, to)) return null;
  return written(`${show(name)} to ${show(to)}`, to, bytesOf(tree, name));
}

function drawAdded({ tree }: Subject, random: Random): Change {
  const name = newName(tree, random);
  const ending = name.slice(name.lastIndexOf("."));
  const alike = [...tree.keys()].filter((key) => key.endsWith(ending));
  const copied = alike.length > 0 ? pick(random, alike) : pickFile(tree, random);
  const [text, bytes] = pick(random, [
    ["nothing", Buffer.alloc(0)],
    ["{}", Buffer.from("{}\n")],
    ["chance", Buffer.from(random.hex(200), "hex")],
    [`the bytes of ${show(copied)}`, bytesOf(tree, copied)],
  ] as const);
  return written(`${show(name)} with ${text}`, name, bytes);
}

function drawNoFile({ tree }: Subject, random: Random): Change {
  const name = newName(tree, random);
  const [kind, make] = pickNoFile(random, Buffer.alloc(0));
  return { what: `${kind}: ${show(name)}`, apply: (folder) => make(folder, name) };
}

function drawReplaced({ tree }: Subject, random: Random): Change {
  const name = pickFile(tree, random);
  const [kind, make] = pickNoFile(random, bytesOf(tree, name));
  const apply = async (folder: string) => {
    await rm(pathOf(folder, name));
    await make(folder, name);
  };
  return { what: `${kind}: ${show(name)}`, apply };
}

function drawSwapped({ tree }: Subject, random: Random): Change | null {
  const [one, other] = [pickFile(tree, random), pickFile(tree, random)];
  const apply = async (folder: string) => {
    await put(folder, one, bytesOf(tree, other));
    await put(folder, other, bytesOf(tree, one));
  };
  return { what: `${show(one)} and ${show(other)}`, apply };
}

/** A file, a day, a table or all as an earlier run left it. */
function drawPutBack({ tree, earlier }: Subject, random: Random): Change | null {
  const state = random.below(earlier.length);
  const then = earlier[state] ?? tree;
  const name = pick(random, differing(tree, then));
  const [table = ""] = name.split("/");
  const [day = "nothing"] = /dt=[^/]*/.exec(name) ?? [];
  const [what, isMeant] = pick<[string, (key: string) => boolean]>(random, [
    [show(name), (key) => key === name],
    [day, (key) => key.includes(`/${day}/`)],
    [`${table}/`, (key) => key.startsWith(`${table}/`)],
    ["all but digests", (key) => !key.startsWith("digests/")],
    ["all", () => true],
  ]);
  const apply = async (folder: string) => {
    for (const key of differing(tree, then).filter(isMeant)) {
      const leaf = then.get(key);
      if (Buffer.isBuffer(leaf)) await put(folder, key, leaf);
      else await rm(pathOf(folder, key));
    }
  };
  return { what: `${what} as in state ${state + 1}`, apply };
}

type MakeNoFile = (folder: string, name: string) => Promise<void>;

/** Something that is no file; where it can, it leads to these bytes. */
function pickNoFile(random: Random, bytes: Buffer): readonly [string, MakeNoFile] {
  const linkTo =
    (target: (folder: string, name: string) => string): MakeNoFile =>
    async (folder, name) => {
      await writeFile(`${folder}.aside`, bytes);
      await makeFolderOf(folder, name);
      await symlink(target(folder, name), pathOf(folder, name));
    };
  return pick<readonly [string, MakeNoFile]>(random, [
    ["a link to the same bytes", linkTo((folder) => `${folder}.aside`)],
    ["a link to nothing", linkTo((folder) => `${folder}.gone`)],
    ["a link to itself", linkTo((_, name) => name.slice(name.lastIndexOf("/") + 1))],
    ["a link below a file", linkTo((folder) => `${folder}.aside/x`)],
    ["a link to a folder", linkTo((folder) => folder)],
    ["a link to /dev/zero", linkTo(() => "/dev/zero")],
    ["a pipe", makePipe],
    ["an empty folder", async (folder, name) => void (await mkdir(pathOf(folder, name), { recursive: true }))],
    ["a folder with the bytes", (folder, name) => put(folder, `${name}/${name.split("/").at(-1)}`, bytes)],
    ["a folder with a hidden file", (folder, name) => put(folder, `${name}/.hidden`, bytes)],
  ]);
}

async function makePipe(folder: string, name: string): Promise<void> {
  await makeFolderOf(folder, name);
  // Node makes no pipes, and gives programs no name that is not UTF-8.
  execFileSync("mkfifo", [`${folder}.pipe`]);
  await rename(`${folder}.pipe`, pathOf(folder, name));
}

function written(what: string, name: string, bytes: Buffer): Change {
  return { what, apply: (folder) => put(folder, name, bytes) };
}

/** Files of all folders and formats are as likely, however many there are. */
function pickFile(tree: Tree, random: Random): string {
  const groups = Map.groupBy(tree.keys(), (name) => name.replace(/^([^/]*\/(?:state)?).*(\..*)$/, "$1 $2"));
  return pick(random, pick(random, [...groups.values()]));
}

/** Any place, or one near the end, where signatures and the sizes of Parquet's parts lie. */
function pickPlace(bytes: Buffer, random: Random): number {
  const among = pick(random, [bytes.length, Math.min(bytes.length, 250), Math.min(bytes.length, 12)]);
  return bytes.length - 1 - random.below(among);
}

function bytesOf(tree: Tree, name: string): Buffer {
  const leaf = tree.get(name);
  if (!Buffer.isBuffer(leaf)) throw new TypeError(`${name} is no file of the archive`);
  return leaf;
}

/** Bytes that a terminal would not show are escaped. */
function show(name: string): string {
  const text = JSON.stringify(Buffer.from(name, "latin1").toString("utf8"));
  return /^"[\w./=-]*"$/.test(text) ? name : text;
}
