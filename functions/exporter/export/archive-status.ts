import { ledgerKey, parseLedgerKey } from "../archive/layout.ts";
import { type LedgerRecord, type LedgerStatus, readLedger } from "../archive/ledger.ts";
import type { ArchiveStore } from "../archive/store.ts";
import { PREFIXES } from "../contract.ts";
import { addDays, type Day, dayOf, daysFromTo, dayWindow } from "./calendar.ts";

/** How a day stands; `missing` is a day without a record between days that have one, or since the last of them. */
export type DayStatus = LedgerStatus | "missing";

/** One source of an archive, from its first recorded day to yesterday. */
export interface SourceStatus {
  readonly source: string;
  readonly days: readonly { readonly dt: Day; readonly status: DayStatus; readonly record: LedgerRecord | null }[];
}

/** Records that are read from a bucket at the same time. */
const READ_AT_ONCE = 16;

/** Every ledger record between two days (both included; null: no limit), in the order of their keys. */
export async function readLedgers(
  store: ArchiveStore,
  from: Day | null = null,
  to: Day | null = null,
): Promise<LedgerRecord[]> {
  const keys: string[] = [];
  for await (const key of store.list(`${PREFIXES.exports}/`)) {
    const day = parseLedgerKey(key)?.day;
    if (day !== undefined && (from === null || day >= from) && (to === null || day <= to)) keys.push(key);
  }
  const records: LedgerRecord[] = [];
  for (let start = 0; start < keys.length; start += READ_AT_ONCE) {
    const batch = keys.slice(start, start + READ_AT_ONCE);
    const entries = await Promise.all(batch.map((key) => readLedger(store, key)));
    records.push(...entries.flatMap((entry) => (entry === null ? [] : [entry.record])));
  }
  return records;
}

/** How each source of the archive stands, by the ledger, up to yesterday in the archive's time zone. */
export async function archiveStatus(store: ArchiveStore, nowMs: number): Promise<SourceStatus[]> {
  const bySource = Map.groupBy(await readLedgers(store), (record) => record.source);
  return [...bySource]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([source, records]) => {
      const byDay = new Map(records.map((record) => [record.dt, record]));
      const recorded = [...byDay.keys()].sort();
      const yesterday = addDays(dayOf(nowMs, records[0]?.time_zone ?? "UTC"), -1);
      const first = recorded[0] ?? yesterday;
      const last = [recorded.at(-1) ?? yesterday, yesterday].sort().at(-1) ?? yesterday;
      const days = daysFromTo(first, last).map((dt) => {
        const record = byDay.get(dt) ?? null;
        return { dt, status: record?.status ?? ("missing" as const), record };
      });
      return { source, days };
    });
}

/** How well an archive is kept, over the days that a night looks back on. */
export interface ArchiveHealth {
  /** Days of a source that are incomplete or missing. */
  readonly daysIncomplete: number;
  /**
   * Hours since the end of the newest day that every source has complete or provisional; if none has, since the oldest
   * day began.
   */
  readonly freshnessHours: number;
}

/** Reads the records of some days, most recent first, of every source. */
export async function archiveHealth(
  store: ArchiveStore,
  sources: readonly string[],
  days: readonly Day[],
  timeZone: string,
  nowMs: number,
): Promise<ArchiveHealth> {
  let daysIncomplete = 0;
  let freshSince: number | null = null;
  for (const day of days) {
    const entries = await Promise.all(sources.map((source) => readLedger(store, ledgerKey(day, source))));
    const bad = entries.filter((entry) => entry === null || entry.record.status === "incomplete").length;
    daysIncomplete += bad;
    if (bad === 0) freshSince ??= dayWindow(day, timeZone).to;
  }
  const oldest = days.at(-1);
  const since = freshSince ?? (oldest === undefined ? nowMs : dayWindow(oldest, timeZone).from);
  return { daysIncomplete, freshnessHours: (nowMs - since) / 3_600_000 };
}
