import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { LedgerRecord } from "../../functions/exporter/archive/ledger.ts";
import { filesBelow } from "./files.ts";

/**
 * What is wrong between a folder's ledger records and its files: a record that is not `incomplete` must list exactly
 * the day's files with the bytes that lie there. Empty if all is well.
 */
export async function brokenVouchers(archive: string): Promise<string[]> {
  const broken: string[] = [];
  const onDisk = await filesBelow(join(archive, "sessions"));
  for (const { path } of await filesBelow(join(archive, "exports"))) {
    const record = JSON.parse(await readFile(join(archive, "exports", path), "utf8")) as LedgerRecord;
    if (record.status === "incomplete") continue;
    const listed = record.files.filter((file) => file.containment_type !== null);
    const there = onDisk.filter(
      (file) => file.path.startsWith(`dt=${record.dt}/`) && file.path.includes(record.source),
    );
    if (listed.length !== there.length) broken.push(`${path}: lists ${listed.length} files, ${there.length} are there`);
    for (const file of record.files) {
      const bytes = await readFile(join(archive, file.key)).catch(() => Buffer.from("missing"));
      if (createHash("sha256").update(bytes).digest("hex") !== file.sha256) broken.push(`${path}: ${file.key} differs`);
    }
  }
  return broken;
}
