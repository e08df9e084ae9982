import { join } from "node:path";
import type { VouchedDay, VouchedFile } from "../archive/digest.ts";
import type { LedgerEntry, LedgerRecord } from "../archive/ledger.ts";
import { localFile } from "../archive/local-file.ts";
import type { PastReader } from "../archive/past.ts";
import type { ArchiveStore } from "../archive/store.ts";
import { ExporterError } from "../errors.ts";
import { archivedTotals, blankRecord, type NextRecord, type RunFacts } from "./record.ts";
import type { SourceDay } from "./seal.ts";
import { heldBy } from "./verdict.ts";

/** How the record that a run finds of a day stands with what digests vouch for. */
export interface Standing {
  /** True if it is the record that digests vouch for, or none where they vouch for none. */
  readonly isVouched: boolean;
  /** What a record says that keeps anything of what the run found; null if there is nothing to be said. */
  readonly adopted: LedgerRecord["adopted"];
  /** What the day was before anything was adopted, where the record does not tell; null if digests vouch for nothing else. */
  readonly sound: VouchedDay | null;
}

/** Holds the record that a run found of a day against what digests vouch for. */
export async function standingOf(
  entry: LedgerEntry | null,
  { dt, source }: SourceDay,
  reader: PastReader,
): Promise<Standing> {
  if (entry !== null && (await reader.vouches(dt, source, entry.sha256))) {
    const { adopted } = entry.record;
    const sound = adopted === null ? null : await (await reader.current()).sound(dt, source);
    return { isVouched: true, adopted, sound };
  }
  const past = await reader.current();
  const vouched = await past.vouched(dt, source);
  const sound = vouched === null ? null : await past.sound(dt, source);
  if (entry === null) {
    if (vouched === null) return { isVouched: true, adopted: null, sound };
    const reason = `The record that digests vouch for, ${vouched}, was not there.`;
    return { isVouched: false, adopted: { previous_sha256: null, reason }, sound };
  }
  const instead = vouched === null ? "no digest vouched for any" : `digests vouch for ${vouched}`;
  // What an unknown record says of earlier adoptions proves nothing.
  const reason = `The record that was found, of run ${printable(entry.record.run_id)}, was in no digest: ${instead}.`;
  return { isVouched: false, adopted: { previous_sha256: entry.sha256, reason }, sound };
}

/** Returns how many sessions digests vouched for before anything was adopted. */
export function soundSessions({ files }: VouchedDay): number {
  return rowsOf(files.filter(({ table }) => table === "sessions"));
}

/** What is looked at to make a record again. */
export interface RestorePorts {
  readonly store: ArchiveStore;
  /** A folder for temporary files. */
  readonly scratch: string;
}

/**
 * Makes a day's record again from what digests vouch for, where the record that was found tells of fewer sessions while
 * files that they vouch for still lie there: to go by that record would empty them. Null where there is nothing to save.
 */
export async function restoredRecord(
  found: LedgerEntry | null,
  { isVouched, adopted, sound }: Standing,
  run: RunFacts,
  ports: RestorePorts,
  now: number,
): Promise<NextRecord | null> {
  if (isVouched || sound === null || (found !== null && heldBy(found.record) >= soundSessions(sound))) return null;
  const listed = new Map(found?.record.files.map(({ key, sha256 }) => [key, sha256]));
  const unlisted = sound.files.filter((file) => file.row_count > 0 && listed.get(file.key) !== file.sha256);
  if (!(await isAnyIntact(unlisted, ports))) return null;
  return {
    ...blankRecord(run, now),
    archived: archivedTotals((type) => rowsOf(sound.files.filter((file) => file.containment_type === type))),
    rejected: rowsOf(sound.files.filter(({ table }) => table === "rejected")),
    files: sound.files.map(({ table: _table, version_id: _version, ...file }) => file),
    adopted,
  };
}

async function isAnyIntact(files: readonly VouchedFile[], { store, scratch }: RestorePorts): Promise<boolean> {
  for (const { key, bytes, sha256 } of files) {
    const path = join(scratch, "vouched.file");
    try {
      await store.download(key, path, bytes);
      if ((await localFile(path)).sha256 === sha256) return true;
    } catch (error) {
      if (!(error instanceof ExporterError) || !IS_ANOTHER.has(error.code)) throw error;
    }
  }
  return false;
}

const IS_ANOTHER: ReadonlySet<string> = new Set(["ERR_ARCHIVE_OBJECT_MISSING", "ERR_ARCHIVE_OBJECT_TOO_LARGE"]);

function rowsOf(files: readonly VouchedFile[]): number {
  return files.reduce((sum, { row_count }) => sum + row_count, 0);
}

function printable(text: string): string {
  return JSON.stringify(text.slice(0, 100)).slice(1, -1);
}
