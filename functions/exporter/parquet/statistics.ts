import thrift, { type Statistics } from "parquetjs-lite/gen-nodejs/parquet_types.js";

/** Counts and bounds of the 64-bit integers of a page, or of a column chunk. */
export class IntegerStatistics {
  readonly #values = new Set<number | bigint>();
  #min: number | bigint | null = null;
  #max: number | bigint | null = null;
  #nulls = 0;

  /** Takes in integers as they stand in a file, and how many nulls came with them. */
  add(bytes: Buffer, nulls: number): void {
    for (let at = 0; at < bytes.length; at += 8) this.#addOne(integerAt(bytes, at));
    this.#nulls += nulls;
  }

  /** Takes in what was counted of another page. */
  addAll(other: IntegerStatistics): void {
    for (const value of other.#values) this.#addOne(value);
    this.#nulls += other.#nulls;
  }

  toThrift(): Statistics {
    const min = this.#min === null ? null : bytesOf(this.#min);
    const max = this.#max === null ? null : bytesOf(this.#max);
    const counts = { null_count: this.#nulls, distinct_count: this.#values.size };
    return new thrift.Statistics({ min, max, min_value: min, max_value: max, ...counts });
  }

  #addOne(value: number | bigint): void {
    this.#values.add(value);
    if (this.#min === null || value < this.#min) this.#min = value;
    if (this.#max === null || value > this.#max) this.#max = value;
  }
}

/** A bigint only beyond what a number holds exactly. */
function integerAt(bytes: Buffer, at: number): number | bigint {
  const number = bytes.readInt32LE(at + 4) * 2 ** 32 + bytes.readUInt32LE(at);
  return Number.isSafeInteger(number) ? number : bytes.readBigInt64LE(at);
}

function bytesOf(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
}
