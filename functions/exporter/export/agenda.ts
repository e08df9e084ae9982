import { ledgerKey } from "../archive/layout.ts";
import { type LedgerRecord, readableEntry } from "../archive/ledger.ts";
import type { PastReader } from "../archive/past.ts";
import type { ArchiveStore } from "../archive/store.ts";
import { CONTAINMENT_TYPES, type ContainmentType } from "../contract.ts";
import { ExporterError, isFailure } from "../errors.ts";
import { addDays, type Day, daysFromTo, dayWindow } from "./calendar.ts";
import { askTotal, type Reader } from "./totals.ts";

/** Complete days this young are asked about again: sessions are still closing, and changing type. */
const CHECKED_DAYS = 7;

/** What a night is to look after. */
export interface Night {
  /** The day that has just ended, by the schedule's own time. */
  readonly previous: Day;
  /** How many days back, the previous one included, missing and unfinished days are repaired. */
  readonly lookBackDays: number;
  /** From here on every day is to be archived, and none before; null: the look-back only. */
  readonly startDate: Day | null;
}

/** The days of the look-back, most recent first. */
export function lookBack({ previous, lookBackDays, startDate }: Night): Day[] {
  const oldest = addDays(previous, 1 - Math.max(1, lookBackDays));
  const first = startDate !== null && startDate > oldest ? startDate : oldest;
  return daysFromTo(first, previous).reverse();
}

/** What one source has to do, day by day. Asked for one day at a time, so that it may look at the archive as it goes. */
export interface Agenda {
  /** The first day to export behind `after`, from the beginning if that is null; null if none is left. */
  next(after: Day | null, reader: Reader): Promise<Day | null>;
  /** Days behind `after` that would still have to be looked at, if the agenda ended there. */
  left(after: Day | null): readonly Day[];
}

/** Where a source's days are looked up. */
export interface AgendaPorts {
  readonly store: ArchiveStore;
  readonly past: PastReader;
  readonly timeZone: string;
}

/**
 * Days that somebody named, in their order; with `onlyMissing`, those of them that are not archived yet, or whose record no
 * digest vouches for.
 */
export function namedDays(
  days: readonly Day[],
  onlyMissing: boolean,
  source: string,
  { store, past }: AgendaPorts,
): Agenda {
  const left = (after: Day | null) => days.slice(after === null ? 0 : days.indexOf(after) + 1);
  const isArchived = async (day: Day) => {
    const entry = await readableEntry(store, ledgerKey(day, source));
    if (entry === null || entry.record.status === "incomplete") return false;
    return past.vouches(day, source, entry.sha256);
  };
  return {
    left,
    next: async (after) => {
      for (const day of left(after)) if (!onlyMissing || !(await isArchived(day))) return day;
      return null;
    },
  };
}

/**
 * The days of one source that a night has to export, most recent first, each decided when its turn comes. In the
 * look-back, the previous day included: what is missing, incomplete, vouched for by no digest, marked by a failed
 * attempt, or provisional at an age of 1, 2, 4, 8 or 16 days (some bots never close a session); of the last week also
 * what is complete but has other totals now. Then, with a start date, every older day without a record.
 */
export function nightDays(night: Night, source: string, ports: AgendaPorts): Agenda {
  const recent = lookBack(night);
  const older = addDays(night.previous, -Math.max(1, night.lookBackDays));
  const before = night.startDate === null ? [] : daysFromTo(night.startDate, older).reverse();
  const behind = (days: readonly Day[], after: Day | null) => days.filter((day) => after === null || day < after);
  return {
    left: (after) => behind([...recent, ...before], after),
    next: async (after, reader) => {
      for (const day of behind(recent, after)) {
        if (await isDue(day, recent.indexOf(day) + 1, source, reader, ports)) return day;
      }
      for (const day of behind(before, after)) {
        if ((await ports.store.version(ledgerKey(day, source)).catch(() => null)) === null) return day;
      }
      return null;
    },
  };
}

async function isDue(
  day: Day,
  age: number,
  source: string,
  reader: Reader,
  { store, past, timeZone }: AgendaPorts,
): Promise<boolean> {
  // An archive that cannot be read is for the day's own export to tell.
  const entry = await readableEntry(store, ledgerKey(day, source)).catch(() => null);
  if (entry === null || entry.record.status === "incomplete") return true;
  // Read again and replaced as a whole, the day is proven whoever wrote what lies there now.
  if (!(await past.vouches(day, source, entry.sha256))) return true;
  const { record } = entry;
  // A failed attempt has left its mark; other problems are facts that another attempt would only find again.
  if (record.problems.some(({ code }) => isFailure(code))) return true;
  if (record.status === "provisional") return Number.isInteger(Math.log2(age));
  return age <= CHECKED_DAYS && (await hasChanged(record, reader, timeZone));
}

/** True if Kore's totals are no longer those of the record. If they cannot be asked for, exporting the day will tell. */
async function hasChanged(record: LedgerRecord, reader: Reader, timeZone: string): Promise<boolean> {
  const recorded: Readonly<Record<ContainmentType, number | null>> = {
    dropOff: record.reported.drop_off,
    selfService: record.reported.self_service,
    agent: record.reported.agent,
  };
  try {
    for (const type of CONTAINMENT_TYPES) {
      if ((await askTotal(reader, type, dayWindow(record.dt, timeZone))) !== recorded[type]) return true;
    }
    return false;
  } catch (error) {
    reader.signal?.throwIfAborted();
    if (!(error instanceof ExporterError)) throw error;
    return true;
  }
}
