import { inBatches } from "../archive/batches.ts";
import { ledgerKey, parseLedgerKey } from "../archive/layout.ts";
import { type LedgerRecord, type LedgerStatus, readableRecord } from "../archive/ledger.ts";
import { listEntries, type Stray } from "../archive/listing.ts";
import type { ArchiveStore } from "../archive/store.ts";
import { PREFIXES } from "../contract.ts";
import { addDays, type Day, dayOf, daysFromTo, dayWindow } from "./calendar.ts";

/**
 * How a day stands; `missing` is a day without a record between days that have one, or since the last of them, and
 * `unreadable` one whose record is damaged.
 */
export type DayStatus = LedgerStatus | "missing" | "unreadable";

/** One source of an archive, from its first recorded day to yesterday. */
export interface SourceStatus {
  readonly source: string;
  readonly days: readonly { readonly dt: Day; readonly status: DayStatus; readonly record: LedgerRecord | null }[];
}

interface KnownDay {
  readonly source: string;
  readonly dt: Day;
  /** Null if it cannot be read. */
  readonly record: LedgerRecord | null;
}

async function readKnownDays(store: ArchiveStore, onStray?: (stray: Stray) => void): Promise<KnownDay[]> {
  const entries = await Array.fromAsync(listEntries(store, PREFIXES.exports, parseLedgerKey, onStray));
  return inBatches(entries, async ({ key, parsed: { day: dt, source } }) => {
    return { source, dt, record: await readableRecord(store, key) };
  });
}

/**
 * How each source of the archive stands, by the ledger, up to yesterday in the archive's time zone. `onStray` hears of each
 * name in the ledger that is no record.
 */
export async function archiveStatus(
  store: ArchiveStore,
  nowMs: number,
  onStray?: (stray: Stray) => void,
): Promise<SourceStatus[]> {
  const bySource = Map.groupBy(await readKnownDays(store, onStray), ({ source }) => source);
  return [...bySource]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([source, known]) => {
      const byDay = new Map(known.map((day) => [day.dt, day]));
      const recorded = [...byDay.keys()].sort();
      const timeZone = known.find(({ record }) => record !== null)?.record?.time_zone ?? "UTC";
      const yesterday = addDays(dayOf(nowMs, timeZone), -1);
      const first = recorded[0] ?? yesterday;
      const last = [recorded.at(-1) ?? yesterday, yesterday].sort().at(-1) ?? yesterday;
      const days = daysFromTo(first, last).map((dt) => ({
        dt,
        status: statusOf(byDay.get(dt)),
        record: byDay.get(dt)?.record ?? null,
      }));
      return { source, days };
    });
}

function statusOf(known: KnownDay | undefined): DayStatus {
  if (known === undefined) return "missing";
  return known.record?.status ?? "unreadable";
}

/** Days of a source whose rows were archived under the same rules for personal data. */
export interface PersonalDataDays {
  readonly source: string;
  /** The rules in their one spelling. */
  readonly spelling: string;
  /** In their order. */
  readonly days: readonly Day[];
}

/** Under which rules for personal data the archive's rows lie there; days without rows have none. */
export function personalDataDays(sources: readonly SourceStatus[]): PersonalDataDays[] {
  return sources.flatMap(({ source, days }) => {
    const bySpelling = new Map<string, Day[]>();
    for (const { dt, record } of days) {
      if (record === null || record.archived.total + record.rejected === 0) continue;
      const { personal_data: spelling } = record;
      bySpelling.set(spelling, [...(bySpelling.get(spelling) ?? []), dt]);
    }
    return [...bySpelling].map(([spelling, days]) => ({ source, spelling, days }));
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
    const records = await Promise.all(sources.map((source) => readableRecord(store, ledgerKey(day, source))));
    const bad = records.filter((record) => record === null || record.status === "incomplete").length;
    daysIncomplete += bad;
    if (bad === 0) freshSince ??= dayWindow(day, timeZone).to;
  }
  const oldest = days.at(-1);
  const since = freshSince ?? (oldest === undefined ? nowMs : dayWindow(oldest, timeZone).from);
  return { daysIncomplete, freshnessHours: (nowMs - since) / 3_600_000 };
}
