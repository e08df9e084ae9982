import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parseLedgerKey, parseSessionKey } from "../../functions/exporter/archive/layout.ts";
import { listEntries } from "../../functions/exporter/archive/listing.ts";
import { parseLocation } from "../../functions/exporter/archive/open-store.ts";
import type { ArchiveStore } from "../../functions/exporter/archive/store.ts";
import { PREFIXES } from "../../functions/exporter/contract.ts";
import { ExporterError } from "../../functions/exporter/errors.ts";
import { warnOfLeftOut } from "../left-out.ts";
import type { Log } from "../log.ts";
import { ArchiveViews } from "./duckdb.ts";

/** Days whose files the views are to show; an end that is not given is open. */
export interface ViewDays {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** What views need besides their archive. */
export interface ViewParts {
  /** An empty folder for copies and for what does not fit in memory; the caller removes it. */
  readonly scratch: string;
  readonly log: Pick<Log, "warn">;
  readonly signal: AbortSignal;
}

/** Keys of an archive's session files and ledger records. */
export interface ArchiveFiles {
  readonly sessions: readonly string[];
  readonly exports: readonly string[];
  /** How many names below their prefixes are no such keys. */
  readonly leftOut: number;
}

/**
 * Opens views over some days of an archive, and warns of names that are no part of its layout. A folder is read where
 * it lies; anything else is copied to scratch first: a bucket, since DuckDB could read it only by downloading an
 * extension.
 */
export async function openViews(
  store: ArchiveStore,
  location: string,
  days: ViewDays,
  { scratch, log, signal }: ViewParts,
): Promise<ArchiveViews> {
  const files = await listArchive(store, days);
  warnOfLeftOut(log, files.leftOut);
  const parsed = parseLocation(location);
  if (parsed.kind === "folder") {
    return ArchiveViews.open({ ...files, folder: resolve(parsed.path), missing: new Map() }, scratch);
  }
  const folder = join(scratch, "copy");
  const missing = await copyTo(folder, store, [...files.sessions, ...files.exports], signal);
  return ArchiveViews.open({ ...files, folder, missing }, scratch);
}

/** Lists the files that the views are over: those whose names are keys of the layout, of the days asked for. */
export async function listArchive(
  store: ArchiveStore,
  { from = "", to = "9999-99-99" }: ViewDays,
): Promise<ArchiveFiles> {
  let leftOut = 0;
  const keysBelow = async (prefix: string, parse: (key: string) => { readonly day: string } | null) => {
    const keys: string[] = [];
    for await (const { key, parsed } of listEntries(store, prefix, parse, () => leftOut++)) {
      if (parsed.day >= from && parsed.day <= to) keys.push(key);
    }
    return keys;
  };
  const sessions = await keysBelow(PREFIXES.sessions, parseSessionKey);
  const exports = await keysBelow(PREFIXES.exports, parseLedgerKey);
  return { sessions, exports, leftOut };
}

/**
 * Copies objects, and returns the failures of those that are gone since they were listed. In their place lies a file
 * that can be read as nothing, so that a query fails if it needs one of them, and only then.
 */
async function copyTo(
  folder: string,
  store: ArchiveStore,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, ExporterError>> {
  const missing = new Map<string, ExporterError>();
  for (const key of keys) {
    signal.throwIfAborted();
    const path = join(folder, key);
    await mkdir(dirname(path), { recursive: true });
    try {
      await store.download(key, path);
    } catch (error) {
      if (!(error instanceof ExporterError && error.code === "ERR_ARCHIVE_OBJECT_MISSING")) throw error;
      missing.set(key, error);
      await writeFile(path, "missing");
    }
  }
  return missing;
}
