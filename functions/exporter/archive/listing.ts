import { PREFIXES } from "../contract.ts";
import { isKey } from "./key.ts";
import type { ArchiveStore, Listed } from "./store.ts";

/** A name in the archive that is no object of its layout. */
export interface Stray {
  /** As it lies there; may hold control characters. */
  readonly name: string;
  /** What it is, as the end of a sentence that begins with the name. */
  readonly why: string;
}

/** Returns what a bucket's key is: an object's, or a name that the archive never gives one. */
export function listedKey(key: string): Listed {
  if (isKey(key)) return { kind: "object", key };
  const why = key.endsWith("/") ? "is a folder marker" : "has a name that no file of an archive has";
  return { kind: "stray", name: key, why };
}

/** Yields the keys of the objects whose names begin with a prefix, in order. */
export async function* objectKeys(store: Pick<ArchiveStore, "list">, prefix: string): AsyncGenerator<string> {
  for await (const listed of store.list(prefix)) if (listed.kind === "object") yield listed.key;
}

/** An object of the archive, with what its key says. */
export interface Entry<T> {
  readonly key: string;
  readonly parsed: T;
}

/**
 * Yields the objects below one of the archive's prefixes, parsed by their key, in order. A name that is no object, or that
 * `parse` makes nothing of, is no part of the archive's layout, and goes to `onStray`.
 */
export async function* listEntries<T extends object | string | number>(
  store: Pick<ArchiveStore, "list">,
  prefix: string,
  parse: (key: string) => T | null,
  onStray: (stray: Stray) => void = () => undefined,
): AsyncGenerator<Entry<T>> {
  for await (const listed of store.list(`${prefix}/`)) {
    if (listed.kind === "stray") {
      onStray({ name: listed.name, why: listed.why });
      continue;
    }
    const parsed = parse(listed.key);
    if (parsed !== null) yield { key: listed.key, parsed };
    else onStray({ name: listed.key, why: "is no key of an archive's layout" });
  }
}

const KNOWN_FOLDERS: ReadonlySet<string> = new Set(Object.values(PREFIXES).map((prefix) => `${prefix}/`));

/** Returns what lies beside the archive's own folders; null if that may not be listed. */
export async function strayRootNames(store: Pick<ArchiveStore, "listRoot">): Promise<Stray[] | null> {
  const others = (await store.listRoot())?.filter((name) => !KNOWN_FOLDERS.has(name));
  return others?.map((name) => ({ name, why: "is no folder of an archive" })) ?? null;
}
