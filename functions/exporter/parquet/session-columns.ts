import { SESSION_COLUMNS } from "../contract.ts";
import { ABSENT, ABSENT_TAG, type PlainSession, TAG_STEP, TEXT_STEP, textAt } from "../sessions/plain-session.ts";
import type { SessionRow, Tag } from "../sessions/row.ts";
import { ColumnChunk, type FinishedChunk } from "./column-chunk.ts";
import type { Compressor } from "./compression.ts";
import { LEAVES } from "./leaves.ts";

/** Definition levels of a value that stands for itself, and inside a list, by what there is: see `leavesOf`. */
const VALUE = 1;
const NOTHING = 0;
const EMPTY_LIST = 1;
const NULL_ELEMENT = 2;
const ELEMENT = 3;
const MEMBER = 4;

/** A column with its leaf, and of a list of tags also the leaf of their values. */
interface SessionColumnChunk {
  readonly column: (typeof SESSION_COLUMNS)[number];
  readonly required: boolean;
  readonly leaf: ColumnChunk;
  readonly values: ColumnChunk;
}

/** The columns of a row group that is being filled: rows in, column chunks out. */
export class SessionColumns {
  rows = 0;
  readonly #leaves: readonly ColumnChunk[];
  readonly #columns: readonly SessionColumnChunk[];

  constructor(compressor: Compressor) {
    this.#leaves = LEAVES.map((leaf) => new ColumnChunk(leaf, compressor));
    this.#columns = SESSION_COLUMNS.map((column) => {
      const [leaf, values = leaf] = this.#leaves.filter((_, index) => LEAVES[index]?.path[0] === column.name);
      if (leaf === undefined || values === undefined) throw new TypeError(`${column.name} has no leaf`);
      return { column, required: "required" in column, leaf, values };
    });
  }

  /** Resolves with the chunks in their order, when all pages are compressed. */
  finish(): Promise<FinishedChunk[]> {
    return Promise.all(this.#leaves.map((leaf) => leaf.finish()));
  }

  /** Appends a row. Throws a TypeError over null in a required column: a level without a value is a damaged file. */
  append(row: SessionRow): void {
    for (const { column, required, leaf, values } of this.#columns) {
      switch (column.shape) {
        case "text":
          putText(leaf, row[column.name], required);
          break;
        case "integer":
        case "timestamp":
          putInt64(leaf, row[column.name], required);
          break;
        case "boolean":
          putBoolean(leaf, row[column.name]);
          break;
        case "texts":
          putTexts(leaf, row[column.name]);
          break;
        case "tags":
          putTags(leaf, values, row[column.name]);
      }
      leaf.endRow();
      if (values !== leaf) values.endRow();
    }
    this.rows++;
  }

  /** Appends a plain session straight from its text: the same as appending the row that it is. */
  appendPlain(session: PlainSession): void {
    const { bytes, starts, ends, numbers } = session;
    let index = -1;
    for (const { column, required, leaf, values } of this.#columns) {
      index++;
      const start = starts[index] ?? ABSENT;
      const end = ends[index] ?? ABSENT;
      const number = numbers[index] ?? Number.NaN;
      switch (column.shape) {
        case "text":
          if (column.from === "") leaf.utf8(bytes, session.from, session.to);
          else putSpan(leaf, bytes, start, end, required);
          break;
        case "integer":
        case "timestamp":
          putInt64(leaf, Number.isNaN(number) ? null : number, required);
          break;
        case "boolean":
          putBoolean(leaf, Number.isNaN(number) ? null : number === 1);
          break;
        case "texts":
          putTextSpans(leaf, session, start, end);
          break;
        case "tags":
          putTagSpans(leaf, values, session, start, end);
      }
      leaf.endRow();
      if (values !== leaf) values.endRow();
    }
    this.rows++;
  }
}

/** Puts the level of a value that stands for itself; false if there is no value to follow. */
function putPresence<T>(leaf: ColumnChunk, value: T | null, required: boolean): value is T {
  if (!required) leaf.level(value === null ? NOTHING : VALUE, false);
  else if (value === null) throw new TypeError("a required column has no value");
  return value !== null;
}

function putText(leaf: ColumnChunk, text: string | Buffer | null, required: boolean): void {
  if (!putPresence(leaf, text, required)) return;
  if (typeof text === "string") leaf.text(text);
  else leaf.utf8(text, 0, text.length);
}

function putInt64(leaf: ColumnChunk, value: number | bigint | null, required: boolean): void {
  if (putPresence(leaf, value, required)) leaf.int64(value);
}

function putBoolean(leaf: ColumnChunk, value: boolean | null): void {
  if (putPresence(leaf, value, false)) leaf.boolean(value);
}

function putTexts(leaf: ColumnChunk, texts: readonly (string | null)[] | null): void {
  if (texts === null || texts.length === 0) leaf.level(texts === null ? NOTHING : EMPTY_LIST, false);
  for (const [index, text] of (texts ?? []).entries()) {
    leaf.level(text === null ? NULL_ELEMENT : ELEMENT, index > 0);
    if (text !== null) leaf.text(text);
  }
}

function putTags(names: ColumnChunk, values: ColumnChunk, tags: readonly (Tag | null)[] | null): void {
  for (const [leaf, member] of [
    [names, "name"],
    [values, "value"],
  ] as const) {
    if (tags === null || tags.length === 0) leaf.level(tags === null ? NOTHING : EMPTY_LIST, false);
    else for (const [index, tag] of tags.entries()) putMember(leaf, tag, member, index > 0);
  }
}

function putMember(leaf: ColumnChunk, tag: Tag | null, member: keyof Tag, goesOn: boolean): void {
  const text = tag?.[member];
  const present = typeof text === "string";
  leaf.level(present ? MEMBER : tag === null ? NULL_ELEMENT : ELEMENT, goesOn);
  if (present) leaf.text(text);
}

function putSpan(leaf: ColumnChunk, bytes: Buffer, start: number, end: number, required: boolean): void {
  if (putPresence(leaf, start === ABSENT ? null : start, required)) putTextAt(leaf, bytes, start, end);
}

function putTextAt(leaf: ColumnChunk, bytes: Buffer, start: number, end: number): void {
  if (end >= 0) leaf.utf8(bytes, start, end);
  else if (!leaf.unescaped(bytes, start, -end)) leaf.text(textAt(bytes, start, end));
}

function putTextSpans(leaf: ColumnChunk, { bytes, elements }: PlainSession, first: number, count: number): void {
  const length = first === ABSENT ? 0 : count;
  if (length === 0) leaf.level(first === ABSENT ? NOTHING : EMPTY_LIST, false);
  for (let index = 0; index < length; index++) {
    const start = elements[first + index * TEXT_STEP] ?? ABSENT;
    leaf.level(start === ABSENT ? NULL_ELEMENT : ELEMENT, index > 0);
    if (start !== ABSENT) putTextAt(leaf, bytes, start, elements[first + index * TEXT_STEP + 1] ?? start);
  }
}

function putTagSpans(
  names: ColumnChunk,
  values: ColumnChunk,
  { bytes, elements }: PlainSession,
  first: number,
  count: number,
): void {
  if (first === ABSENT || count === 0) {
    for (const leaf of [names, values]) leaf.level(first === ABSENT ? NOTHING : EMPTY_LIST, false);
    return;
  }
  for (let index = 0; index < count; index++) {
    const place = first + index * TAG_STEP;
    const isNull = elements[place] === ABSENT_TAG;
    putMemberSpan(names, bytes, elements, place, isNull, index > 0);
    putMemberSpan(values, bytes, elements, place + TEXT_STEP, isNull, index > 0);
  }
}

function putMemberSpan(
  leaf: ColumnChunk,
  bytes: Buffer,
  elements: Int32Array,
  place: number,
  tagIsNull: boolean,
  goesOn: boolean,
): void {
  const start = elements[place] ?? ABSENT;
  leaf.level(start >= 0 ? MEMBER : tagIsNull ? NULL_ELEMENT : ELEMENT, goesOn);
  if (start >= 0) putTextAt(leaf, bytes, start, elements[place + 1] ?? start);
}
