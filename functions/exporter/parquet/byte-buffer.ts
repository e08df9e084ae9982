import { ASCII } from "../ascii.ts";

const { BACKSLASH } = ASCII;

/** Texts up to so many characters are cheaper to copy here than to hand to the engine's encoder. */
const SHORT_TEXT = 48;
const SHORT_COPY = 32;

/** What stands behind a backslash, and what is meant. Source: RFC 8259, section 7. */
const ESCAPES: Readonly<Record<number, number>> = { 34: 34, 92: 92, 47: 47, 98: 8, 102: 12, 110: 10, 114: 13, 116: 9 };

/** Bytes that are appended to, in one buffer that grows; integers are little-endian, as everywhere in Parquet. */
export class ByteBuffer {
  #bytes: Buffer;
  #view: DataView;
  #length = 0;

  constructor(capacity = 1024) {
    this.#bytes = Buffer.allocUnsafeSlow(capacity);
    this.#view = viewOf(this.#bytes);
  }

  get length(): number {
    return this.#length;
  }

  get capacity(): number {
    return this.#bytes.length;
  }

  /** What was appended; a view that later calls may overwrite. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Forgets what was appended, and keeps the room for it. */
  clear(): void {
    this.#length = 0;
  }

  byteAt(at: number): number {
    return this.#bytes[at] ?? 0;
  }

  byte(value: number): void {
    this.#ensure(1);
    this.#bytes[this.#length++] = value;
  }

  uint32(value: number): void {
    this.#ensure(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  /** Overwrites four bytes that were appended before. */
  setUint32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  /** Within 64 signed bits; a number must be a safe integer. */
  int64(value: number | bigint): void {
    this.#ensure(8);
    if (typeof value === "bigint") this.#view.setBigInt64(this.#length, value, true);
    else {
      this.#view.setUint32(this.#length, value, true);
      this.#view.setInt32(this.#length + 4, Math.floor(value / 2 ** 32), true);
    }
    this.#length += 8;
  }

  /** A number of any size in groups of seven bits, the lowest first: ULEB128. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  /** The text's length in bytes, and its UTF-8, where a lone surrogate becomes U+FFFD. */
  text(text: string): void {
    const start = this.#length;
    this.#ensure(4 + 3 * text.length);
    this.#length += 4;
    if (text.length > SHORT_TEXT || !this.#ascii(text)) {
      this.#length = start + 4 + this.#bytes.write(text, start + 4);
    }
    this.#view.setUint32(start, this.#length - start - 4, true);
  }

  /** The length of a part of other bytes, and that part. */
  utf8(from: Buffer, start: number, end: number): void {
    this.uint32(end - start);
    this.copy(from, start, end);
  }

  /**
   * The text that a JSON string's inner bytes tell, with its length before it. False, and nothing appended, where a
   * character stands as its number (`\\u00e9`).
   */
  unescaped(from: Buffer, start: number, end: number): boolean {
    const place = this.#length;
    this.uint32(0);
    let at = start;
    for (let backslash = backslashFrom(from, at, end); backslash < end; backslash = backslashFrom(from, at, end)) {
      const meant = ESCAPES[from[backslash + 1] ?? 0];
      if (meant === undefined) {
        this.#length = place;
        return false;
      }
      this.copy(from, at, backslash);
      this.byte(meant);
      at = backslash + 2;
    }
    this.copy(from, at, end);
    this.setUint32(place, this.#length - place - 4);
    return true;
  }

  /** A part of other bytes. */
  copy(from: Buffer, start: number, end: number): void {
    this.#ensure(end - start);
    const to = this.#length - start;
    if (end - start <= SHORT_COPY) for (let at = start; at < end; at++) this.#bytes[to + at] = from[at] ?? 0;
    else from.copy(this.#bytes, this.#length, start, end);
    this.#length += end - start;
  }

  /** Appends the text if it is ASCII throughout; else says so, and what it appended does not count. */
  #ascii(text: string): boolean {
    let at = this.#length;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) return false;
      this.#bytes[at++] = code;
    }
    this.#length = at;
    return true;
  }

  #ensure(room: number): void {
    if (this.#length + room <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#length + room));
    larger.set(this.written);
    this.#bytes = larger;
    this.#view = viewOf(larger);
  }
}

/** Index of the first backslash from `start` on; `end` if there is none before. */
function backslashFrom(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== BACKSLASH) at++;
  return at;
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
