import { join } from "node:path";
import type { Problem } from "../archive/ledger.ts";
import type { LocalFile } from "../archive/store.ts";
import { PARTITION_TYPES, type PartitionType, type SessionColumnName } from "../contract.ts";
import type { ErrorCode } from "../errors.ts";
import { writeSessionFile } from "../parquet/writer.ts";
import { byStartTime } from "../sessions/order.ts";
import type { ErasedUsers } from "./erased-users.ts";
import { IdHashes } from "./id-hashes.ts";
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
  /** A 64-bit hash of each session's id: two slices must not hold the same session. */
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
  const { sessions, before, after, rejected } = sorted(slice.held);
  for (const type of PARTITION_TYPES) {
    if (sessions[type].length === 0) continue;
    const inOrder = sessions[type].sort(byStartTime).map(({ session }) => session);
    const rows = talliedRows(inOrder, erased, tally);
    const { rowCount, ...file } = await writeSessionFile(rows, join(scratch, `${type}-${index}.parquet`));
    archived[type] = rowCount;
    if (rowCount > 0) parts.push({ type, rowCount, file });
  }
  return {
    parts,
    archived,
    before,
    after,
    totals: slice.last.closing,
    rejected,
    active: tally.active,
    duplicates: countDuplicates(slice.last),
    coerced: tally.coerced,
    oldest: tally.oldest,
    newest: tally.newest,
    problems: slice.problems,
    ids: hashesOf(sessions),
    erased: { users: erased.name, leftOut: tally.leftOut },
  };
}

type SessionSight = Extract<Sight, { kind: "session" }>;

/** What a slice holds, by what becomes of it. */
interface Sorted {
  readonly sessions: Readonly<Record<PartitionType, SessionSight[]>>;
  readonly before: ListCounts;
  readonly after: ListCounts;
  readonly rejected: readonly RejectedRow[];
}

function sorted(held: ReadonlyMap<string, Held>): Sorted {
  const sessions: Sorted["sessions"] = { dropOff: [], selfService: [], agent: [], unclassified: [] };
  const edges = { before: { ...NOTHING }, after: { ...NOTHING } };
  const rejected: RejectedRow[] = [];
  for (const { sight, type } of held.values()) {
    switch (sight.kind) {
      case "session":
        sessions[type].push(sight);
        break;
      case "edge":
        edges[sight.side].all++;
        if (type !== "unclassified") edges[sight.side][type]++;
        break;
      case "unusable":
      case "stray":
        rejected.push({ code: sight.code, counted: sight.kind === "unusable", type, raw: sight.raw });
    }
  }
  return { sessions, ...edges, rejected };
}

const NOTHING: ListCounts = { dropOff: 0, selfService: 0, agent: 0, all: 0 };

function hashesOf(sessions: Sorted["sessions"]): BigUint64Array {
  const hashes = new IdHashes();
  for (const type of PARTITION_TYPES) for (const { session_id } of sessions[type]) hashes.add(session_id);
  return hashes.toArray();
}
