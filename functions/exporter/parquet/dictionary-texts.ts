import { ByteBuffer } from "./byte-buffer.ts";
import { Dictionary } from "./dictionary.ts";
import { bitWidth, encodeHybrid } from "./hybrid.ts";

/** A dictionary that grew beyond this saves nothing: what follows is written PLAIN. */
const MOST_DICTIONARY_BYTES = 256 * 1024;

/** A text's length in bytes, before the text. */
const LENGTH_BYTES = 4;

/** How a page's values are encoded. */
export type ValueEncoding = "PLAIN" | "RLE_DICTIONARY";

/** Texts of which many are alike: a page has their numbers in the chunk's dictionary, for as long as that is small. */
export class DictionaryTexts {
  readonly dictionary = new Dictionary();
  readonly #numbers: number[] = [];
  readonly #plain = new ByteBuffer();
  readonly #encoded = new ByteBuffer();
  #isPlain = false;

  /** About what the page's values take so far. */
  get bytes(): number {
    return this.#numbers.length * 4 + this.#plain.length;
  }

  text(text: string): void {
    this.#encoded.clear();
    this.#encoded.text(text);
    this.#appendEncoded();
  }

  /** As `ByteBuffer.unescaped`. */
  unescaped(bytes: Buffer, start: number, end: number): boolean {
    this.#encoded.clear();
    const isDone = this.#encoded.unescaped(bytes, start, end);
    if (isDone) this.#appendEncoded();
    return isDone;
  }

  #appendEncoded(): void {
    this.utf8(this.#encoded.written, LENGTH_BYTES, this.#encoded.length);
  }

  /** A text whose UTF-8 is a part of other bytes. */
  utf8(bytes: Buffer, start: number, end: number): void {
    if (this.#isPlain) this.#plain.utf8(bytes, start, end);
    else this.#numbers.push(this.dictionary.numberOf(bytes, start, end));
  }

  /** True once the dictionary is full: the page must end, since what follows does not go by number. */
  get mustEndPage(): boolean {
    return !this.#isPlain && this.dictionary.values.length > MOST_DICTIONARY_BYTES;
  }

  /** Appends the page's values to its body, and forgets them. */
  moveTo(body: ByteBuffer): ValueEncoding {
    if (this.#numbers.length === 0) {
      body.copy(this.#plain.written, 0, this.#plain.length);
      this.#plain.clear();
      return "PLAIN";
    }
    const width = bitWidth(this.dictionary.size - 1);
    body.byte(width);
    encodeHybrid(Uint32Array.from(this.#numbers), width, body);
    this.#numbers.length = 0;
    this.#isPlain = this.mustEndPage;
    return "RLE_DICTIONARY";
  }
}
