import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { ledgerKey, parseSessionKey, rejectedKey, sessionsOfDay } from "../archive/layout.ts";
import { type LedgerEntry, type LedgerFile, readLedger, writeLedger } from "../archive/ledger.ts";
import { objectKeys } from "../archive/listing.ts";
import type { ArchiveStore, LocalFile, Version } from "../archive/store.ts";
import type { Clock } from "../clock.ts";
import { ExporterError } from "../errors.ts";
import type { RejectedRow } from "./build-slice.ts";
import { isMark, type NextRecord } from "./record.ts";
import type { SourceDay } from "./seal.ts";

/** From the mark to the last part. Others take a mark to be abandoned a minute later. */
const PUBLISH_DEADLINE_MS = 5 * 60_000;
const MARK_LIFETIME_MS = 6 * 60_000;
const POLL_MS = 5_000;

/** What the replacing of a day's files needs. */
export interface ReplacePorts {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  /** Ends the waiting for other publishers; once publishing has begun it is brought to its end. */
  readonly signal?: AbortSignal;
}

/** A file that the day is to consist of. */
export interface DayFile {
  readonly key: string;
  readonly containmentType: string | null;
  readonly rowCount: number;
  readonly file: LocalFile;
}

/** What a day is to become. */
export interface Replacement {
  readonly files: readonly DayFile[];
  /** The record that stands while files are replaced; it lists every file that is given to it. */
  readonly mark: (files: readonly LedgerFile[]) => NextRecord;
  readonly final: (files: readonly LedgerFile[]) => NextRecord;
  /** Called between the mark and the first file. Throws if the files are no longer to be put in place. */
  readonly confirm: () => Promise<void>;
}

/**
 * The day's record, once nobody else is replacing its files: a run that is alive is waited for, the mark of one that
 * died is returned. On a folder the lock tells the two apart; on S3 the mark's age does. A mark of `ownRun` is that of a
 * process which this one has taken over from.
 */
export async function settledLedger(
  { store, clock, signal }: Pick<ReplacePorts, "store" | "clock" | "signal">,
  run: SourceDay,
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
 * Puts a day's files in place. `seen` is the record that the caller started from: if another run has replaced it since,
 * nothing is written and `ERR_ARCHIVE_CHANGED` thrown.
 *
 * Unless every file already has its bytes, the ledger first says `incomplete` and lists every file old or new; then the
 * files that differ are written; then the final record, so that at no moment a record vouches for other bytes than
 * there are. Returns that record, and how many files were written.
 */
export async function replaceDay(
  ports: ReplacePorts,
  run: SourceDay,
  replacement: Replacement,
  seen: LedgerEntry | null,
): Promise<{ entry: LedgerEntry; filesWritten: number }> {
  const { store } = ports;
  const key = ledgerKey(run.dt, run.source);
  const files = replacement.files.map(toLedgerFile).sort(byKey);
  return store.exclusively(async () => {
    await expectVersion(store, key, seen?.version ?? null);
    const changed = await differing(store, replacement.files);
    const replaced = changed.length === 0 ? seen : await replaceFiles(ports, run, changed, files, seen, replacement);
    const entry = await writeLedger(store, key, replacement.final(files), replaced);
    return { entry, filesWritten: changed.length };
  }, ports.signal);
}

/** Writes the mark, then the files, and returns the mark for the final record to replace. */
async function replaceFiles(
  { store, clock }: ReplacePorts,
  run: SourceDay,
  changed: readonly DayFile[],
  files: readonly LedgerFile[],
  seen: LedgerEntry | null,
  replacement: Replacement,
): Promise<LedgerEntry> {
  const key = ledgerKey(run.dt, run.source);
  const deadline = clock.now() + PUBLISH_DEADLINE_MS;
  const mark = await writeLedger(store, key, replacement.mark(files), seen);
  await replacement.confirm();
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
  const message = `Another run has written ${store.location}/${key} in the meantime. Run again once it has ended.`;
  return new ExporterError("ERR_ARCHIVE_CHANGED", message);
}

function tooSlow(run: SourceDay): ExporterError {
  const message =
    `Writing the files of ${run.dt}, ${run.source}, took longer than ${PUBLISH_DEADLINE_MS / 60_000} minutes. ` +
    "The day is marked incomplete; the next export of it finishes the work.";
  return new ExporterError("ERR_PUBLISH_DEADLINE", message);
}

async function differing(store: ArchiveStore, targets: readonly DayFile[]): Promise<DayFile[]> {
  const changed: DayFile[] = [];
  for (const target of targets) if (!(await store.holds(target.key, target.file))) changed.push(target);
  return changed;
}

/** A file that the day has had: its key, and its containment type, null for rejected rows. */
export type FormerFile = Pick<LedgerFile, "key" | "containment_type">;

/** The files of this day and source that lie in the archive: no other is ever touched, whatever a record lists. */
export async function ownFiles(store: ArchiveStore, run: SourceDay): Promise<FormerFile[]> {
  const files: FormerFile[] = [];
  for await (const key of objectKeys(store, sessionsOfDay(run.dt))) {
    const parsed = parseSessionKey(key);
    if (parsed?.source === run.source) files.push({ key, containment_type: parsed.containmentType });
  }
  const rejected = rejectedKey(run.dt, run.source);
  if ((await store.version(rejected)) !== null) files.push({ key: rejected, containment_type: null });
  return files;
}

/** A rejected row as it is archived. */
export type KeptRow = Pick<RejectedRow, "code" | "type"> & { readonly raw: string | null };

/** One line of JSON a row, in an order that does not depend on the order of arrival. */
export async function writeRejected(rows: readonly KeptRow[], path: string): Promise<LocalFile> {
  const lines = rows.map(({ code, type, raw }) => `${JSON.stringify({ code, containment_type: type, raw })}\n`).sort();
  const body = Buffer.from(lines.join(""));
  await writeFile(path, body);
  return { path, bytes: body.length, sha256: createHash("sha256").update(body).digest("hex") };
}

function toLedgerFile({ key, containmentType, rowCount, file }: DayFile): LedgerFile {
  return { key, containment_type: containmentType, row_count: rowCount, bytes: file.bytes, sha256: file.sha256 };
}

function byKey(one: LedgerFile, other: LedgerFile): number {
  return one.key < other.key ? -1 : 1;
}
