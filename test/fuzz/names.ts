import type { Random } from "../../demo/stand-in/random.ts";
import { PARTITION_TYPES, PREFIXES } from "../../functions/exporter/contract.ts";
import { OTHER_BOT } from "../support/signed-archive.ts";
import { pick } from "./pick.ts";
import { nameOf, type Tree } from "./tree.ts";

const DAYS = ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04", "2025-12-31", "2026-02-30", "2026-1-2", ""];
const MONTHS = ["2026-02", "2025-12", "2026-13", "2026-1"];
const SOURCES = [OTHER_BOT, "st-support-0002", "account", "ST-SUPPORT-0001", nameOf("st-süd"), "a.b", "st support"];
const PARTS = ["0001", "0002", "9999", "10000", "00000", "0", "000", "-001", "0x00"];
const NUMBERS = ["00000001", "00000004", "00000009", "00000010", "99999999", "00000000", "000000003", "3", "0000000a"];
const TABLES = Object.values(PREFIXES);
const ENDINGS = [
  "~",
  ".bak",
  ".tmp",
  ".gz",
  ".parquet",
  ".json",
  " ",
  ".",
  nameOf("\u200b"),
  "\n",
  "\xff",
  "\\",
  "%00",
];

type Renaming = (name: string, random: Random) => string;

const digit = (random: Random) => random.hex(1);
const base = (name: string) => name.slice(name.lastIndexOf("/") + 1);
const folder = (name: string) => name.slice(0, name.lastIndexOf("/") + 1);

/** Each gives a name's neighbour of one kind; the name itself where it has none. */
const RENAMINGS: readonly Renaming[] = [
  (name, random) => name.replace(/(?<=dt=)[^/]*/, pick(random, DAYS)),
  (name, random) => name.replace(/(?<=month=)[^/]*/, pick(random, MONTHS)),
  (name, random) => name.replace(/st-[a-z]+-\d{4}/, pick(random, SOURCES)),
  (name, random) => name.replace(/(?<=-part-)\d+/, pick(random, PARTS)),
  (name, random) => name.replace(/\d{8}(?=\.json$)/, pick(random, NUMBERS)),
  (name, random) => name.replace(/(?<=containment_type=)[^/]*/, pick(random, [...PARTITION_TYPES, "other", "Agent"])),
  (name, random) => name.replace(/[0-9a-f](?=[0-9a-f]{0,62}\.(?:json|pem))/, digit(random)),
  (name, random) => name.replace(/[0-9a-f]{64}/, random.below(2) === 0 ? random.hex(64) : random.hex(63)),
  (name) => name.replace(/[0-9a-f]{64}/, (hash) => hash.toUpperCase()),
  (name, random) => name.replace(/^[^/]*/, pick(random, TABLES)),
  (name, random) => name.replace(/^[^/]*/, pick(random, ["Sessions", "export", "backup", ".sessions", "sessions "])),
  (name, random) => `${folder(name)}${pick(random, [".", "._", " ", "-", "a"])}${base(name)}`,
  (name, random) => `${name}${pick(random, ENDINGS)}`,
  (name) => name.replace(/\.[a-z.]+$/, (ending) => ending.toUpperCase()),
  (name) => name.replace(/\.[a-z]+$/, ""),
  (name) => `${folder(name)}more/${base(name)}`,
  (name) => `${folder(name)}.more/${base(name)}`,
  (name) => base(name),
];

/** Returns a name that a person, or a program, might take for the given one, or one that is not far from it. */
export function neighbourOf(name: string, random: Random): string {
  const neighbours = RENAMINGS.map((renamed) => renamed(name, random)).filter((neighbour) => neighbour !== name);
  return pick(random, neighbours);
}

/** Names for what nobody has reason to put there. */
const ODD_NAMES = [
  "README.md",
  "x",
  ".DS_Store",
  "Thumbs.db",
  ".env",
  "..x",
  nameOf("übersicht.txt"),
  "\xff\xfe",
  "a\nb",
  "a\u001b[31m",
  "con",
  "_SUCCESS",
  "_delta_log",
  "a".repeat(200),
];

/** Returns a name below the archive's root that is none of the tree's, for a file of any of the archive's tables or of none. */
export function newName(tree: Tree, random: Random): string {
  const above = pick(random, [
    ...new Set(["", ...[...tree.keys()].map(folder), ...TABLES.map((table) => `${table}/`)]),
  ]);
  const [day, source, hash] = [pick(random, DAYS.slice(0, 5)), pick(random, SOURCES.slice(0, 3)), random.hex(64)];
  const name = pick(random, [
    `sessions/dt=${day}/containment_type=${pick(random, PARTITION_TYPES)}/${source}-part-${pick(random, PARTS)}.parquet`,
    `messages/dt=${day}/${source}-part-${pick(random, PARTS)}.parquet`,
    `exports/dt=${day}/${source}.json`,
    `message_exports/dt=${day}/${source}.json`,
    `rejected/dt=${day}/${source}.jsonl`,
    `rejected_messages/dt=${day}/${source}.jsonl`,
    `digests/${pick(random, NUMBERS)}.json`,
    `digests/public-key-${hash}.pem`,
    `erasures/${hash}.json`,
    `holds/${pick(random, ["case-7", hash, "1"])}.json`,
    `index/month=${pick(random, MONTHS)}/${hash}.jsonl.gz`,
    `index/state/${hash}.jsonl.gz`,
    `${above}${pick(random, ODD_NAMES)}`,
    `${above}${pick(random, ODD_NAMES)}`,
    `${above}more/${pick(random, ODD_NAMES)}`,
    pick(random, TABLES),
  ]);
  return isFree(tree, name) ? name : newName(tree, random);
}

/** True if a name can be made: it is none of the tree's, no folder of its, nor below one of its files. */
export function isFree(tree: Tree, name: string): boolean {
  return ![...tree.keys()].some((key) => key === name || key.startsWith(`${name}/`) || name.startsWith(`${key}/`));
}
