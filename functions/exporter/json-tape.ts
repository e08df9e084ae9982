import { ASCII } from "./ascii.ts";
import { afterBlanks, INVALID, NO_STRING, scalarEnd, stringEnd } from "./json-tokens.ts";

const { QUOTE, COMMA, COLON, OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE } = ASCII;

/** Deeper nesting is not looked into. */
const MOST_DEPTH = 200;

/** Numbers that a token takes on a tape. */
export const TOKEN = 2;

/**
 * A JSON value with its tokens, so that it need not be read byte by byte again: the part of `text` between `from` and
 * `to`.
 *
 * From `at` on, `tape` has two numbers for each token, keys and values in the order of the text: where it begins, which
 * tells its kind by the byte there, and where it ends, negative for a string with escapes. For an object or an array the
 * second is the place on the tape behind its last token.
 */
export class TapedText {
  readonly text: Buffer;
  readonly from: number;
  readonly to: number;
  readonly tape: Int32Array;
  readonly at: number;

  constructor(text: Buffer, from: number, to: number, tape: Int32Array, at: number) {
    this.text = text;
    this.from = from;
    this.to = to;
    this.tape = tape;
    this.at = at;
  }

  /** The value's own text, in UTF-8: a view, not a copy. */
  get raw(): Buffer {
    return this.text.subarray(this.from, this.to);
  }

  /** What `JSON.parse` makes of it, each time anew. */
  get value(): unknown {
    return JSON.parse(this.text.toString("utf8", this.from, this.to));
  }
}

/** The elements of a member that is an array, and the object's text with an empty array in their place. */
export interface CutArray {
  readonly elements: readonly TapedText[];
  readonly rest: string;
}

/**
 * Cuts the elements out of the one member of that name, checking all of the text on the way: whatever is cut is valid
 * JSON, by RFC 8259. The elements are parts of `json`, which must be valid UTF-8.
 *
 * Null where the text is no such object, or is out of the ordinary: the member twice, escapes in a key of the object,
 * nesting more than 200 deep. It may still be JSON then; `JSON.parse` tells.
 */
export function cutArray(json: Buffer, member: string): CutArray | null {
  return new Tokenizer(json).cut(member);
}

/** The tokens of a JSON text; null where it is not valid, or nested more than 200 deep. Wants valid UTF-8. */
export function tapeOf(text: Buffer): TapedText | null {
  return new Tokenizer(text).whole();
}

/** The place on a tape of the token that follows the value at a place. */
export function placeBehind(text: Buffer, tape: Int32Array, place: number): number {
  const first = text[tape[place] ?? 0];
  const isContainer = first === OPEN_BRACE || first === OPEN_BRACKET;
  return isContainer ? (tape[place + 1] ?? 0) : place + TOKEN;
}

/** Where tokens are gathered: fresh memory for each text would cost as much as reading it. */
let scratch: Int32Array = new Int32Array(1 << 14);

/**
 * Its methods take the index of a token's first byte and return the one behind its last, or of a key that of its value;
 * or `INVALID`. An index beyond the text finds no byte, and so nothing that is valid.
 *
 * It goes over nested values in one loop, with a stack of its own: twice as fast as a method that calls itself.
 */
class Tokenizer {
  readonly #json: Buffer;
  #tape: Int32Array;
  #used = 0;
  /** Places of the objects and arrays that are open. */
  readonly #open = new Int32Array(MOST_DEPTH);
  #depth = 0;
  #wanted: Wanted | null = null;

  constructor(json: Buffer) {
    this.#json = json;
    this.#tape = scratch;
  }

  whole(): TapedText | null {
    const start = afterBlanks(this.#json, 0);
    const end = this.#value(start);
    const isWhole = end !== INVALID && afterBlanks(this.#json, end) === this.#json.length;
    return isWhole ? new TapedText(this.#json, start, end, this.#finished(), 0) : null;
  }

  cut(member: string): CutArray | null {
    const json = this.#json;
    const wanted = Buffer.from(`"${member}"`);
    let at = afterBlanks(json, 0);
    if (json[at] !== OPEN_BRACE) return null;
    do {
      const keyStart = afterBlanks(json, at + 1);
      const keyPlace = this.#used;
      const start = this.#key(keyStart);
      const keyEnd = this.#tape[keyPlace + 1] ?? 0;
      if (start === INVALID || keyEnd < 0) return null;
      const isWanted = wanted.equals(json.subarray(keyStart, keyEnd));
      const end = isWanted ? this.#wantedArray(start) : this.#value(start);
      if (end === INVALID) return null;
      at = afterBlanks(json, end);
    } while (json[at] === COMMA);
    const isWhole = json[at] === CLOSE_BRACE && afterBlanks(json, at + 1) === json.length;
    return isWhole && this.#wanted !== null ? this.#cutAt(this.#wanted) : null;
  }

  #cutAt({ start, end, places }: Wanted): CutArray {
    const json = this.#json;
    const tape = this.#finished();
    const elements = places.map(({ from, to, at }) => new TapedText(json, from, to, tape, at));
    return { elements, rest: `${json.toString("utf8", 0, start)}[]${json.toString("utf8", end)}` };
  }

  /** Notes where the elements are. There must be one such array, not two. */
  #wantedArray(start: number): number {
    if (this.#wanted !== null || this.#json[start] !== OPEN_BRACKET) return INVALID;
    const places: Place[] = [];
    const end = this.#elements(start, places);
    this.#wanted = { start, end, places };
    return end;
  }

  #elements(start: number, places: Place[]): number {
    const json = this.#json;
    let from = afterBlanks(json, start + 1);
    if (json[from] === CLOSE_BRACKET) return from + 1;
    for (;;) {
      const place = this.#used;
      const to = this.#value(from);
      if (to === INVALID) return INVALID;
      places.push({ from, to, at: place });
      const behind = afterBlanks(json, to);
      if (json[behind] === CLOSE_BRACKET) return behind + 1;
      if (json[behind] !== COMMA) return INVALID;
      from = afterBlanks(json, behind + 1);
    }
  }

  #value(start: number): number {
    let at = start;
    do at = this.#next(at);
    while (at !== INVALID && this.#depth > 0);
    return at;
  }

  /** From a value to the one that follows it in the text, which may be within it; or behind all that end with it. */
  #next(start: number): number {
    const first = this.#json[start] ?? 0;
    if (first === OPEN_BRACE || first === OPEN_BRACKET) return this.#opened(start, first);
    const end = first === QUOTE ? this.#string(start) : this.#scalar(start, first);
    return end === INVALID ? INVALID : this.#behindValue(end);
  }

  #behindValue(end: number): number {
    const json = this.#json;
    let at = end;
    while (this.#depth > 0) {
      at = afterBlanks(json, at);
      const place = this.#open[this.#depth - 1] ?? 0;
      const isObject = json[this.#tape[place] ?? 0] === OPEN_BRACE;
      if (json[at] === COMMA) {
        const next = afterBlanks(json, at + 1);
        return isObject ? this.#key(next) : next;
      }
      if (json[at] !== (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) return INVALID;
      this.#tape[place + 1] = this.#used;
      this.#depth--;
      at++;
    }
    return at;
  }

  #opened(start: number, first: number): number {
    if (this.#depth === MOST_DEPTH) return INVALID;
    this.#open[this.#depth++] = this.#used;
    this.#token(start, 0);
    const at = afterBlanks(this.#json, start + 1);
    const isObject = first === OPEN_BRACE;
    if (this.#json[at] === (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) return this.#behindValue(at);
    return isObject ? this.#key(at) : at;
  }

  #key(start: number): number {
    const json = this.#json;
    const end = json[start] === QUOTE ? this.#string(start) : INVALID;
    if (end === INVALID) return INVALID;
    const colon = afterBlanks(json, end);
    return json[colon] === COLON ? afterBlanks(json, colon + 1) : INVALID;
  }

  #string(start: number): number {
    const end = stringEnd(this.#json, start);
    if (end === NO_STRING) return INVALID;
    this.#token(start, end);
    return end < 0 ? -end : end;
  }

  #scalar(start: number, first: number): number {
    const end = scalarEnd(this.#json, start, first);
    if (end !== INVALID) this.#token(start, end);
    return end;
  }

  #finished(): Int32Array {
    scratch = this.#tape;
    return this.#tape.slice(0, this.#used);
  }

  #token(start: number, end: number): void {
    const place = this.#used;
    if (place + TOKEN > this.#tape.length) {
      const longer = new Int32Array(2 * this.#tape.length);
      longer.set(this.#tape);
      this.#tape = longer;
    }
    this.#tape[place] = start;
    this.#tape[place + 1] = end;
    this.#used = place + TOKEN;
  }
}

/** Where an element stands in the text, and on the tape. */
interface Place {
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

/** The array that is cut. */
interface Wanted {
  readonly start: number;
  readonly end: number;
  readonly places: readonly Place[];
}
