import { hash } from "node:crypto";
import { join } from "node:path";
import type { Problem } from "../archive/ledger.ts";
import type { LocalFile } from "../archive/store.ts";
import { type ContainmentType, PARTITION_TYPES, type PartitionType, type SessionColumnName } from "../contract.ts";
import type { ErrorCode } from "../errors.ts";
import { writeSessionFile } from "../parquet/writer.ts";
import { mapSession } from "../sessions/map.ts";
import { byStartTime } from "../sessions/order.ts";
import type { SessionRow } from "../sessions/row.ts";
import type { Held } from "./reading.ts";
import type { Reconciled } from "./reconcile.ts";
import { countDuplicates } from "./reconcile.ts";
import type { Sight } from "./sight.ts";
import type { ListName, Totals } from "./totals.ts";

/** A finished part in scratch: one slice's sessions of one containment type. */
export interface Part {
  readonly type: PartitionType;
  readonly rowCount: number;
  readonly file: LocalFile;
}

/** A row that is kept under `rejected/`. */
export interface RejectedRow {
  readonly code: ErrorCode;
  /** Whether the API's totals count it. */
  readonly counted: boolean;
  readonly type: PartitionType;
  readonly raw: string;
}

export type ListCounts = Readonly<Record<ListName, number>>;

/** A slice as it goes into the day: its parts, and everything the ledger counts. Sessions themselves are gone. */
export interface BuiltSlice {
  readonly parts: readonly Part[];
  readonly archived: Readonly<Record<PartitionType, number>>;
  /** Rows of the neighbours one millisecond before the slice, and at its end. */
  readonly before: ListCounts;
  readonly after: ListCounts;
  readonly totals: Totals;
  readonly rejected: readonly RejectedRow[];
  readonly active: number;
  readonly duplicates: number;
  readonly coerced: ReadonlyMap<SessionColumnName, number>;
  readonly oldest: number | null;
  readonly newest: number | null;
  readonly problems: readonly Problem[];
  /** A 64-bit hash of each archived session's id: two slices must not hold the same session. */
  readonly ids: BigUint64Array;
}

/** Writes a slice's parts into the scratch folder, one for each containment type that has sessions, and counts. */
export async function buildSlice(slice: Reconciled, index: number, scratch: string): Promise<BuiltSlice> {
  const parts: Part[] = [];
  const archived = { dropOff: 0, selfService: 0, agent: 0, unclassified: 0 };
  const tally = new Tally();
  for (const type of PARTITION_TYPES) {
    const sights = sessionsOf(slice.held, type);
    archived[type] = sights.length;
    if (sights.length === 0) continue;
    const file = await writeSessionFile(rowsOf(sights, tally), join(scratch, `${type}-${index}.parquet`));
    parts.push({ type, rowCount: sights.length, file });
  }
  return {
    parts,
    archived,
    before: edges(slice.held, "before"),
    after: edges(slice.held, "after"),
    totals: slice.last.closing,
    rejected: rejectedRows(slice.held),
    active: tally.active,
    duplicates: countDuplicates(slice.last),
    coerced: tally.coerced,
    oldest: tally.oldest,
    newest: tally.newest,
    problems: slice.problems,
    ids: BigUint64Array.from(tally.ids),
  };
}

/** What the ledger counts over the rows of a slice. */
class Tally {
  active = 0;
  oldest: number | null = null;
  newest: number | null = null;
  readonly coerced = new Map<SessionColumnName, number>();
  readonly ids: bigint[] = [];

  add(row: SessionRow, coerced: readonly SessionColumnName[]): void {
    this.ids.push(hash("sha1", row.session_id, "buffer").readBigUInt64LE());
    if (isActive(row)) this.active++;
    this.oldest = Math.min(this.oldest ?? row.start_time, row.start_time);
    this.newest = Math.max(this.newest ?? row.start_time, row.start_time);
    for (const column of coerced) this.coerced.set(column, (this.coerced.get(column) ?? 0) + 1);
  }
}

/** Still going on: Kore says so, or gives neither a status nor an end. */
function isActive(row: SessionRow): boolean {
  return row.session_status ? row.session_status.toLowerCase() === "active" : row.end_time === null;
}

type SessionSight = Extract<Sight, { kind: "session" }>;

/** The sessions of a containment type in the order of their file. */
function sessionsOf(held: ReadonlyMap<string, Held>, type: PartitionType): SessionSight[] {
  const sessions: SessionSight[] = [];
  for (const { sight, type: own } of held.values()) {
    if (own === type && sight.kind === "session") sessions.push(sight);
  }
  return sessions.sort(byStartTime);
}

/** Rows one at a time, tallied as they pass. */
function* rowsOf(sights: readonly SessionSight[], tally: Tally): Generator<SessionRow> {
  for (const { raw } of sights) {
    const mapped = mapSession({ raw, value: JSON.parse(raw.toString()) });
    if ("rejected" in mapped) throw new TypeError("a session could be mapped once, but not again");
    tally.add(mapped.row, mapped.coerced);
    yield mapped.row;
  }
}

function edges(held: ReadonlyMap<string, Held>, side: "before" | "after"): ListCounts {
  const counts: Record<ListName, number> = { dropOff: 0, selfService: 0, agent: 0, all: 0 };
  for (const { sight, type } of held.values()) {
    if (sight.kind !== "edge" || sight.side !== side) continue;
    counts.all++;
    if (type !== "unclassified") counts[type satisfies ContainmentType]++;
  }
  return counts;
}

function rejectedRows(held: ReadonlyMap<string, Held>): RejectedRow[] {
  const rejected: RejectedRow[] = [];
  for (const { sight, type } of held.values()) {
    if (sight.kind !== "unusable" && sight.kind !== "stray") continue;
    rejected.push({ code: sight.code, counted: sight.kind === "unusable", type, raw: sight.raw });
  }
  return rejected;
}
