import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SettingsError } from "../../functions/exporter/errors.ts";
import { ENVIRONMENT_FILE, variablesOf } from "../environment-file.ts";
import type { Answers } from "./answers.ts";
import { type Change, changesBetween } from "./change.ts";
import { withVariables } from "./environment-text.ts";

/** A file that is about to be written. */
export interface PlannedFile {
  readonly path: string;
  readonly text: string;
  /** Its permissions. */
  readonly mode: number;
  readonly changes: readonly Change[];
}

/** The text of a file, or null if there is none. Throws `SettingsError` if it cannot be read. */
export async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new SettingsError([`${path} cannot be read (${String(error)}); move it out of the way.`]);
  }
}

/** `.env` of a folder with the answers, for its owner only. */
export async function planEnvironmentFile(folder: string, answers: Answers): Promise<PlannedFile> {
  const path = join(folder, ENVIRONMENT_FILE);
  const before = await textOf(path);
  const text = withVariables(before, answers);
  return { path, text, mode: 0o600, changes: changesBetween(variablesOf(before ?? ""), variablesOf(text)) };
}
