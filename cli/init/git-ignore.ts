import { execFile } from "node:child_process";
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { SettingsError } from "../../functions/exporter/errors.ts";
import { ENVIRONMENT_FILE } from "../environment-file.ts";

/** What keeps `.env` out of git: it was ignored already, or is from now on; or there is no repository here. */
export type GitIgnore = "ignored" | "added" | "no repository";

/** Throws `SettingsError` if git keeps `.env` of a folder: a secret written to it would be in the next commit. */
export async function checkNotTracked(folder: string): Promise<void> {
  if ((await git(folder, "ls-files", "--error-unmatch", ENVIRONMENT_FILE)) !== 0) return;
  const path = join(folder, ENVIRONMENT_FILE);
  throw new SettingsError([`git tracks ${path}, which is to hold a secret; run git rm --cached ${path} first.`]);
}

/** Makes sure that git ignores `.env` in a folder: adds it to the folder's `.gitignore` if need be. */
export async function ignoreEnvironmentFile(folder: string): Promise<GitIgnore> {
  const ignored = await git(folder, "check-ignore", "--no-index", "--quiet", ENVIRONMENT_FILE);
  if (ignored === 0) return "ignored";
  if (ignored !== 1) return "no repository";
  const path = join(folder, ".gitignore");
  const text = await readFile(path, "utf8").catch(() => "");
  await appendFile(path, `${text === "" || text.endsWith("\n") ? "" : "\n"}${ENVIRONMENT_FILE}\n`);
  return "added";
}

/** The exit code of git in a folder; null if it cannot be run. */
function git(folder: string, ...args: readonly string[]): Promise<number | null> {
  return new Promise((resolve) => {
    execFile("git", args, { cwd: folder }, (error) => {
      if (error === null) resolve(0);
      else resolve(typeof error.code === "number" ? error.code : null);
    });
  });
}
