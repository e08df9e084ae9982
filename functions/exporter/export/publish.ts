import { join } from "node:path";
import { ledgerKey, rejectedKey, sessionKey } from "../archive/layout.ts";
import type { LedgerEntry, LedgerFile } from "../archive/ledger.ts";
import { writeSessionFile } from "../parquet/writer.ts";
import type { RejectedRow } from "./build-slice.ts";
import type { ErasedUsers } from "./erased-users.ts";
import type { DayReading } from "./read-day.ts";
import { markRecord, type NextRecord, type RunFacts } from "./record.ts";
import {
  changedMeanwhile,
  type DayFile,
  type FormerFile,
  type KeptRow,
  ownFiles,
  type ReplacePorts,
  replaceDay,
  writeRejected,
} from "./replace-day.ts";

/** How personal data is treated, as far as publishing is concerned. */
export interface RowProtection {
  /** The rules in their one spelling. */
  readonly spelling: string;
  /** What is kept of a rejected row's text. */
  rejectedText(raw: string): Promise<string | null>;
}

export interface PublishPorts extends ReplacePorts {
  readonly personalData: Pick<RowProtection, "rejectedText">;
  /** The users whose rows are left out, as the archive has them now. */
  readonly erasedUsers: () => Promise<ErasedUsers>;
  /** A folder for this day's temporary files. */
  readonly scratch: string;
}

/**
 * Makes the reading the day's content, as `replaceDay` does. Throws `ERR_ARCHIVE_CHANGED` if another run has replaced
 * the record `seen` since, or a user was erased whose rows the reading has.
 */
export async function publish(
  ports: PublishPorts,
  run: RunFacts,
  reading: DayReading,
  seen: LedgerEntry | null,
  base: NextRecord,
  finalRecord: (files: readonly LedgerFile[]) => NextRecord,
): Promise<{ entry: LedgerEntry; filesWritten: number }> {
  const erased = await currentErased(ports, run, reading);
  const replacement = {
    files: await targetsOf(ports, run, reading, erased),
    mark: (files: readonly LedgerFile[]) => markRecord(base, run, files, ports.clock.now()),
    final: finalRecord,
    confirm: async () => void (await currentErased(ports, run, reading)),
  };
  return replaceDay(ports, run, replacement, seen);
}

/** The erased users, if they still are those whom the reading left out. */
async function currentErased(ports: PublishPorts, run: RunFacts, { slices }: DayReading): Promise<ErasedUsers> {
  const erased = await ports.erasedUsers();
  if (slices.every((slice) => slice.erased.users === erased.name)) return erased;
  throw changedMeanwhile(ports.store, ledgerKey(run.dt, run.source));
}

/**
 * Every file the day is to have: the reading's parts and rejected rows, and emptied files for keys it had before. What
 * it had is looked up in the archive itself: a record may be lost or tell of files that were never written, and a
 * forgotten part would show rows twice.
 */
async function targetsOf(
  ports: PublishPorts,
  run: RunFacts,
  reading: DayReading,
  erased: ErasedUsers,
): Promise<DayFile[]> {
  const targets = reading.slices.flatMap((slice, index) =>
    slice.parts.map(({ type, rowCount, file }) => {
      const key = sessionKey(run.dt, type, run.source, index);
      return { key, containmentType: type as string | null, rowCount, file };
    }),
  );
  if (reading.rejected.length > 0) {
    const file = await writeRejected(
      await keptOf(ports, reading.rejected, erased),
      join(ports.scratch, "rejected.jsonl"),
    );
    targets.push({
      key: rejectedKey(run.dt, run.source),
      containmentType: null,
      rowCount: reading.rejected.length,
      file,
    });
  }
  const kept = new Set(targets.map(({ key }) => key));
  const obsolete = (await ownFiles(ports.store, run)).filter(({ key }) => !kept.has(key));
  return [...targets, ...(await emptied(ports, obsolete))];
}

/** True if any of the day's own session files is more than an empty one. */
export async function holdsRows(ports: PublishPorts, run: RunFacts): Promise<boolean> {
  const parts = (await ownFiles(ports.store, run)).filter((file) => file.containment_type !== null);
  if (parts.length === 0) return false;
  const empty = await writeSessionFile([], join(ports.scratch, "empty.parquet"));
  for (const { key } of parts) if (!(await ports.store.holds(key, empty))) return true;
  return false;
}

/** The exporter never deletes: a part that is no longer needed becomes an empty Parquet file. */
async function emptied(ports: PublishPorts, obsolete: readonly FormerFile[]): Promise<DayFile[]> {
  if (obsolete.length === 0) return [];
  const parquet = await writeSessionFile([], join(ports.scratch, "empty.parquet"));
  const text = await writeRejected([], join(ports.scratch, "empty.jsonl"));
  return obsolete.map(({ key, containment_type }) => {
    const file = containment_type === null ? text : parquet;
    return { key, containmentType: containment_type, rowCount: 0, file };
  });
}

/** Of a row with an erased user's id in it nothing is kept but that it was there: it counts in what Kore reports. */
async function keptOf(
  { personalData }: PublishPorts,
  rows: readonly RejectedRow[],
  erased: ErasedUsers,
): Promise<KeptRow[]> {
  return Promise.all(
    rows.map(async ({ code, type, raw }) => {
      const isErased = erased.inJson(raw) !== null;
      return { code, type, raw: isErased ? null : await personalData.rejectedText(raw) };
    }),
  );
}
