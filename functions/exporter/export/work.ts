import type { Version } from "../archive/store.ts";
import type { Source } from "../kore/wire.ts";
import type { BuiltSlice } from "./build-slice.ts";
import type { Day } from "./calendar.ts";
import type { DayResult } from "./export-day.ts";
import type { Reconciled } from "./reconcile.ts";
import type { Reader } from "./totals.ts";

/*
 * How an export is carried out, apart from what it does: at once, in the memory of one process, or in steps that survive
 * it. What a step gives back may have been made by another process: it is JSON, and small (10 KB).
 */

/** Which day comes next; `stopped` if there may be more, but none is to be begun any more. */
export type Next =
  | { readonly kind: "day"; readonly dt: Day }
  | { readonly kind: "none" }
  | { readonly kind: "stopped" };

/** Carries out the export of one source. */
export interface SourceWork {
  readonly source: Source;
  /** Finds the next day to export. */
  next(find: (reader: Reader) => Promise<Day | null>): Promise<Next>;
  /** Exports a day with the means that the day's work needs. */
  day<T>(dt: Day, run: (work: DayWork) => Promise<T>): Promise<T>;
}

/** One attempt at a day: who began it, when, and which record it started from. */
export interface Attempt {
  readonly runId: string;
  readonly startedAt: number;
  readonly seen: Version | null;
}

/** A slice to be read; `round` counts its readings from 0. */
export interface SliceOrder {
  readonly index: number;
  readonly round: number;
  /** Sessions that it will hold, as far as anybody knows. */
  readonly size: number | null;
}

/** What the end of a day's export has to work with. */
export interface Bench {
  /** A local folder for temporary files. */
  readonly folder: string;
  readonly slices: readonly BuiltSlice[];
  /** Requests sent to Kore for this attempt, retries included. */
  readonly requests: number;
}

/** Carries out the export of one day of one source. */
export interface DayWork {
  /** Begins an attempt. `begin` gets the one that another process left unfinished, if there is one, to go on with or not. */
  open(begin: (left: Attempt | null) => Promise<Attempt>): Promise<Attempt>;
  /** Asks Kore. The question may be put again from its beginning, and is then given the same answers. */
  ask<T>(topic: string, question: (reader: Reader) => Promise<T>): Promise<T>;
  /** Reads a slice, and writes its parts. */
  slice(order: SliceOrder, read: (reader: Reader) => Promise<Reconciled>): Promise<void>;
  /** The slices written so far, in order; only to be asked for within `ask`. */
  slices(): Promise<readonly BuiltSlice[]>;
  /** Ends the attempt. What was read is kept for another one if the result says that the reading broke off. */
  finish(conclude: (bench: Bench) => Promise<DayResult>): Promise<DayResult>;
}
