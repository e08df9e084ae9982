import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { ExporterError } from "../errors.ts";
import { sha256Of } from "./digest.ts";
import { type ArchiveStore, MOST_BYTES_READ, readOrTooLarge } from "./store.ts";

/** Packs lines of JSON, each with a line feed at its end. The same lines become the same bytes. */
export async function packLines(lines: readonly string[]): Promise<Buffer> {
  return promisify(gzip)(lines.map((line) => `${line}\n`).join(""), { level: 9 });
}

/** Unpacks lines of JSON; null if the bytes are none. Never throws. */
export async function unpackLines(bytes: Buffer): Promise<string[] | null> {
  try {
    const text = (await promisify(gunzip)(bytes, { maxOutputLength: MOST_BYTES_READ })).toString("utf8");
    if (text === "") return [];
    return text.endsWith("\n") ? text.slice(0, -1).split("\n") : null;
  } catch {
    return null;
  }
}

/** Reads an object that is named by the hash of its bytes; null if it is not there, or has other bytes. */
export async function readHashed(
  store: Pick<ArchiveStore, "read">,
  { key, sha256 }: { readonly key: string; readonly sha256: string },
): Promise<Buffer | null> {
  const object = await readOrTooLarge(store, key);
  if (object === null || object === "too large") return null;
  return sha256Of(object.body) === sha256 ? object.body : null;
}

/**
 * Writes an object that is named by the hash of its bytes, unless it is there. Other bytes under that name are somebody
 * else's doing, and are replaced.
 */
export async function writeHashed(store: ArchiveStore, key: string, body: Buffer): Promise<void> {
  try {
    await store.writeIf(key, body, null);
  } catch (error) {
    if (!(error instanceof ExporterError) || error.code !== "ERR_ARCHIVE_CHANGED") throw error;
    if ((await readHashed(store, { key, sha256: sha256Of(body) })) !== null) return;
    await store.writeIf(key, body, await store.version(key));
  }
}
