import type { SessionColumnName } from "../contract.ts";
import { TapedText, tapeOf } from "../json-tape.ts";
import type { WireSession } from "../kore/wire.ts";
import { mapSession } from "../sessions/map.ts";
import { PlainSession } from "../sessions/plain-session.ts";
import type { SessionRow } from "../sessions/row.ts";
import type { ErasedUsers, FoundErasure } from "./erased-users.ts";

/** Rows that were left out for one erasure. */
export interface LeftOut extends FoundErasure {
  readonly rows: number;
}

/** What the ledger counts over the rows of files. */
export class Tally {
  active = 0;
  oldest: number | null = null;
  newest: number | null = null;
  readonly coerced = new Map<SessionColumnName, number>();
  readonly #leftOut = new Map<string, LeftOut>();

  add({ startTime, isActive, coerced }: Tallied): void {
    if (isActive) this.active++;
    this.oldest = Math.min(this.oldest ?? startTime, startTime);
    this.newest = Math.max(this.newest ?? startTime, startTime);
    for (const column of coerced) this.coerced.set(column, (this.coerced.get(column) ?? 0) + 1);
  }

  leaveOut({ at, reference, isVouched }: FoundErasure): void {
    const name = JSON.stringify([at, reference, isVouched]);
    this.#leftOut.set(name, { at, reference, isVouched, rows: (this.#leftOut.get(name)?.rows ?? 0) + 1 });
  }

  /** By erasure, how many rows were left out. */
  get leftOut(): LeftOut[] {
    return [...this.#leftOut.values()];
  }
}

/** What is counted of a row. */
interface Tallied {
  readonly startTime: number;
  /** Still going on: Kore says so, or gives neither a status nor an end. */
  readonly isActive: boolean;
  readonly coerced: readonly SessionColumnName[];
}

/**
 * The rows of sessions that were typed before, one at a time, tallied as they pass; those of erased users stay out. A
 * `PlainSession` is good until the next row is asked for.
 */
export function* talliedRows(
  sessions: Iterable<WireSession>,
  erased: ErasedUsers,
  tally: Tally,
): Generator<SessionRow | PlainSession> {
  const plain = new PlainSession();
  const wasAnybodyErased = erased.name !== "";
  for (const session of sessions) {
    const taped = session instanceof TapedText ? session : tapeOf(session.raw);
    const typed = taped !== null && plain.read(taped) ? ofPlain(plain) : mapped(session);
    const erasure = wasAnybodyErased ? erased.ofUser(userOf(typed.row)) : null;
    if (erasure !== null) {
      tally.leaveOut(erasure);
      continue;
    }
    tally.add(typed);
    yield typed.row;
  }
}

interface Typed extends Tallied {
  readonly row: SessionRow | PlainSession;
}

const NOTHING_COERCED: readonly SessionColumnName[] = [];
const ACTIVE = "active";

function ofPlain(row: PlainSession): Typed {
  const hasEnd = !Number.isNaN(row.number("end_time"));
  const isActive = row.hasText("session_status") ? row.isWord("session_status", ACTIVE) : !hasEnd;
  return { row, startTime: row.number("start_time"), isActive, coerced: NOTHING_COERCED };
}

function mapped(session: WireSession): Typed {
  const mapped = mapSession(session);
  if ("rejected" in mapped) throw new TypeError("a session could be typed once, but not again");
  const { row, coerced } = mapped;
  const { start_time, session_status, end_time } = row;
  const isActive = session_status ? session_status.toLowerCase() === ACTIVE : end_time === null;
  return { row, startTime: start_time, isActive, coerced };
}

function userOf(row: SessionRow | PlainSession): string | null {
  return row instanceof PlainSession ? row.text("user_id") : row.user_id;
}
