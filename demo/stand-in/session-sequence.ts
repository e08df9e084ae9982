import { newestFirst, type StoredSession } from "./session.ts";

/** Sessions newest first, addressed by position, so that a window is found by halving and never by looking at each. */
export interface SessionSequence {
  readonly length: number;
  startAt(position: number): number;
  /** Decides between sessions of the same millisecond: the smaller one comes first. */
  orderAt(position: number): number;
  rowAt(position: number): StoredSession;
}

/** Sessions that are held in memory. */
export class HeldSessions implements SessionSequence {
  #rows: StoredSession[] = [];
  /** Sorting waits for the next reading, so that adding many costs one sort. */
  #sorted = true;

  add(row: StoredSession): void {
    this.#rows.push(row);
    this.#sorted = false;
  }

  remove(row: StoredSession): void {
    this.#rows = this.#rows.filter((other) => other !== row);
  }

  get length(): number {
    return this.#rows.length;
  }

  startAt(position: number): number {
    return this.rowAt(position).startMs;
  }

  orderAt(position: number): number {
    return this.rowAt(position).order;
  }

  rowAt(position: number): StoredSession {
    if (!this.#sorted) {
      this.#rows.sort(newestFirst);
      this.#sorted = true;
    }
    const row = this.#rows[position];
    if (row === undefined) throw new RangeError(`no session at position ${position} of ${this.#rows.length}`);
    return row;
  }
}

/** Position of the first session that started at `instantMs` or before; the length if none did. */
export function firstStartedBy(sequence: SessionSequence, instantMs: number): number {
  let low = 0;
  let high = sequence.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sequence.startAt(middle) > instantMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
