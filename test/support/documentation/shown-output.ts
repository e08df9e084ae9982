import { NAMES, type World } from "./world.ts";

/**
 * A text in which everything that differs from run to run has one spelling. This is all that is not compared: the address
 * of the stand-in, the scratch folder, hashes, ids of archives, sizes of files and free space on the disk, and the version of Node.js.
 */
export function normalised(text: string, { koreUrl }: Pick<World, "koreUrl">, folder: string): string {
  return text
    .replaceAll(koreUrl, NAMES.host)
    .replaceAll(folder, "/home/you/kore-session-archive")
    .replaceAll(/\b[0-9a-f]{64}\b/g, "HASH")
    .replaceAll(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "UUID")
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, "http://127.0.0.1:PORT")
    .replaceAll(/\b[\d,.]+ [kMGT]?B\b/g, "SIZE")
    .replaceAll(/(Node\.js +)\d+\.\d+\.\d+/g, "$1VERSION")
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
    .trim();
}

/** Whether a document's text shows what was printed: a line with only `…` stands for any lines, `…` elsewhere for any text in its line. */
export function shows(shown: string, printed: string): boolean {
  const pattern = shown
    .split("\n")
    .map((line) => (line.trim() === "…" ? "(?:.*\n)*?" : `${line.split("…").map(literally).join(".*")}\n`))
    .join("");
  return new RegExp(`^${pattern}$`).test(`${printed}\n`);
}

function literally(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
