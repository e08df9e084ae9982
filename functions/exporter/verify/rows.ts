import { ledgerKey, parseSessionKey } from "../archive/layout.ts";
import type { LedgerFile, LedgerRecord } from "../archive/ledger.ts";
import { ACCOUNT_SOURCE, CONTAINMENT_TYPES, type PartitionType, UNCLASSIFIED } from "../contract.ts";
import { missingSessions } from "../export/record.ts";
import type { DayState } from "./day.ts";
import type { Find } from "./finding.ts";
import type { LocalCopy } from "./local-copies.ts";
import { wrongLines } from "./rejected-lines.ts";
import type { FileFacts, RowPlace, SessionReader } from "./session-reader.ts";

/** So many duplicate sessions of a day are named. */
const NAMED = 5;

/** A file of a day, as it is to be and as it is. */
export interface TakenFile {
  readonly file: LedgerFile;
  readonly copy: LocalCopy;
}

/** Reads the rows of a day's files, finds what does not add up, and returns how many session rows there are. */
export async function checkRows(
  day: DayState,
  taken: readonly TakenFile[],
  reader: SessionReader,
  find: Find,
): Promise<number> {
  const readable: string[] = [];
  const byType = new Map<string, number>();
  for (const { file, copy } of taken) {
    if (file.containment_type === null) {
      await checkRejected(day, file, copy, find);
      continue;
    }
    const facts = await reader.facts(copy.path, placeOf(day));
    tellFacts(file, facts, find);
    if (facts.kind !== "sessions") continue;
    readable.push(copy.path);
    const type = parseSessionKey(file.key)?.containmentType ?? "";
    byType.set(type, (byType.get(type) ?? 0) + facts.rows);
  }
  const twice = await reader.duplicates(readable, NAMED + 1);
  if (twice.length > 0) {
    const more = twice.length > NAMED ? " and more" : "";
    const ids = twice.slice(0, NAMED).map((id) => JSON.stringify(id));
    find(
      "ERR_VERIFY_DUPLICATE_SESSION",
      ledgerKey(day.dt, day.source),
      `holds ${ids.join(", ")}${more} more than once.`,
    );
  }
  if (day.record !== null) {
    checkTotals(day.record, byType, find);
    checkReported(day.record, find);
  }
  return byType.values().reduce((sum, rows) => sum + rows, 0);
}

/** Without a record nothing tells the window. */
function placeOf({ record, source }: DayState): RowPlace {
  const window =
    record === null
      ? { from: Number.MIN_SAFE_INTEGER, to: Number.MAX_SAFE_INTEGER }
      : { from: Date.parse(record.window_from), to: Date.parse(record.window_to) };
  return { window, bot: source === ACCOUNT_SOURCE ? null : source };
}

function tellFacts({ key, row_count }: LedgerFile, facts: FileFacts, find: Find): void {
  if (facts.kind === "unreadable") find("ERR_VERIFY_NOT_PARQUET", key, `cannot be read: ${facts.reason}.`);
  if (facts.kind === "other schema") find("ERR_VERIFY_SCHEMA", key, `${differences(facts)}.`);
  if (facts.kind !== "sessions") return;

  if (facts.rows !== row_count) {
    find("ERR_VERIFY_ROWS_DIFFER", key, `has ${facts.rows} rows, where the ledger has ${row_count}.`);
  }
  if (facts.incomplete > 0) {
    find("ERR_VERIFY_SCHEMA", key, `has ${facts.incomplete} rows without session_id, start_time or raw.`);
  }
  if (facts.outside > 0) find("ERR_VERIFY_WRONG_PARTITION", key, `has ${facts.outside} rows of another day.`);
  if (facts.ofOtherBots > 0) find("ERR_VERIFY_WRONG_PARTITION", key, `has ${facts.ofOtherBots} rows of another bot.`);
}

function differences({ missing, extra }: Extract<FileFacts, { kind: "other schema" }>): string {
  if (missing.length + extra.length === 0) return "has its columns in another order";
  return [...missing.map((line) => `lacks "${line}"`), ...extra.map((line) => `has "${line}"`)].join(", ");
}

async function checkRejected({ record }: DayState, file: LedgerFile, copy: LocalCopy, find: Find): Promise<void> {
  const wrong = await wrongLines(copy.path, file.row_count);
  if (wrong !== null) find("ERR_VERIFY_REJECTED_LINES", file.key, wrong);
  if (record !== null && record.rejected !== file.row_count) {
    const message = `should have ${file.row_count} lines, while the ledger counts ${record.rejected} rejected rows.`;
    find("ERR_VERIFY_ROWS_DIFFER", file.key, message);
  }
}

/** What Kore reported of a proven day is archived, but for what was erased. */
function checkReported(record: LedgerRecord, find: Find): void {
  const missing = record.reported.total === null || record.status === "incomplete" ? null : missingSessions(record);
  if (missing === null || missing <= 0 || record.erasures.length > 0) return;
  const message = `says ${record.status}, while ${missing} of the sessions that Kore reported are not archived, and no erasure is recorded.`;
  find("ERR_VERIFY_ROWS_DIFFER", ledgerKey(record.dt, record.source), message);
}

/** The ledger's own sums, against the rows that there are. */
function checkTotals({ archived, dt, source }: LedgerRecord, byType: ReadonlyMap<string, number>, find: Find): void {
  const [dropOff, selfService, agent] = CONTAINMENT_TYPES;
  const counted: [PartitionType, number][] = [
    [dropOff, archived.drop_off],
    [selfService, archived.self_service],
    [agent, archived.agent],
    [UNCLASSIFIED, archived.unclassified],
  ];
  const key = ledgerKey(dt, source);
  for (const [type, rows] of counted) {
    const held = byType.get(type) ?? 0;
    if (held !== rows)
      find("ERR_VERIFY_ROWS_DIFFER", key, `counts ${rows} sessions of ${type}; the files hold ${held}.`);
  }
  const sum = counted.reduce((total, [, rows]) => total + rows, 0);
  if (sum !== archived.total) {
    find("ERR_VERIFY_ROWS_DIFFER", key, `counts ${archived.total} sessions in all, and ${sum} by type.`);
  }
}
