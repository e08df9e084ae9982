import { hash } from "node:crypto";
import type { SessionColumnName } from "../contract.ts";
import { mapSession } from "../sessions/map.ts";
import type { SessionRow } from "../sessions/row.ts";
import type { ErasedUsers, Erasure } from "./erased-users.ts";

/** Rows that were left out for one erasure. */
export interface LeftOut extends Erasure {
  readonly rows: number;
}

/** What the ledger counts over the rows of files. */
export class Tally {
  active = 0;
  oldest: number | null = null;
  newest: number | null = null;
  readonly coerced = new Map<SessionColumnName, number>();
  /** A 64-bit hash of each session's id. */
  readonly ids: bigint[] = [];
  readonly #leftOut = new Map<Erasure, number>();

  add(row: SessionRow, coerced: readonly SessionColumnName[]): void {
    this.ids.push(hash("sha1", row.session_id, "buffer").readBigUInt64LE());
    if (isActive(row)) this.active++;
    this.oldest = Math.min(this.oldest ?? row.start_time, row.start_time);
    this.newest = Math.max(this.newest ?? row.start_time, row.start_time);
    for (const column of coerced) this.coerced.set(column, (this.coerced.get(column) ?? 0) + 1);
  }

  leaveOut(erasure: Erasure): void {
    this.#leftOut.set(erasure, (this.#leftOut.get(erasure) ?? 0) + 1);
  }

  /** By erasure, how many rows were left out. */
  get leftOut(): LeftOut[] {
    return [...this.#leftOut].map(([{ at, reference }, rows]) => ({ at, reference, rows }));
  }
}

/** Still going on: Kore says so, or gives neither a status nor an end. */
function isActive(row: SessionRow): boolean {
  return row.session_status ? row.session_status.toLowerCase() === "active" : row.end_time === null;
}

/** The rows of sessions that were mapped before, one at a time, tallied as they pass; those of erased users stay out. */
export function* talliedRows(
  sessions: Iterable<{ readonly raw: Buffer }>,
  erased: ErasedUsers,
  tally: Tally,
): Generator<SessionRow> {
  for (const { raw } of sessions) {
    const mapped = mapSession({ raw, value: JSON.parse(raw.toString()) });
    if ("rejected" in mapped) throw new TypeError("a session could be mapped once, but not again");
    const erasure = erased.ofUser(mapped.row.user_id);
    if (erasure !== null) {
      tally.leaveOut(erasure);
      continue;
    }
    tally.add(mapped.row, mapped.coerced);
    yield mapped.row;
  }
}
