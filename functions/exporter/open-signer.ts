import { readFile, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { parseLocation } from "./archive/open-store.ts";
import { pemSigner, type Signer } from "./archive/signing.ts";
import { ExporterError } from "./errors.ts";
import type { SigningKeySetting } from "./read-keys.ts";

/**
 * Opens the key that signs a run's digest; null if none is set. Throws `ERR_SIGNING_KEY` if it cannot be used, or lies
 * in the archive itself, where whoever changes the archive could sign the change. The AWS SDK is loaded only if needed.
 */
export async function openSigner(setting: SigningKeySetting | null, archive: string): Promise<Signer | null> {
  if (setting === null) return null;
  if (setting.kind === "kms") {
    const { kmsSigner } = await import("./kms-signer.ts");
    return kmsSigner(setting.keyArn);
  }
  await refuseInside(setting.path, archive);
  return pemSigner(await readKeyFile(setting.path), setting.path);
}

/** The bytes of a key's file. Throws `ERR_SIGNING_KEY`. */
export async function readKeyFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `The key file ${path} cannot be read (${reason}). Check its name and its permissions.`;
    throw new ExporterError("ERR_SIGNING_KEY", message, { cause });
  }
}

async function refuseInside(path: string, archive: string): Promise<void> {
  const parsed = parseLocation(archive);
  if (parsed.kind !== "folder") return;
  const inside = relative(await realPath(parsed.path), await realPath(path));
  if (inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside)) return;
  const message = `The signing key ${path} lies in the archive. Keep it elsewhere: who can change the archive could sign.`;
  throw new ExporterError("ERR_SIGNING_KEY", message);
}

/** Without links, also of a path that does not exist yet. */
async function realPath(path: string): Promise<string> {
  const full = resolve(path);
  try {
    return await realpath(full);
  } catch {
    return dirname(full) === full ? full : join(await realPath(dirname(full)), basename(full));
  }
}
