import { z } from "zod";
import { compareDays, type ObjectRef, type VouchedDay, type VouchedFile } from "./digest.ts";
import { DATASETS } from "./layout.ts";

/** A day of a source as the index of its month has it. */
export interface IndexLine {
  readonly dataset: VouchedDay["dataset"];
  readonly dt: string;
  readonly source: string;
  /** Number of the digest that vouches for the record; null if none does. */
  readonly digest: number | null;
  readonly ledger: ObjectRef;
  readonly files: readonly VouchedFile[];
  /** The exact text of the ledger record, without its line feed. */
  readonly record: string;
}

/** Writes a line of an index: its members in the order of docs/digests.md, and the record's text as it is. */
export function indexLineText({ dataset, dt, source, digest, ledger, files, record }: IndexLine): string {
  const about = JSON.stringify({ dataset, dt, source, digest, ledger, files });
  return `${about.slice(0, -1)},"record":${record}}`;
}

/** Returns the lines of a month in their order. */
export function sortedLines(lines: Iterable<IndexLine>): IndexLine[] {
  return [...lines].sort(compareDays);
}

/** Returns the month of a day. */
export function monthOf(dt: string): string {
  return dt.slice(0, "yyyy-mm".length);
}

const ref = { key: z.string(), sha256: z.string(), bytes: z.number(), version_id: z.string().nullable() };
const line = z.object({
  dataset: z.enum(DATASETS),
  dt: z.string(),
  source: z.string(),
  digest: z.number().nullable(),
  ledger: z.object(ref),
  files: z.array(
    z.object({
      table: z.enum(["sessions", "rejected", "messages", "rejected_messages"]),
      key: z.string(),
      containment_type: z.string().nullable(),
      row_count: z.number(),
      bytes: z.number(),
      sha256: z.string(),
      version_id: z.string().nullable(),
    }),
  ),
  record: z.unknown(),
});

const RECORD = ',"record":';

/** Reads a line of an index; null if it is none. Never throws. */
export function parseIndexLine(text: string): IndexLine | null {
  try {
    const parsed = line.parse(JSON.parse(text));
    const { record: _, ...about } = parsed;
    // The members before the record are written by us, so the record's text begins where they end.
    const start = JSON.stringify(about).length - 1 + RECORD.length;
    const record = text.slice(start, -1);
    return indexLineText({ ...about, record }) === text ? { ...about, record } : null;
  } catch {
    return null;
  }
}
