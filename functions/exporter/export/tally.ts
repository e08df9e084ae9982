import type { SessionColumnName } from "../contract.ts";
import { type TapedText, tapeOf } from "../json-tape.ts";
import { mapSession } from "../sessions/map.ts";
import { PlainSession } from "../sessions/plain-session.ts";
import type { SessionRow } from "../sessions/row.ts";
import type { ErasedUsers, Erasure } from "./erased-users.ts";
import { IdHashes } from "./id-hashes.ts";

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
  /** A hash of each session's id. */
  readonly ids = new IdHashes();
  readonly #leftOut = new Map<Erasure, number>();

  add({ sessionId, startTime, isActive, coerced }: Tallied): void {
    this.ids.add(sessionId);
    if (isActive) this.active++;
    this.oldest = Math.min(this.oldest ?? startTime, startTime);
    this.newest = Math.max(this.newest ?? startTime, startTime);
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

/** What is counted of a row. */
interface Tallied {
  readonly sessionId: string;
  readonly startTime: number;
  /** Still going on. */
  readonly isActive: boolean;
  readonly coerced: readonly SessionColumnName[];
}

/**
 * The rows of sessions that were typed before, one at a time, tallied as they pass; those of erased users stay out. A
 * `PlainSession` is good until the next row is asked for.
 */
export function* talliedRows(
  sessions: Iterable<{ readonly raw: Buffer; readonly taped?: TapedText | null }>,
  erased: ErasedUsers,
  tally: Tally,
): Generator<SessionRow | PlainSession> {
  const plain = new PlainSession();
  for (const { raw, taped } of sessions) {
    const tokens = taped ?? tapeOf(raw);
    const tallied = tokens !== null && plain.read(tokens) ? plainRow(plain) : mappedRow(raw);
    const erasure = erased.ofUser(tallied.userId);
    if (erasure !== null) {
      tally.leaveOut(erasure);
      continue;
    }
    tally.add(tallied);
    yield tallied.row;
  }
}

type TalliedRow = Tallied & { readonly row: SessionRow | PlainSession; readonly userId: string | null };

const NOTHING_COERCED: readonly SessionColumnName[] = [];

function plainRow(row: PlainSession): TalliedRow {
  const active = isActive(row.text("session_status"), !Number.isNaN(row.number("end_time")));
  return {
    row,
    sessionId: row.text("session_id") ?? "",
    startTime: row.number("start_time"),
    userId: row.text("user_id"),
    isActive: active,
    coerced: NOTHING_COERCED,
  };
}

function mappedRow(raw: Buffer): TalliedRow {
  const mapped = mapSession({ raw, value: JSON.parse(raw.toString()) });
  if ("rejected" in mapped) throw new TypeError("a session could be typed once, but not again");
  const { row, coerced } = mapped;
  const { session_id, start_time, user_id, session_status, end_time } = row;
  const active = isActive(session_status, end_time !== null);
  return { row, sessionId: session_id, startTime: start_time, userId: user_id, isActive: active, coerced };
}

/** Kore says so, or gives neither a status nor an end. */
function isActive(status: string | null, hasEnd: boolean): boolean {
  return status ? status.toLowerCase() === "active" : !hasEnd;
}
