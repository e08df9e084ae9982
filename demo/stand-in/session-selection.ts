import type { StoredSession } from "./session.ts";
import { firstStartedBy, type SessionSequence } from "./session-sequence.ts";

interface Span {
  readonly sequence: SessionSequence;
  readonly from: number;
  readonly to: number;
}

interface Cursor extends Span {
  position: number;
}

/** The sessions of several sequences that started from `fromMs` to `toMs`, both included, as one list, newest first. */
export class SessionSelection {
  readonly length: number;
  readonly #spans: readonly Span[];

  constructor(sequences: readonly SessionSequence[], fromMs: number, toMs: number) {
    this.#spans = sequences
      .map((sequence) => ({
        sequence,
        from: firstStartedBy(sequence, toMs),
        to: firstStartedBy(sequence, fromMs - 1),
      }))
      .filter((span) => span.from < span.to);
    this.length = this.#spans.reduce((sum, span) => sum + span.to - span.from, 0);
  }

  /** The sessions at the positions `from` up to, but not, `to`. */
  slice(from: number, to: number): StoredSession[] {
    return this.rows(from)
      .take(Math.max(0, to - from))
      .toArray();
  }

  *rows(skip = 0): IteratorObject<StoredSession, undefined> {
    if (skip >= this.length) return;
    const cursors = this.#cursorsAt(skip);
    for (let cursor = foremost(cursors); cursor !== undefined; cursor = foremost(cursors)) {
      yield cursor.sequence.rowAt(cursor.position++);
    }
  }

  /** Finds, by halving over time, where each sequence stands once `skip` sessions lie behind. */
  #cursorsAt(skip: number): Cursor[] {
    const [only, ...others] = this.#spans;
    if (only !== undefined && others.length === 0) return [{ ...only, position: only.from + skip }];
    let low = Math.min(...this.#spans.map((span) => span.sequence.startAt(span.to - 1)));
    let high = Math.max(...this.#spans.map((span) => span.sequence.startAt(span.from)));
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (passed(this.#laterThan(middle)) > skip) low = middle + 1;
      else high = middle;
    }
    const cursors = this.#laterThan(low);
    for (let left = skip - passed(cursors); left > 0; left--) {
      const cursor = foremost(cursors);
      if (cursor !== undefined) cursor.position++;
    }
    return cursors;
  }

  #laterThan(instantMs: number): Cursor[] {
    return this.#spans.map((span) => {
      const position = Math.min(span.to, Math.max(span.from, firstStartedBy(span.sequence, instantMs)));
      return { ...span, position };
    });
  }
}

function passed(cursors: readonly Cursor[]): number {
  return cursors.reduce((sum, cursor) => sum + cursor.position - cursor.from, 0);
}

function foremost(cursors: readonly Cursor[]): Cursor | undefined {
  let best: Cursor | undefined;
  for (const cursor of cursors) {
    if (cursor.position < cursor.to && (best === undefined || comesBefore(cursor, best))) best = cursor;
  }
  return best;
}

function comesBefore(a: Cursor, b: Cursor): boolean {
  const difference = a.sequence.startAt(a.position) - b.sequence.startAt(b.position);
  if (difference !== 0) return difference > 0;
  return a.sequence.orderAt(a.position) < b.sequence.orderAt(b.position);
}
