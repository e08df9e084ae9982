import { readFile } from "node:fs/promises";
import { ExporterError } from "../errors.ts";
import type { ErasedUsers, Erasure } from "../export/erased-users.ts";
import type { KeptRow } from "../export/replace-day.ts";

/** The rows of a file of rejected rows, with the erasure of each that holds an erased user's id. */
export async function rejectedRows(
  path: string,
  key: string,
  erased: ErasedUsers,
): Promise<{ readonly row: KeptRow; readonly erasure: Erasure | null }[]> {
  return erasuresIn(await readFile(path, "utf8"), key, erased);
}

/** The same of a file's content. Throws `ERR_FILE_NOT_LISTED` if that is no file of rejected rows. */
export function erasuresIn(content: string, key: string, erased: ErasedUsers) {
  const lines = content.split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const row = rowIn(line, key);
    return { row, erasure: row.raw === null ? null : erased.inJson(row.raw) };
  });
}

function rowIn(line: string, key: string): KeptRow {
  try {
    const { code, containment_type: type, raw } = JSON.parse(line);
    return { code, type, raw };
  } catch (cause) {
    const message = `${key} is no file of rejected rows. Run verify, and restore an earlier version of it.`;
    throw new ExporterError("ERR_FILE_NOT_LISTED", message, { cause });
  }
}
