import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { parseLedgerKey, parseSessionKey } from "../../functions/exporter/archive/layout.ts";
import { objectKeys } from "../../functions/exporter/archive/listing.ts";
import { parseLocation } from "../../functions/exporter/archive/open-store.ts";
import type { ArchiveStore } from "../../functions/exporter/archive/store.ts";
import { PREFIXES } from "../../functions/exporter/contract.ts";
import { openArchive } from "./duckdb.ts";

/** Days whose files the views are to show; an end that is not given is open. */
export interface ViewDays {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/**
 * Opens DuckDB with views over some days of an archive. A whole folder is read where it lies; anything else is copied to
 * `scratch` first, which the caller removes: a bucket, since DuckDB could read it only by downloading an extension.
 */
export async function openViews(
  store: ArchiveStore,
  location: string,
  scratch: string,
  days: ViewDays = {},
): Promise<DuckDBConnection> {
  const parsed = parseLocation(location);
  const folder = parsed.kind === "folder" && days.from === undefined && days.to === undefined ? parsed.path : undefined;
  const keys = await keysBetween(store, days);
  if (folder === undefined) await copyTo(scratch, store, keys);
  const present = {
    sessions: keys.some((key) => key.startsWith(PREFIXES.sessions)),
    exports: keys.some((key) => key.startsWith(PREFIXES.exports)),
  };
  return openArchive(folder ?? scratch, present);
}

/** Keys of session files and ledger records between the days asked for. */
async function keysBetween(store: ArchiveStore, { from, to }: ViewDays): Promise<string[]> {
  const keys: string[] = [];
  for (const prefix of [PREFIXES.sessions, PREFIXES.exports]) {
    for await (const key of objectKeys(store, `${prefix}/`)) {
      const day = (parseSessionKey(key) ?? parseLedgerKey(key))?.day;
      if (day !== undefined && (from === undefined || day >= from) && (to === undefined || day <= to)) keys.push(key);
    }
  }
  return keys;
}

async function copyTo(folder: string, store: ArchiveStore, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const path = join(folder, key);
    await mkdir(dirname(path), { recursive: true });
    await store.download(key, path);
  }
}
