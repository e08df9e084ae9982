import thrift, { type ColumnMetaData, type Statistics } from "parquetjs-lite/gen-nodejs/parquet_types.js";
import type { ByteBuffer } from "./byte-buffer.ts";
import { CODEC, type Compressor } from "./compression.ts";
import { DictionaryTexts, type ValueEncoding } from "./dictionary-texts.ts";
import { bitWidth, encodeHybrid } from "./hybrid.ts";
import type { Leaf } from "./leaves.ts";
import { dataPage, dictionaryPage, type Page } from "./page.ts";
import { giveBack, takeBuffer } from "./spare-buffers.ts";
import { IntegerStatistics } from "./statistics.ts";

/** A page ends with the row that fills it: the format holds its size in 31 bits, and readers take it whole. */
const PAGE_BYTES = 1024 * 1024;

const TYPES = { text: "BYTE_ARRAY", "repeating text": "BYTE_ARRAY", int64: "INT64", boolean: "BOOLEAN" } as const;

/** A column chunk as it goes into the file. */
export interface FinishedChunk {
  /** In their order, the dictionary first. */
  readonly pages: readonly Page[];
  /** The chunk's metadata for a place in the file. */
  metadata(offset: number): ColumnMetaData;
}

/** The values of one leaf column in one row group, page by page. */
export class ColumnChunk {
  readonly #leaf: Leaf;
  readonly #compressor: Compressor;
  readonly #pages: Promise<Page>[] = [];
  /** Of the page that is being filled: a byte for each level; values in PLAIN encoding, but booleans a byte each. */
  readonly #definitions = takeBuffer();
  readonly #repetitions = takeBuffer();
  #values = takeBuffer();
  readonly #dictionary: DictionaryTexts | null;
  /** Of all finished pages; only for integers. */
  #statistics: IntegerStatistics | null = null;
  #rows = 0;
  /** Values of all finished pages, nulls included. */
  #count = 0;

  constructor(leaf: Leaf, compressor: Compressor) {
    this.#leaf = leaf;
    this.#compressor = compressor;
    this.#dictionary = leaf.kind === "repeating text" ? new DictionaryTexts() : null;
  }

  /** What is present from the root down, for the next value or null; only where something can be absent. */
  level(definition: number, goesOn: boolean): void {
    this.#definitions.byte(definition);
    if (this.#leaf.maxRepetition > 0) this.#repetitions.byte(goesOn ? 1 : 0);
  }

  text(text: string): void {
    if (this.#dictionary === null) this.#values.text(text);
    else this.#dictionary.text(text);
  }

  /** A text whose UTF-8 is a part of other bytes. */
  utf8(bytes: Buffer, start: number, end: number): void {
    if (this.#dictionary === null) this.#values.utf8(bytes, start, end);
    else this.#dictionary.utf8(bytes, start, end);
  }

  /** As `ByteBuffer.unescaped`. */
  unescaped(bytes: Buffer, start: number, end: number): boolean {
    return (this.#dictionary ?? this.#values).unescaped(bytes, start, end);
  }

  /** Within 64 signed bits; a number must be a safe integer. */
  int64(value: number | bigint): void {
    this.#values.int64(value);
  }

  boolean(value: boolean): void {
    this.#values.byte(value ? 1 : 0);
  }

  endRow(): void {
    this.#rows++;
    const bytes = this.#definitions.length + this.#values.length + (this.#dictionary?.bytes ?? 0);
    if (bytes >= PAGE_BYTES || this.#dictionary?.mustEndPage) this.#endPage();
  }

  /** Ends the last page, and resolves when all are compressed. */
  async finish(): Promise<FinishedChunk> {
    if (this.#rows > 0) this.#endPage();
    for (const buffer of [this.#definitions, this.#repetitions, this.#values]) giveBack(buffer);
    const { size = 0, values } = this.#dictionary?.dictionary ?? {};
    const dictionary = values && size > 0 ? [dictionaryPage(values.written, size, this.#compressor)] : [];
    const pages = await Promise.all([...dictionary, ...this.#pages]);
    const dictionaryBytes = bytesOf(pages.slice(0, dictionary.length));
    return { pages, metadata: (offset) => this.#metadata(pages, offset, dictionaryBytes) };
  }

  #endPage(): void {
    const count = this.#leaf.maxDefinition > 0 ? this.#definitions.length : this.#rows;
    const statistics = this.#pageStatistics(count);
    const { body, encoding } = this.#takeBody();
    const page = dataPage(body.written, { values: count, encoding, statistics }, this.#compressor);
    const done = () => giveBack(body);
    // A failure is told by `finish`.
    page.then(done, done);
    this.#pages.push(page);
    this.#count += count;
    this.#rows = 0;
  }

  /** Levels and values, which are forgotten. */
  #takeBody(): { readonly body: ByteBuffer; readonly encoding: ValueEncoding } {
    const { kind, maxDefinition, maxRepetition } = this.#leaf;
    const hasOnlyValues = maxDefinition === 0 && (kind === "text" || kind === "int64");
    if (hasOnlyValues) {
      const body = this.#values;
      this.#values = takeBuffer();
      return { body, encoding: "PLAIN" };
    }
    const body = takeBuffer();
    if (maxRepetition > 0) moveLevels(this.#repetitions, maxRepetition, body);
    if (maxDefinition > 0) moveLevels(this.#definitions, maxDefinition, body);
    return { body, encoding: this.#moveValues(body) };
  }

  #pageStatistics(count: number): Statistics | null {
    if (this.#leaf.kind !== "int64") return null;
    const integers = this.#values.written;
    const ofPage = new IntegerStatistics();
    ofPage.add(integers, count - integers.length / 8);
    const statistics = ofPage.toThrift();
    // Most chunks have one page, whose statistics are theirs.
    if (this.#statistics === null) this.#statistics = ofPage;
    else this.#statistics.addAll(ofPage);
    return statistics;
  }

  #moveValues(body: ByteBuffer): ValueEncoding {
    if (this.#dictionary !== null) return this.#dictionary.moveTo(body);
    const values = this.#values.written;
    if (this.#leaf.kind === "boolean") packBooleans(values, body);
    else body.copy(values, 0, values.length);
    this.#values.clear();
    return "PLAIN";
  }

  #metadata(pages: readonly Page[], offset: number, dictionaryBytes: number): ColumnMetaData {
    const { kind, path } = this.#leaf;
    const { PLAIN, RLE, RLE_DICTIONARY } = thrift.Encoding;
    return new thrift.ColumnMetaData({
      type: thrift.Type[TYPES[kind]],
      encodings: dictionaryBytes > 0 ? [PLAIN, RLE, RLE_DICTIONARY] : [PLAIN, RLE],
      path_in_schema: path,
      codec: thrift.CompressionCodec[CODEC],
      num_values: this.#count,
      total_uncompressed_size: pages.reduce((sum, page) => sum + page.uncompressedBytes, 0),
      total_compressed_size: bytesOf(pages),
      data_page_offset: offset + dictionaryBytes,
      ...(dictionaryBytes > 0 && { dictionary_page_offset: offset }),
      ...(this.#statistics && { statistics: this.#statistics.toThrift() }),
    });
  }
}

function bytesOf(pages: readonly Page[]): number {
  return pages.reduce((sum, { header, body }) => sum + header.length + body.length, 0);
}

/** Levels stand before the values, with their length in bytes. */
function moveLevels(levels: ByteBuffer, largest: number, body: ByteBuffer): void {
  const start = body.length;
  body.uint32(0);
  encodeHybrid(levels.written, bitWidth(largest), body);
  body.setUint32(start, body.length - start - 4);
  levels.clear();
}

/** Bits, the lowest first. */
function packBooleans(booleans: Uint8Array, body: ByteBuffer): void {
  for (let first = 0; first < booleans.length; first += 8) {
    let byte = 0;
    for (let bit = 0; bit < 8; bit++) byte |= (booleans[first + bit] ?? 0) << bit;
    body.byte(byte);
  }
}
