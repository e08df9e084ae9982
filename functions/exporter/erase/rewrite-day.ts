import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { ledgerKey, parseSessionKey } from "../archive/layout.ts";
import type { LedgerEntry, LedgerFile } from "../archive/ledger.ts";
import { localFile } from "../archive/local-file.ts";
import type { PastReader } from "../archive/past.ts";
import type { ArchiveStore } from "../archive/store.ts";
import type { Clock } from "../clock.ts";
import { ExporterError } from "../errors.ts";
import { standingOf } from "../export/adoption.ts";
import { type ErasedUsers, type Erasure, unitedErasures } from "../export/erased-users.ts";
import { erasedRecord, erasureMark } from "../export/erasure-record.ts";
import { archivedTotals, isMark } from "../export/record.ts";
import {
  changedMeanwhile,
  type DayFile,
  type FormerFile,
  ownFiles,
  replaceDay,
  settledLedger,
  writeRejected,
} from "../export/replace-day.ts";
import type { SourceDay, WrittenDay } from "../export/seal.ts";
import { Tally, talliedRows } from "../export/tally.ts";
import { sessionOf } from "../kore/wire.ts";
import { writeSessionFile } from "../parquet/writer.ts";
import { rejectedRows } from "./rejected-file.ts";
import type { SessionTexts } from "./session-texts.ts";

/** How often a day is rewritten anew because a run came between. */
const MOST_ATTEMPTS = 5;

/** What the rewriting of a day needs. */
export interface RewritePorts {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  readonly runId: string;
  readonly exporterVersion: string;
  readonly texts: SessionTexts;
  /** The users whose rows are left out, as the archive has them now. */
  readonly erasedUsers: () => Promise<ErasedUsers>;
  readonly past: PastReader;
  readonly scratch: string;
  readonly signal?: AbortSignal;
}

/** What became of a day. */
export interface RewrittenDay extends WrittenDay {
  readonly filesWritten: number;
  readonly rowsErased: number;
}

/**
 * Writes a day's files anew without the rows of erased users, and records it, by the protocol of an export: what is not
 * changed keeps its bytes, and what is gets those that an export would give it. Throws `ERR_LEDGER_UNREADABLE` for a day
 * without a record, `ERR_FILE_NOT_LISTED` if a file is not the one that the record lists.
 */
export async function rewriteDay(day: SourceDay, ports: RewritePorts): Promise<RewrittenDay> {
  for (let attempt = 1; ; attempt++) {
    const folder = await mkdtemp(join(ports.scratch, "day-"));
    try {
      return await rewriteOnce(day, ports, folder);
    } catch (error) {
      const isChanged = error instanceof ExporterError && error.code === "ERR_ARCHIVE_CHANGED";
      if (!isChanged || attempt === MOST_ATTEMPTS) throw error;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

async function rewriteOnce(day: SourceDay, ports: RewritePorts, folder: string): Promise<RewrittenDay> {
  const { store, clock } = ports;
  const entry = await settledLedger(ports, day, null);
  if (entry === null) throw withoutRecord(day, store);
  const erased = await ports.erasedUsers();
  const rewriting = new Rewriting(entry, erased, ports, folder);
  for (const file of await ownFiles(store, day)) await rewriting.add(file);
  const { files, tally, rejectedErased } = rewriting;
  const run = { runId: ports.runId, exporterVersion: ports.exporterVersion };
  const erasures = unitedErasures(entry.record.erasures, tally.leftOut, rejectedErased);
  const { adopted } = await standingOf(entry, day, ports.past);
  const rowsOf = (type: string) =>
    files.reduce((sum, file) => sum + (file.containmentType === type ? file.rowCount : 0), 0);
  const facts = { archived: archivedTotals(rowsOf), tally, erasures, adopted };
  const confirm = async () => {
    if ((await ports.erasedUsers()).name !== erased.name) throw changedMeanwhile(store, ledgerKey(day.dt, day.source));
  };
  const mark = (listed: readonly LedgerFile[]) => erasureMark(entry.record, run, listed, erasures, clock.now());
  const final = (listed: readonly LedgerFile[]) => erasedRecord(entry.record, run, listed, facts, clock.now());
  const written = await replaceDay(ports, day, { files, mark, final, confirm }, entry);
  const rowsErased = tally.leftOut.reduce((sum, { rows }) => sum + rows, 0) + rejectedErased.length;
  return { ...day, filesWritten: written.filesWritten, rowsErased, ledgerSha256: written.entry.sha256 };
}

/** A day's files, as they are to be. */
class Rewriting {
  readonly files: DayFile[] = [];
  readonly tally = new Tally();
  /** One for each rejected row whose text goes. */
  readonly rejectedErased: Erasure[] = [];
  readonly #entry: LedgerEntry;
  readonly #erased: ErasedUsers;
  readonly #ports: RewritePorts;
  readonly #folder: string;

  constructor(entry: LedgerEntry, erased: ErasedUsers, ports: RewritePorts, folder: string) {
    this.#entry = entry;
    this.#erased = erased;
    this.#ports = ports;
    this.#folder = folder;
  }

  async add({ key, containment_type: containmentType }: FormerFile): Promise<void> {
    const stem = join(this.#folder, `file-${this.files.length}`);
    await this.#ports.store.download(key, `${stem}.old`);
    await this.#refuseOther(key, `${stem}.old`);
    const isSessions = parseSessionKey(key) !== null;
    const { rowCount, file } = isSessions ? await this.#sessions(key, stem) : await this.#rejected(key, stem);
    this.files.push({ key, containmentType, rowCount, file });
  }

  async #sessions(key: string, stem: string) {
    const texts = await this.#ports.texts.textsOf({ key, path: `${stem}.old` });
    const rows = talliedRows(texts.map(sessionOf), this.#erased, this.tally);
    const { rowCount, ...file } = await writeSessionFile(rows, `${stem}.new`);
    if (rowCount < texts.length) return { rowCount, file };
    return { rowCount, file: await localFile(`${stem}.old`) };
  }

  async #rejected(key: string, stem: string) {
    const rows = await rejectedRows(`${stem}.old`, key, this.#erased);
    this.rejectedErased.push(...rows.flatMap(({ erasure }) => erasure ?? []));
    const kept = rows.map(({ row, erasure }) => (erasure === null ? row : { ...row, raw: null }));
    return { rowCount: rows.length, file: await writeRejected(kept, `${stem}.new`) };
  }

  /** To write over a file that somebody changed would hide that. While files are replaced, nothing tells. */
  async #refuseOther(key: string, path: string): Promise<void> {
    const { record } = this.#entry;
    if (isMark(record)) return;
    const listed = record.files.find((file) => file.key === key);
    if (listed?.sha256 === (await localFile(path)).sha256) return;
    const message = `${this.#ports.store.location}/${key} is not the file that its ledger record lists. Run verify, and restore it.`;
    throw new ExporterError("ERR_FILE_NOT_LISTED", message);
  }
}

function withoutRecord({ dt, source }: SourceDay, { location }: ArchiveStore): ExporterError {
  const message =
    `${location}/${ledgerKey(dt, source)} is missing, while there are files of that day. Restore it, or export the ` +
    "day; an export leaves erased users out.";
  return new ExporterError("ERR_LEDGER_UNREADABLE", message);
}
