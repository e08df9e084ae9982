const QUOTE = 34;
const BACKSLASH = 92;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const COMMA = 44;
const COLON = 58;
const MINUS = 45;
const PLUS = 43;
const POINT = 46;
const ZERO = 48;
const LETTER_E = 101;
const LETTER_U = 117;

/** What `afterString` returns for what is no string: no string ends there. */
const INVALID = 0;

/** Deeper nesting is not looked into. */
const MOST_DEPTH = 200;

const LITERALS: Readonly<Record<number, string>> = { 116: "true", 102: "false", 110: "null" };
const ESCAPED: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'));

/** Numbers that a token takes on a tape. */
export const TOKEN = 2;

/**
 * A JSON value's text with its tokens, so that it need not be read byte by byte again.
 *
 * From `at` on, `tape` has two numbers for each token, keys and values in the order of the text: where it begins, which
 * tells its kind by the byte there, and where it ends, negative for a string with escapes. For an object or an array the
 * second is the place on the tape behind its last token.
 */
export interface TapedText {
  readonly text: Buffer;
  readonly tape: Int32Array;
  readonly at: number;
}

/** The elements of a member that is an array, and the object's text with an empty array in their place. */
export interface CutArray {
  readonly elements: readonly TapedText[];
  readonly rest: string;
}

/**
 * Cuts the elements out of the one member of that name, checking all of the text on the way: whatever is cut is valid
 * JSON, by RFC 8259. The elements' texts are views of `json`, which must be valid UTF-8.
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
 * Methods that begin with `after` take the index of a token's first byte and return the one behind its last, or -1 if it
 * is not valid. An index beyond the text finds no byte, and so nothing that is valid.
 */
class Tokenizer {
  readonly #json: Buffer;
  #tape: Int32Array;
  #used = 0;
  /** Places on the tape count from here. */
  #base = 0;
  #keyEnd = 0;
  #wanted: Wanted | null = null;

  constructor(json: Buffer) {
    this.#json = json;
    this.#tape = scratch;
  }

  whole(): TapedText | null {
    const end = this.#afterValue(afterBlanks(this.#json, 0), MOST_DEPTH);
    const isWhole = end > 0 && afterBlanks(this.#json, end) === this.#json.length;
    return isWhole ? { text: this.#json, tape: this.#finished(), at: 0 } : null;
  }

  cut(member: string): CutArray | null {
    const json = this.#json;
    const wanted = Buffer.from(`"${member}"`);
    let at = afterBlanks(json, 0);
    if (json[at] !== OPEN_BRACE) return null;
    do {
      const keyStart = afterBlanks(json, at + 1);
      const start = this.#afterKey(keyStart);
      if (start < 0 || this.#keyEnd < 0) return null;
      const isWanted = wanted.equals(json.subarray(keyStart, keyStart + wanted.length));
      const end = isWanted ? this.#afterWanted(start) : this.#afterValue(start, MOST_DEPTH);
      if (end < 0) return null;
      at = afterBlanks(json, end);
    } while (json[at] === COMMA);
    const isWhole = json[at] === CLOSE_BRACE && afterBlanks(json, at + 1) === json.length;
    return isWhole && this.#wanted !== null ? this.#cutAt(this.#wanted) : null;
  }

  #cutAt({ start, end, places }: Wanted): CutArray {
    const json = this.#json;
    const tape = this.#finished();
    const elements = places.map(({ from, to, at }) => ({ text: json.subarray(from, to), tape, at }));
    return { elements, rest: `${json.toString("utf8", 0, start)}[]${json.toString("utf8", end)}` };
  }

  /** Notes where the elements are. There must be one such array, not two. */
  #afterWanted(start: number): number {
    if (this.#wanted !== null || this.#json[start] !== OPEN_BRACKET) return -1;
    const places: Place[] = [];
    const end = this.#afterElements(start, places);
    this.#wanted = { start, end, places };
    return end;
  }

  #afterElements(start: number, places: Place[]): number {
    const json = this.#json;
    let at = afterBlanks(json, start + 1);
    if (json[at] === CLOSE_BRACKET) return at + 1;
    for (;;) {
      this.#base = at;
      const place = this.#used;
      const end = this.#afterValue(at, MOST_DEPTH);
      if (end < 0) return -1;
      places.push({ from: at, to: end, at: place });
      at = afterBlanks(json, end);
      if (json[at] === CLOSE_BRACKET) return at + 1;
      if (json[at] !== COMMA) return -1;
      at = afterBlanks(json, at + 1);
    }
  }

  #afterValue(start: number, depth: number): number {
    const first = this.#json[start] ?? 0;
    const place = this.#token(start);
    let end: number;
    if (first === QUOTE) {
      end = afterString(this.#json, start);
      this.#tape[place + 1] = this.#fromBase(end);
      return end === INVALID ? -1 : Math.abs(end);
    }
    if (first === OPEN_BRACE || first === OPEN_BRACKET) {
      if (depth === 0) return -1;
      end = first === OPEN_BRACE ? this.#afterObject(start, depth - 1) : this.#afterArray(start, depth - 1);
      this.#tape[place + 1] = this.#used;
      return end;
    }
    end = LITERALS[first] === undefined ? afterNumber(this.#json, start) : this.#afterLiteral(start, first);
    this.#tape[place + 1] = end - this.#base;
    return end;
  }

  #afterObject(start: number, depth: number): number {
    const json = this.#json;
    let at = afterBlanks(json, start + 1);
    if (json[at] === CLOSE_BRACE) return at + 1;
    for (;;) {
      const place = this.#token(at);
      const value = this.#afterKey(at);
      if (value < 0) return -1;
      this.#tape[place + 1] = this.#fromBase(this.#keyEnd);
      const end = this.#afterValue(value, depth);
      if (end < 0) return -1;
      at = afterBlanks(json, end);
      if (json[at] === CLOSE_BRACE) return at + 1;
      if (json[at] !== COMMA) return -1;
      at = afterBlanks(json, at + 1);
    }
  }

  /** Passes a key and its colon, to where the value begins. Notes in `#keyEnd` what `afterString` said. */
  #afterKey(start: number): number {
    const json = this.#json;
    this.#keyEnd = json[start] === QUOTE ? afterString(json, start) : INVALID;
    if (this.#keyEnd === INVALID) return -1;
    const colon = afterBlanks(json, Math.abs(this.#keyEnd));
    return json[colon] === COLON ? afterBlanks(json, colon + 1) : -1;
  }

  #afterArray(start: number, depth: number): number {
    const json = this.#json;
    let at = afterBlanks(json, start + 1);
    if (json[at] === CLOSE_BRACKET) return at + 1;
    for (;;) {
      const end = this.#afterValue(at, depth);
      if (end < 0) return -1;
      at = afterBlanks(json, end);
      if (json[at] === CLOSE_BRACKET) return at + 1;
      if (json[at] !== COMMA) return -1;
      at = afterBlanks(json, at + 1);
    }
  }

  #afterLiteral(start: number, first: number): number {
    const literal = LITERALS[first] ?? "";
    const end = start + literal.length;
    return this.#json.toString("latin1", start, end) === literal ? end : -1;
  }

  /** The index behind a string, with its sign, as it stands on the tape. */
  #fromBase(end: number): number {
    return end < 0 ? end + this.#base : end - this.#base;
  }

  #finished(): Int32Array {
    scratch = this.#tape;
    return this.#tape.slice(0, this.#used);
  }

  /** Puts a token's beginning on the tape, and leaves room for the other number. */
  #token(start: number): number {
    if (this.#used + TOKEN > this.#tape.length) {
      const longer = new Int32Array(2 * this.#tape.length);
      longer.set(this.#tape);
      this.#tape = longer;
    }
    const place = this.#used;
    this.#tape[place] = start - this.#base;
    this.#used += TOKEN;
    return place;
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

/** Index behind a string, negative if there are escapes in it; `INVALID` if it is none. */
function afterString(json: Buffer, start: number): number {
  let sign = 1;
  let at = start + 1;
  for (;;) {
    const byte = json[at] ?? 0;
    if (byte === QUOTE) return sign * (at + 1);
    if (byte < 0x20) return INVALID;
    if (byte === BACKSLASH) {
      sign = -1;
      at = afterEscape(json, at);
      if (at < 0) return INVALID;
    } else at++;
  }
}

function afterEscape(json: Buffer, backslash: number): number {
  const escaped = json[backslash + 1] ?? 0;
  if (ESCAPED.has(escaped)) return backslash + 2;
  const digits = json.toString("latin1", backslash + 2, backslash + 6);
  return escaped === LETTER_U && /^[\da-fA-F]{4}$/.test(digits) ? backslash + 6 : -1;
}

function afterNumber(json: Buffer, start: number): number {
  let at = json[start] === MINUS ? start + 1 : start;
  at = json[at] === ZERO ? at + 1 : afterDigits(json, at);
  if (at > 0 && json[at] === POINT) at = afterDigits(json, at + 1);
  if (at > 0 && ((json[at] ?? 0) | 0x20) === LETTER_E) {
    const sign = json[at + 1];
    at = afterDigits(json, sign === PLUS || sign === MINUS ? at + 2 : at + 1);
  }
  return at;
}

/** One digit at least. */
function afterDigits(json: Buffer, start: number): number {
  let at = start;
  for (let byte = json[at] ?? 0; byte >= ZERO && byte <= ZERO + 9; byte = json[at] ?? 0) at++;
  return at === start ? -1 : at;
}

function afterBlanks(json: Buffer, start: number): number {
  let at = start;
  for (let byte = json[at]; byte === 32 || byte === 10 || byte === 13 || byte === 9; byte = json[at]) at++;
  return at;
}
