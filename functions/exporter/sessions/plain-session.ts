import { ASCII } from "../ascii.ts";
import { SESSION_COLUMNS, type SessionColumnName } from "../contract.ts";
import { placeBehind, type TapedText, TOKEN } from "../json-tape.ts";
import { instantAt } from "./instant.ts";
import { type Field, fieldWithKey, findMembers, LISTS_OF_TAGS, MEMBERS, NOWHERE } from "./session-members.ts";

const { SPACE, QUOTE, MINUS, ZERO, OPEN_BRACKET, LOWER_F, LOWER_N, LOWER_T, OPEN_BRACE, BACKSLASH, DELETE } = ASCII;

/** What a letter in lower case has, and the same in upper case has not. */
const CASE_BIT = 0x20;

/** Longer integers may be beyond what a number holds exactly. */
const MOST_DIGITS = 15;

/** In place of where a text or list begins: there is none. */
export const ABSENT = -1;
/** In place of where a tag's name begins: the tag itself is null. */
export const ABSENT_TAG = -2;

/** Numbers in `elements` for one text of a list: where it begins and ends, as in `starts` and `ends`. */
export const TEXT_STEP = 2;
/** The same for a tag: where its name and its value begin and end. */
export const TAG_STEP = 4;

const TAG_KEYS = [Buffer.from('"name"'), Buffer.from('"value"')];

const COLUMN = Object.fromEntries(SESSION_COLUMNS.map(({ name }, column) => [name, column])) as Readonly<
  Record<SessionColumnName, number>
>;

/**
 * A session's columns as places in its JSON text, for sessions that are as Kore documents them: texts where text
 * belongs, integers of up to 15 digits, instants as `yyyy-mm-ddThh:mm:ss.mssZ`. For these it tells what `mapSession`
 * does, which then coerces nothing; to any other, `read` says no.
 *
 * One object reads session after session, so that there is no object for each cell or row.
 */
export class PlainSession {
  /** What the places count in. The session's own text is the part between `from` and `to`. */
  bytes: Buffer = Buffer.alloc(0);
  from = 0;
  to = 0;
  /** By column: where a text begins, or a list's first element in `elements`; or `ABSENT`. */
  readonly starts = new Int32Array(SESSION_COLUMNS.length);
  /** By column: where a text ends, negative if there are escapes in it; or how many elements a list has. */
  readonly ends = new Int32Array(SESSION_COLUMNS.length);
  /** By column: an instant, an integer, or 1 or 0 for a boolean; NaN where there is none. */
  readonly numbers = new Float64Array(SESSION_COLUMNS.length);
  /** Of all lists one after another: `TEXT_STEP` numbers for a text, `TAG_STEP` for a tag. */
  elements = new Int32Array(256);
  #elementsUsed = 0;
  #seenMembers = 0;
  #seenTags = 0;
  #tape: Int32Array = new Int32Array(0);
  readonly #tagMembers = new Int32Array(2);

  /** Reads a session from its tokens. False if it is not a plain one. */
  read({ text, from, to, tape, at }: TapedText): boolean {
    this.bytes = text;
    this.from = from;
    this.to = to;
    this.#tape = tape;
    this.starts.fill(ABSENT);
    this.numbers.fill(Number.NaN);
    this.#elementsUsed = 0;
    this.#seenMembers = 0;
    this.#seenTags = 0;
    if (text[from] !== OPEN_BRACE || !this.#members(at, MEMBERS)) return false;
    return !Number.isNaN(this.numbers[COLUMN.start_time]) && this.#hasId();
  }

  /** The instant or number of a column; NaN where there is none. */
  number(column: SessionColumnName): number {
    return this.numbers[COLUMN[column]] ?? Number.NaN;
  }

  /** The text of a column; null where there is none. */
  text(column: SessionColumnName): string | null {
    const start = this.starts[COLUMN[column]] ?? ABSENT;
    return start < 0 ? null : textAt(this.bytes, start, this.ends[COLUMN[column]] ?? start);
  }

  /** Whether a column has a text that is not empty. */
  hasText(column: SessionColumnName): boolean {
    const start = this.starts[COLUMN[column]] ?? ABSENT;
    return start >= 0 && Math.abs(this.ends[COLUMN[column]] ?? start) > start;
  }

  /** Whether the text of a column is a word, given in lower-case ASCII letters, in whatever case. */
  isWord(column: SessionColumnName, word: string): boolean {
    const start = this.starts[COLUMN[column]] ?? ABSENT;
    const end = this.ends[COLUMN[column]] ?? start;
    if (end < 0) return this.text(column)?.toLowerCase() === word;
    if (start < 0 || end - start !== word.length) return false;
    for (let index = 0; index < word.length; index++) {
      if (((this.bytes[start + index] ?? 0) | CASE_BIT) !== word.charCodeAt(index)) return false;
    }
    return true;
  }

  /** An id has a character that is no white space. */
  #hasId(): boolean {
    const first = this.bytes[this.starts[COLUMN.session_id] ?? ABSENT] ?? 0;
    const isPrintable = first > SPACE && first < DELETE && first !== BACKSLASH && first !== QUOTE;
    return isPrintable || (this.text("session_id")?.trim() ?? "") !== "";
  }

  /*
   * Each of these takes a token's place on the tape, and returns false if what stands there is not plain.
   */

  #members(place: number, fields: readonly Field[]): boolean {
    const tape = this.#tape;
    const end = tape[place + 1] ?? 0;
    let expected = 0;
    for (let key = place + TOKEN; key < end; key = placeBehind(this.bytes, tape, key + TOKEN)) {
      const keyEnd = tape[key + 1] ?? 0;
      // A key with escapes may be any.
      if (keyEnd < 0) return false;
      const index = fieldWithKey(fields, this.bytes, tape[key] ?? 0, keyEnd, expected);
      const field = fields[index];
      if (field === undefined) continue;
      expected = index + 1;
      if (this.#isRepeated(fields, index) || !this.#value(field, key + TOKEN)) return false;
    }
    return true;
  }

  /** With `JSON.parse`, the last one of members with the same name counts. */
  #isRepeated(fields: readonly Field[], index: number): boolean {
    const bit = 1 << index;
    const seen = fields === MEMBERS ? this.#seenMembers : this.#seenTags;
    if (fields === MEMBERS) this.#seenMembers |= bit;
    else this.#seenTags |= bit;
    return (seen & bit) !== 0;
  }

  #value({ shape, column }: Field, place: number): boolean {
    const start = this.#tape[place] ?? 0;
    const end = this.#tape[place + 1] ?? 0;
    const first = this.bytes[start];
    if (first === LOWER_N || shape === "not read") return true;
    switch (shape) {
      case "text":
        this.starts[column] = start + 1;
        this.ends[column] = textEnd(end);
        return first === QUOTE;
      case "timestamp":
        this.numbers[column] = first === QUOTE ? instantAt(this.bytes, start + 1, end - 1) : Number.NaN;
        return !Number.isNaN(this.numbers[column]);
      case "integer":
        this.numbers[column] = integerAt(this.bytes, start, end);
        return !Number.isNaN(this.numbers[column]);
      case "boolean":
        this.numbers[column] = first === LOWER_T ? 1 : 0;
        return first === LOWER_T || first === LOWER_F;
      case "texts":
      case "tags":
        return first === OPEN_BRACKET && this.#list(shape, column, place);
      case "tag lists":
        return first === OPEN_BRACE && this.#members(place, LISTS_OF_TAGS);
    }
  }

  #list(shape: "texts" | "tags", column: number, place: number): boolean {
    const end = this.#tape[place + 1] ?? 0;
    this.starts[column] = this.#elementsUsed;
    let count = 0;
    for (let element = place + TOKEN; element < end; element = placeBehind(this.bytes, this.#tape, element)) {
      const isPlain = shape === "texts" ? this.#textInto(this.#element(TEXT_STEP), element) : this.#tag(element);
      if (!isPlain) return false;
      count++;
    }
    this.ends[column] = count;
    return true;
  }

  #tag(place: number): boolean {
    const element = this.#element(TAG_STEP);
    const first = this.bytes[this.#tape[place] ?? 0];
    if (first === LOWER_N) this.elements[element] = ABSENT_TAG;
    if (first !== OPEN_BRACE) return first === LOWER_N;
    const found = this.#tagMembers;
    if (!findMembers(this.bytes, this.#tape, place, TAG_KEYS, found)) return false;
    const [name = NOWHERE, value = NOWHERE] = found;
    if (name !== NOWHERE && !this.#textInto(element, name)) return false;
    return value === NOWHERE || this.#textInto(element + TEXT_STEP, value);
  }

  #textInto(element: number, place: number): boolean {
    const start = this.#tape[place] ?? 0;
    const first = this.bytes[start];
    if (first === QUOTE) {
      this.elements[element] = start + 1;
      this.elements[element + 1] = textEnd(this.#tape[place + 1] ?? 0);
    }
    return first === QUOTE || first === LOWER_N;
  }

  /** Room for an element, all of it absent. */
  #element(step: number): number {
    const place = this.#elementsUsed;
    this.#elementsUsed += step;
    if (this.#elementsUsed > this.elements.length) {
      const larger = new Int32Array(2 * this.elements.length);
      larger.set(this.elements);
      this.elements = larger;
    }
    for (let at = place; at < this.#elementsUsed; at++) this.elements[at] = ABSENT;
    return place;
  }
}

/** Where a text ends whose string ends there, both negative if there are escapes. */
function textEnd(stringEnd: number): number {
  return stringEnd < 0 ? stringEnd + 1 : stringEnd - 1;
}

/** An integer of up to 15 digits; NaN for any other value. */
function integerAt(bytes: Buffer, start: number, end: number): number {
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  if (end - first > MOST_DIGITS || end <= first) return Number.NaN;
  let number = 0;
  for (let at = first; at < end; at++) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    number = number * 10 + digit;
  }
  return isNegative && number > 0 ? -number : number;
}

/** The text between two places of a `PlainSession`. */
export function textAt(bytes: Buffer, start: number, end: number): string {
  if (end >= 0) return bytes.toString("utf8", start, end);
  return JSON.parse(bytes.toString("utf8", start - 1, 1 - end)) as string;
}
