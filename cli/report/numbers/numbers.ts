import type { PartitionType } from "../../../functions/exporter/contract.ts";
import type { Day } from "../../../functions/exporter/export/calendar.ts";
import type { SourceSummary } from "../../status/source-summary.ts";

/** Sessions of a day by the containment type that they are archived under. */
export interface DaySessions {
  readonly dt: Day;
  readonly byType: Readonly<Record<PartitionType, number>>;
}

/** A name and how many sessions have it; null: sessions without a name. */
export interface NameCount {
  readonly name: string | null;
  readonly sessions: number;
}

/** The most frequent names of a kind, and what the others add up to. */
export interface Ranking {
  readonly top: readonly NameCount[];
  /** How many names are not among the top, and their sessions. */
  readonly others: { readonly names: number; readonly sessions: number };
}

/** A tag's name, the kind of tag it is, and how many sessions have it. */
export interface TagCount {
  readonly kind: "session" | "user";
  readonly name: string;
  readonly sessions: number;
  /** Its most frequent values; null if they were not asked for. */
  readonly values: readonly NameCount[] | null;
}

/** Sessions whose value lies in `[from, to)`; `to` null: no upper end. */
export interface Bin {
  readonly from: number;
  readonly to: number | null;
  readonly sessions: number;
}

/** How a value is spread over the sessions. */
export interface Distribution {
  readonly bins: readonly Bin[];
  /** The lower one of two in the middle; null if no session has a value. */
  readonly median: number | null;
  /** Sessions without a value, or with one that cannot be, such as an end before the start. */
  readonly unknown: number;
}

/** What is told of the sessions of the days looked at. */
export interface SessionNumbers {
  /** Every day of the range, in its order, also those without sessions. */
  readonly days: readonly DaySessions[];
  readonly channels: Ranking;
  /** A session counts for each of its languages. */
  readonly languages: Ranking;
  /** Sessions that started in each of the 24 hours of the day, in the archive's time zone. */
  readonly hours: readonly number[];
  readonly tags: readonly TagCount[];
  readonly durationSeconds: Distribution;
  readonly messages: Distribution;
}

/** Bytes of a day's files, and of all days of the archive up to it, by the ledger. */
export interface DayBytes {
  readonly dt: Day;
  readonly bytes: number;
  readonly cumulative: number;
}

/** Days that are looked at, both ends included. */
export interface ReportRange {
  readonly from: Day;
  readonly to: Day;
}

/** Everything that a report shows. */
export interface ReportNumbers {
  /** As it was given: a folder's path, or `s3://bucket/prefix`. */
  readonly archive: string;
  readonly madeAtMs: number;
  /** Null if the archive has no day in the range that was asked for. */
  readonly contents: ReportContents | null;
}

/** What a report shows of an archive that has days. */
export interface ReportContents {
  readonly range: ReportRange;
  readonly timeZone: string;
  readonly sessions: SessionNumbers;
  /** Sources by the ledger, with the days of the range only. */
  readonly sources: readonly SourceSummary[];
  readonly storage: readonly DayBytes[];
}
