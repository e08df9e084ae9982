import { createHash } from "node:crypto";
import { z } from "zod";
import { type ErrorCode, ExporterError } from "../errors.ts";
import { ledgerKey } from "./layout.ts";
import { type ArchiveStore, readOrTooLarge, type Version } from "./store.ts";

/** Layout of the record. A reader refuses a newer one rather than misread it. */
export const LEDGER_VERSION = 1;

const count = z.number().int().nonnegative();
const instant = z.iso.datetime();

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const typeTotals = z.object({
  drop_off: count.nullable(),
  self_service: count.nullable(),
  agent: count.nullable(),
  total: count.nullable(),
});

const file = z.object({
  key: z.string(),
  containment_type: z.string().nullable(),
  row_count: count,
  bytes: count,
  sha256: z.string(),
});

const record = z.object({
  version: z.literal(LEDGER_VERSION),
  source: z.string(),
  dt: z.iso.date(),
  time_zone: z.string().refine(isZone, { error: "is no time zone" }),
  window_from: instant,
  window_to: instant,
  status: z.enum(["complete", "provisional", "incomplete"]),
  revision: z.number().int().positive(),
  run_id: z.string(),
  exporter_version: z.string(),
  started_at: instant,
  finished_at: instant,
  requests: count,
  reported: typeTotals,
  edges: typeTotals,
  archived: z.object({ drop_off: count, self_service: count, agent: count, unclassified: count, total: count }),
  active: count,
  duplicates: count,
  rejected: count,
  coerced: z.record(z.string(), count),
  personal_data: z.string(),
  erasures: z.array(z.object({ at: instant, reference: z.string() })),
  oldest_start_time: instant.nullable(),
  newest_start_time: instant.nullable(),
  problems: z.array(z.object({ code: z.string(), message: z.string() })),
  files: z.array(file),
  adopted: z.object({ previous_sha256: z.string().nullable(), reason: z.string() }).nullable().default(null),
  previous_sha256: z.string().nullable(),
});

/**
 * What was exported of one source for one day: the members of the table `exports`. `reported` holds the API's totals
 * for the day's window, widened by its edges, and `edges` the neighbours' rows in it; `archived` is what lies in
 * `files`. Null is what is not known.
 */
export type LedgerRecord = Readonly<z.infer<typeof record>>;
export type LedgerStatus = LedgerRecord["status"];
export type LedgerFile = Readonly<z.infer<typeof file>>;
export type TypeTotals = Readonly<z.infer<typeof typeTotals>>;
export type ArchivedTotals = LedgerRecord["archived"];

/** Why a day is not simply complete. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
}

/** A record as it lies in the archive. */
export interface LedgerEntry {
  readonly record: LedgerRecord;
  readonly version: Version;
  /** Of the record's bytes: the `previous_sha256` of whatever replaces it. */
  readonly sha256: string;
}

const RESTORE =
  "Restore an earlier version of it; without one, move it away and export the day while Kore still holds it.";

/** The record under a key, or null where there is none. Throws `ERR_LEDGER_UNREADABLE`. */
export async function readLedger(store: ArchiveStore, key: string): Promise<LedgerEntry | null> {
  const object = await readOrTooLarge(store, key);
  if (object === null) return null;
  const place = `${store.location}/${key}`;
  if (object === "too large") {
    const message = `The ledger record ${place} is far too large to be one. ${RESTORE}`;
    throw new ExporterError("ERR_LEDGER_UNREADABLE", message);
  }
  return {
    record: parseRecord(object.body.toString("utf8"), key, place),
    version: object.version,
    sha256: createHash("sha256").update(object.body).digest("hex"),
  };
}

/** The record under a key, or null where there is none that can be read: the day's own export tells what is wrong. */
export async function readableRecord(store: ArchiveStore, key: string): Promise<LedgerRecord | null> {
  return (await readableEntry(store, key))?.record ?? null;
}

/** The same with its version and hash. */
export async function readableEntry(store: ArchiveStore, key: string): Promise<LedgerEntry | null> {
  try {
    return await readLedger(store, key);
  } catch (error) {
    if (error instanceof ExporterError && error.code === "ERR_LEDGER_UNREADABLE") return null;
    throw error;
  }
}

/** Replaces the record, or makes the first one, unless another run did so since `replaced` was read. */
export async function writeLedger(
  store: ArchiveStore,
  key: string,
  next: Omit<LedgerRecord, "version" | "revision" | "previous_sha256">,
  replaced: LedgerEntry | null,
): Promise<LedgerEntry> {
  const full = {
    ...next,
    version: LEDGER_VERSION,
    revision: (replaced?.record.revision ?? 0) + 1,
    previous_sha256: replaced?.sha256 ?? null,
  } as const;
  const body = Buffer.from(serialise(full));
  const version = await store.writeIf(key, body, replaced?.version ?? null);
  return { record: full, version, sha256: createHash("sha256").update(body).digest("hex") };
}

/** One line of JSON, members always in the order of the contract. */
function serialise(full: LedgerRecord): string {
  const ordered = Object.fromEntries(Object.keys(record.shape).map((name) => [name, full[name as keyof LedgerRecord]]));
  return `${JSON.stringify(ordered)}\n`;
}

/** Reads the text of the record under a key; `place` names it in messages. Throws `ERR_LEDGER_UNREADABLE`. */
export function parseRecord(text: string, key: string, place: string): LedgerRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ExporterError("ERR_LEDGER_UNREADABLE", `The ledger record ${place} is not JSON. ${RESTORE}`, { cause });
  }
  const newer = (value as { version?: unknown } | null)?.version;
  if (typeof newer === "number" && newer > LEDGER_VERSION) {
    const message = `The ledger record ${place} has version ${newer}; this program knows ${LEDGER_VERSION}. Update it.`;
    throw new ExporterError("ERR_LEDGER_UNREADABLE", message);
  }
  const parsed = record.safeParse(value);
  if (parsed.success && key === ledgerKey(parsed.data.dt, parsed.data.source)) return parsed.data;
  if (parsed.success) {
    const message = `The ledger record ${place} is that of ${parsed.data.dt}, ${parsed.data.source}. ${RESTORE}`;
    throw new ExporterError("ERR_LEDGER_UNREADABLE", message);
  }
  const what = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
  throw new ExporterError("ERR_LEDGER_UNREADABLE", `The ledger record ${place} is damaged (${what}). ${RESTORE}`);
}
