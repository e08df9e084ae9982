import { sha256Of } from "../archive/digest.ts";
import { isKey } from "../archive/key.ts";
import { type Dataset, ledgerKey } from "../archive/layout.ts";
import { type LedgerFile, type LedgerRecord, parseRecord } from "../archive/ledger.ts";
import { type ArchiveStore, readOrTooLarge } from "../archive/store.ts";
import { ExporterError } from "../errors.ts";
import { isMark } from "../export/record.ts";
import type { VouchedState } from "./chain.ts";
import type { Find } from "./finding.ts";

/** A day of a source in a dataset. */
export interface DayPlace {
  readonly dataset: Dataset;
  readonly dt: string;
  readonly source: string;
}

/** A day of a source as the archive has it, with what it is to be measured by. */
export interface DayState extends DayPlace {
  /** True if its record is the one that is vouched for. */
  readonly isIntact: boolean;
  /** Null if there is none that can be read, or a run left it unfinished. */
  readonly record: LedgerRecord | null;
  /** The files that the day is to have: by its digest, or by its record where no digest vouches for it. */
  readonly files: readonly LedgerFile[];
}

/** Compares a day's ledger record with what its digest vouches for (`vouched`, if any does). */
export async function checkLedger(
  { dataset, dt, source }: DayPlace,
  vouched: VouchedState | undefined,
  store: ArchiveStore,
  find: Find,
): Promise<DayState> {
  const key = ledgerKey(dt, source, dataset);
  const state = (record: LedgerRecord | null, isIntact: boolean): DayState => {
    const settled = record === null || isMark(record) ? null : record;
    return { dataset, dt, source, record: settled, isIntact, files: vouched?.files ?? settled?.files ?? [] };
  };
  const object = isKey(key) ? await readOrTooLarge(store, key) : null;
  if (object === null) {
    const why = isKey(key) ? "was removed" : "is no key of an archive";
    find("ERR_VERIFY_FILE_MISSING", key, `${why}; digest ${vouched?.number} vouches for it.`);
    return state(null, false);
  }
  const body = object === "too large" ? Buffer.alloc(0) : object.body;
  const sha256 = sha256Of(body);
  const isIntact =
    vouched?.ledger.key === key && vouched.ledger.sha256 === sha256 && vouched.ledger.bytes === body.length;
  // What a record of messages says is for the program that wrote it; here it counts by its hash.
  if (isIntact && dataset === "messages") return state(null, true);
  const record = readRecord(body, key, find);
  if (!isIntact) tellOther(key, record, vouched, sha256, find);
  return state(record, isIntact);
}

function tellOther(
  key: string,
  record: LedgerRecord | null,
  vouched: VouchedState | undefined,
  sha256: string,
  find: Find,
): void {
  if (record !== null && isMark(record)) {
    const message = `says that run ${record.run_id} is replacing the day's files, or died doing so. Export the day again.`;
    find("ERR_VERIFY_DAY_UNFINISHED", key, message);
  } else if (vouched === undefined) {
    const message =
      "is in no digest: it was slipped in, or no run has looked at the day since digests exist. If it is yours,";
    find("ERR_VERIFY_NOT_VOUCHED", key, `${message} export the day: the run's digest vouches for it.`);
  } else {
    find("ERR_VERIFY_LEDGER_CHANGED", key, otherRecord(key, vouched, sha256));
  }
}

function otherRecord(key: string, { number, ledger, history }: VouchedState, sha256: string): string {
  if (ledger.key !== key) return `is not the record that digest ${number} names for the day, which is ${ledger.key}.`;
  const by = `digest ${number} vouches for another record`;
  if (history.some(({ day }) => day.ledger.sha256 === sha256)) return `is an earlier record that was put back; ${by}.`;
  return `was edited, or a run died before its digest: ${by}, SHA-256 ${ledger.sha256}.`;
}

function readRecord(body: Buffer, key: string, find: Find): LedgerRecord | null {
  try {
    return parseRecord(body.toString("utf8"), key, key);
  } catch (error) {
    if (!(error instanceof ExporterError) || error.code !== "ERR_LEDGER_UNREADABLE") throw error;
    find("ERR_VERIFY_LEDGER_DAMAGED", key, error.message);
    return null;
  }
}
