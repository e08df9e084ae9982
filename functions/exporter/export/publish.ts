import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ledgerKey, parseSessionKey, rejectedKey, sessionKey, sessionsOfDay } from "../archive/layout.ts";
import { type LedgerEntry, type LedgerFile, readLedger, writeLedger } from "../archive/ledger.ts";
import type { ArchiveStore, LocalFile, Version } from "../archive/store.ts";
import type { Clock } from "../clock.ts";
import { ExporterError } from "../errors.ts";
import { writeSessionFile } from "../parquet/writer.ts";
import type { RejectedRow } from "./build-slice.ts";
import type { DayReading } from "./read-day.ts";
import { isMark, markRecord, type NextRecord, type RunFacts } from "./record.ts";

/** From the mark to the last part. Others take a mark to be abandoned a minute later. */
const PUBLISH_DEADLINE_MS = 5 * 60_000;
const MARK_LIFETIME_MS = 6 * 60_000;
const POLL_MS = 5_000;

/** How personal data is treated, as far as publishing is concerned. */
export interface RowProtection {
  /** The rules in their one spelling. */
  readonly spelling: string;
  /** What is kept of a rejected row's text. */
  rejectedText(raw: string): Promise<string | null>;
}

export interface PublishPorts {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  readonly personalData: Pick<RowProtection, "rejectedText">;
  /** A folder for this day's temporary files. */
  readonly scratch: string;
  /** Ends the waiting for other publishers; once publishing has begun it is brought to its end. */
  readonly signal?: AbortSignal;
}

/** A file that the day is to consist of. */
interface Target {
  readonly key: string;
  readonly containmentType: string | null;
  readonly rowCount: number;
  readonly file: LocalFile;
}

/**
 * The day's record, once nobody else is replacing its files: a run that is alive is waited for, the mark of one that
 * died is returned. On a folder the lock tells the two apart; on S3 the mark's age does. A mark of `ownRun` is that of a
 * process which this one has taken over from.
 */
export async function settledLedger(
  { store, clock, signal }: Pick<PublishPorts, "store" | "clock" | "signal">,
  run: Pick<RunFacts, "dt" | "source">,
  ownRun: string | null,
): Promise<LedgerEntry | null> {
  const key = ledgerKey(run.dt, run.source);
  let met = { version: "", at: 0 };
  for (;;) {
    const entry = await readLedger(store, key);
    if (entry === null || !isMark(entry.record) || entry.record.run_id === ownRun) return entry;
    if (store.excludesOthers) return store.exclusively(() => readLedger(store, key), signal);
    // By our own clock as well: the other's may be ahead.
    if (entry.version !== met.version) met = { version: entry.version, at: clock.now() };
    const since = Math.min(met.at, Date.parse(entry.record.finished_at));
    if (clock.now() >= since + MARK_LIFETIME_MS) return entry;
    await clock.sleep(POLL_MS, signal);
  }
}

/**
 * Makes the reading the day's content. `seen` is the record that the run started from: if another run has replaced it
 * since, nothing is written and `ERR_ARCHIVE_CHANGED` thrown.
 *
 * Unless every file already has its bytes, the ledger first says `incomplete` and lists every file old or new; then the
 * files that differ are written; then the final record, so that at no moment a record vouches for other bytes than
 * there are. Returns that record, and how many files were written.
 */
export async function publish(
  ports: PublishPorts,
  run: RunFacts,
  reading: DayReading,
  seen: LedgerEntry | null,
  base: NextRecord,
  finalRecord: (files: readonly LedgerFile[]) => NextRecord,
): Promise<{ entry: LedgerEntry; filesWritten: number }> {
  const { store } = ports;
  const key = ledgerKey(run.dt, run.source);
  const targets = await targetsOf(ports, run, reading);
  const files = targets.map(toLedgerFile).sort(byKey);
  return store.exclusively(async () => {
    await expectVersion(store, key, seen?.version ?? null);
    const changed = await differing(store, targets);
    const replaced = changed.length === 0 ? seen : await replaceFiles(ports, run, changed, files, seen, base);
    const entry = await writeLedger(store, key, finalRecord(files), replaced);
    return { entry, filesWritten: changed.length };
  }, ports.signal);
}

/** Writes the mark, then the files, and returns the mark for the final record to replace. */
async function replaceFiles(
  ports: PublishPorts,
  run: RunFacts,
  changed: readonly Target[],
  files: readonly LedgerFile[],
  seen: LedgerEntry | null,
  base: NextRecord,
): Promise<LedgerEntry> {
  const { store, clock } = ports;
  const key = ledgerKey(run.dt, run.source);
  const deadline = clock.now() + PUBLISH_DEADLINE_MS;
  const mark = await writeLedger(store, key, markRecord(base, run, files, clock.now()), seen);
  for (const target of changed) {
    await expectVersion(store, key, mark.version);
    const left = deadline - clock.now();
    if (left <= 0) throw tooSlow(run);
    const late = AbortSignal.timeout(left);
    await store.writeFile(target.key, target.file, late).catch((error: unknown) => {
      throw late.aborted ? tooSlow(run) : error;
    });
  }
  // A write that took too long may have landed on another run's files: that run's record must not stand unseen.
  await expectVersion(store, key, mark.version);
  return mark;
}

async function expectVersion(store: ArchiveStore, key: string, expected: Version | null): Promise<void> {
  if ((await store.version(key)) !== expected) throw changedMeanwhile(store, key);
}

/** What is thrown where a day's record is no longer the one that a run started from. */
export function changedMeanwhile(store: ArchiveStore, key: string): ExporterError {
  const message = `Another run has exported ${store.location}/${key} in the meantime.`;
  return new ExporterError("ERR_ARCHIVE_CHANGED", message);
}

function tooSlow(run: RunFacts): ExporterError {
  const message =
    `Writing the files of ${run.dt}, ${run.source}, took longer than ${PUBLISH_DEADLINE_MS / 60_000} minutes. ` +
    "The day is marked incomplete; the next export of it finishes the work.";
  return new ExporterError("ERR_PUBLISH_DEADLINE", message);
}

async function differing(store: ArchiveStore, targets: readonly Target[]): Promise<Target[]> {
  const changed: Target[] = [];
  for (const target of targets) if (!(await store.holds(target.key, target.file))) changed.push(target);
  return changed;
}

/**
 * Every file the day is to have: the reading's parts and rejected rows, and emptied files for keys it had before. What
 * it had is looked up in the archive itself: a record may be lost or tell of files that were never written, and a
 * forgotten part would show rows twice.
 */
async function targetsOf(ports: PublishPorts, run: RunFacts, reading: DayReading): Promise<Target[]> {
  const targets = reading.slices.flatMap((slice, index) =>
    slice.parts.map(({ type, rowCount, file }) => {
      const key = sessionKey(run.dt, type, run.source, index);
      return { key, containmentType: type as string | null, rowCount, file };
    }),
  );
  if (reading.rejected.length > 0) {
    const file = await writeRejected(await keptOf(ports, reading.rejected), join(ports.scratch, "rejected.jsonl"));
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

/** A file that the day has had: its key, and its containment type, null for rejected rows. */
type FormerFile = Pick<LedgerFile, "key" | "containment_type">;

/** The files of this day and source that lie in the archive: no other is ever touched, whatever a record lists. */
async function ownFiles(store: ArchiveStore, run: RunFacts): Promise<FormerFile[]> {
  const files: FormerFile[] = [];
  for await (const key of store.list(sessionsOfDay(run.dt))) {
    const parsed = parseSessionKey(key);
    if (parsed?.source === run.source) files.push({ key, containment_type: parsed.containmentType });
  }
  const rejected = rejectedKey(run.dt, run.source);
  if ((await store.version(rejected)) !== null) files.push({ key: rejected, containment_type: null });
  return files;
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
async function emptied(ports: PublishPorts, obsolete: readonly FormerFile[]): Promise<Target[]> {
  if (obsolete.length === 0) return [];
  const parquet = await writeSessionFile([], join(ports.scratch, "empty.parquet"));
  const text = await writeRejected([], join(ports.scratch, "empty.jsonl"));
  return obsolete.map(({ key, containment_type }) => {
    const file = containment_type === null ? text : parquet;
    return { key, containmentType: containment_type, rowCount: 0, file };
  });
}

/** A rejected row as it is archived. */
type KeptRow = Omit<RejectedRow, "raw"> & { readonly raw: string | null };

async function keptOf({ personalData }: PublishPorts, rows: readonly RejectedRow[]): Promise<KeptRow[]> {
  return Promise.all(rows.map(async (row) => ({ ...row, raw: await personalData.rejectedText(row.raw) })));
}

/** One line of JSON a row, in an order that does not depend on the order of arrival. */
async function writeRejected(rows: readonly KeptRow[], path: string): Promise<LocalFile> {
  const lines = rows.map(({ code, type, raw }) => `${JSON.stringify({ code, containment_type: type, raw })}\n`).sort();
  const body = Buffer.from(lines.join(""));
  await writeFile(path, body);
  return { path, bytes: body.length, sha256: createHash("sha256").update(body).digest("hex") };
}

function toLedgerFile({ key, containmentType, rowCount, file }: Target): LedgerFile {
  return { key, containment_type: containmentType, row_count: rowCount, bytes: file.bytes, sha256: file.sha256 };
}

function byKey(one: LedgerFile, other: LedgerFile): number {
  return one.key < other.key ? -1 : 1;
}
