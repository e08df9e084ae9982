import { ByteBuffer } from "./byte-buffer.ts";

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const FIRST_SLOTS = 64;

/** Before each text in PLAIN encoding. */
const LENGTH_BYTES = 4;

/** Different texts of a column chunk, numbered in the order in which they came. */
export class Dictionary {
  /** The texts in PLAIN encoding, one after another. */
  readonly values = new ByteBuffer();
  /** Where each text begins in `values`. */
  readonly #starts: number[] = [];
  readonly #hashes: number[] = [];
  /** By hash, with open addressing: a text's number plus one, or 0 for a free slot. */
  #slots = new Uint32Array(FIRST_SLOTS);

  get size(): number {
    return this.#starts.length;
  }

  /** The number of the text whose UTF-8 is a part of other bytes; a new one if it was not met before. */
  numberOf(bytes: Buffer, start: number, end: number): number {
    const hash = hashOf(bytes, start, end);
    let slot = this.#slotOf(hash);
    for (let known = this.#slots[slot]; known; known = this.#slots[slot]) {
      if (this.#hashes[known - 1] === hash && this.#holds(known - 1, bytes, start, end)) return known - 1;
      slot = (slot + 1) % this.#slots.length;
    }
    this.#slots[slot] = this.#starts.push(this.values.length);
    this.#hashes.push(hash);
    this.values.utf8(bytes, start, end);
    if (this.size * 2 > this.#slots.length) this.#grow();
    return this.size - 1;
  }

  #holds(number: number, bytes: Buffer, start: number, end: number): boolean {
    const from = (this.#starts[number] ?? 0) + LENGTH_BYTES;
    const length = (this.#starts[number + 1] ?? this.values.length) - from;
    if (length !== end - start) return false;
    for (let at = 0; at < length; at++) if (this.values.byteAt(from + at) !== bytes[start + at]) return false;
    return true;
  }

  #slotOf(hash: number): number {
    return hash & (this.#slots.length - 1);
  }

  #grow(): void {
    this.#slots = new Uint32Array(2 * this.#slots.length);
    for (const [number, hash] of this.#hashes.entries()) {
      let slot = this.#slotOf(hash);
      while (this.#slots[slot] !== 0) slot = (slot + 1) % this.#slots.length;
      this.#slots[slot] = number + 1;
    }
  }
}

/** FNV-1a of 32 bits. */
function hashOf(bytes: Buffer, start: number, end: number): number {
  let hash = FNV_OFFSET;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), FNV_PRIME);
  return hash >>> 0;
}
