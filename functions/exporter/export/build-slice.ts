import { join } from "node:path";
import type { Problem } from "../archive/ledger.ts";
import type { LocalFile } from "../archive/store.ts";
import { type ContainmentType, PARTITION_TYPES, type PartitionType, type SessionColumnName } from "../contract.ts";
import type { ErrorCode } from "../errors.ts";
import { writeSessionFile } from "../parquet/writer.ts";
import { byStartTime } from "../sessions/order.ts";
import type { ErasedUsers } from "./erased-users.ts";
import type { Held } from "./reading.ts";
import type { Reconciled } from "./reconcile.ts";
import { countDuplicates } from "./reconcile.ts";
import type { Sight } from "./sight.ts";
import { type LeftOut, Tally, talliedRows } from "./tally.ts";
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
  /** The set of erased users that it was built with, and their rows in it, which are in no part. */
  readonly erased: { readonly users: string; readonly leftOut: readonly LeftOut[] };
}

/**
 * Writes a slice's parts into the scratch folder, one for each containment type that has sessions, and counts. Sessions of
 * erased users are left out.
 */
export async function buildSlice(
  slice: Reconciled,
  index: number,
  scratch: string,
  erased: ErasedUsers,
): Promise<BuiltSlice> {
  const parts: Part[] = [];
  const archived = { dropOff: 0, selfService: 0, agent: 0, unclassified: 0 };
  const tally = new Tally();
  for (const type of PARTITION_TYPES) {
    const sights = sessionsOf(slice.held, type);
    if (sights.length === 0) continue;
    const rows = talliedRows(sights, erased, tally);
    const { rowCount, ...file } = await writeSessionFile(rows, join(scratch, `${type}-${index}.parquet`));
    archived[type] = rowCount;
    if (rowCount > 0) parts.push({ type, rowCount, file });
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
    ids: tally.ids.toArray(),
    erased: { users: erased.name, leftOut: tally.leftOut },
  };
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
