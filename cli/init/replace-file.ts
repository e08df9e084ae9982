import { randomUUID } from "node:crypto";
import { open, realpath, rename, rm } from "node:fs/promises";
import { SettingsError } from "../../functions/exporter/errors.ts";

/**
 * Puts text in place of a file, whole or not at all. `mode` are its permissions, whatever they were before. Throws
 * `SettingsError` if it cannot be written.
 */
export async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  // A link stays one: what it points to is replaced.
  const target = await realpath(path).catch(() => path);
  const fresh = `${target}.${randomUUID()}`;
  try {
    const file = await open(fresh, "wx", mode);
    try {
      await file.chmod(mode);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, target);
  } catch (error) {
    await rm(fresh, { force: true });
    throw new SettingsError([`${path} cannot be written (${String(error)}); make the folder writable.`]);
  }
}
