import { parseDigestKey, parseIndexKey } from "../../functions/exporter/archive/layout.ts";
import { PREFIXES } from "../../functions/exporter/contract.ts";
import type { Leaf, Tree } from "./tree.ts";

/**
 * Returns what tells whether a name of an archive may come and go, by docs/digests.md: files of the index that the newest
 * digest does not name, and empty folders for a table.
 */
export function looseIn(tree: Tree): (name: string, leaf: Leaf | undefined) => boolean {
  const named = namedByNewest(tree);
  return (name, leaf) => {
    if (leaf === "folder") return TABLES.has(name);
    if (leaf !== undefined && !Buffer.isBuffer(leaf)) return false;
    return parseIndexKey(name) !== null && !named.has(name);
  };
}

const TABLES: ReadonlySet<string> = new Set(Object.values(PREFIXES));

/** Read here without the exporter's own reader, which is on trial. */
function namedByNewest(tree: Tree): ReadonlySet<string> {
  const newest = [...tree.keys()].filter((name) => parseDigestKey(name) !== null).at(-1);
  const [line = ""] = String(tree.get(newest ?? "")).split("\n");
  const { state, index }: { state: { key: string }; index: { key: string }[] } = JSON.parse(line);
  return new Set([state, ...index].map(({ key }) => key));
}
