import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parseRejectedKey, parseSessionKey } from "../archive/layout.ts";
import { listEntries, type Stray } from "../archive/listing.ts";
import type { ArchiveStore } from "../archive/store.ts";
import { PREFIXES } from "../contract.ts";
import type { Day } from "../export/calendar.ts";
import type { ErasedUsers } from "../export/erased-users.ts";
import { rejectedRows } from "./rejected-file.ts";
import type { SessionTexts } from "./session-texts.ts";

/** The days to look at, both included; null: no bound. */
export interface DayRange {
  readonly from: Day | null;
  readonly to: Day | null;
}

/** Who is looked for. */
export interface Wanted {
  /** The ids as Kore sends them, and as they are archived where they are hashed. */
  readonly userIds: readonly string[];
  /** The same people, for texts that only a program can read. */
  readonly users: ErasedUsers;
}

/** A file that holds rows of somebody who is looked for. */
export interface FoundFile {
  readonly key: string;
  readonly dt: Day;
  readonly source: string;
  readonly rows: number;
}

/** True for a day within the range. */
export function isWithin(dt: Day, { from, to }: DayRange): boolean {
  return (from === null || dt >= from) && (to === null || dt <= to);
}

/**
 * Looks for people in every file of the days, one file at a time; `scratch` is a folder for its copy. `onFile` hears how
 * many files have been looked at, `onStray` of names that are no files of the archive.
 */
export async function findRows(
  store: ArchiveStore,
  wanted: Wanted,
  range: DayRange,
  texts: SessionTexts,
  scratch: string,
  signal?: AbortSignal,
  onFile?: (done: number) => void,
  onStray?: (stray: Stray) => void,
): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  let done = 0;
  for (const prefix of [PREFIXES.sessions, PREFIXES.rejected]) {
    for await (const { key, parsed: place } of listEntries(store, prefix, placeOf, onStray)) {
      signal?.throwIfAborted();
      if (!isWithin(place.dt, range)) continue;
      const path = join(scratch, "looked-at");
      await store.download(key, path);
      const rows = await rowsIn(path, key, wanted, texts);
      if (rows > 0) found.push({ key, ...place, rows });
      await rm(path, { force: true });
      onFile?.(++done);
    }
  }
  return found;
}

/** Rows of people who are looked for in a file, or an earlier version of it, of which a copy lies at a path. */
export async function rowsIn(path: string, key: string, wanted: Wanted, texts: SessionTexts): Promise<number> {
  if (parseSessionKey(key) !== null) return texts.countOf(wanted.userIds, { key, path });
  return (await rejectedRows(path, key, wanted.users)).filter(({ erasure }) => erasure !== null).length;
}

function placeOf(key: string): { dt: Day; source: string } | null {
  const place = parseSessionKey(key) ?? parseRejectedKey(key);
  return place && { dt: place.day, source: place.source };
}
