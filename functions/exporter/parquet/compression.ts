import { promisify } from "node:util";
import { constants, type ZstdOptions, zstdCompress, zstdCompressSync } from "node:zlib";

/** Compression of every column: docs/decisions/0002-zstd.md. */
export const CODEC = "ZSTD";

/** Zstandard's levels run from 1, the fastest, to 22. */
export const ZSTD_LEVEL = 1;

/** A smaller page is compressed sooner than handed over. */
const SMALL_BYTES = 64 * 1024;

/** More at once would each touch fresh memory, which costs more than it saves on the few cores that there are. */
const MOST_AT_ONCE = 2;

/** Bytes that may wait for compression before whoever makes more has to wait. */
const MOST_WAITING_BYTES = 8 * 1024 * 1024;

const zstd = promisify(zstdCompress);

/** Compresses on Node's pool of threads while the caller goes on. */
export class Compressor {
  readonly #lanes: Promise<unknown>[] = Array.from({ length: MOST_AT_ONCE }, () => Promise.resolve());
  #next = 0;
  #waitingBytes = 0;

  /** True if the caller should wait for `settled` before it makes more. */
  get isFull(): boolean {
    return this.#waitingBytes > MOST_WAITING_BYTES;
  }

  /** The bytes must stay as they are until they are compressed. */
  async compress(bytes: Buffer): Promise<Buffer> {
    if (bytes.length < SMALL_BYTES) return zstdCompressSync(bytes, optionsFor(bytes));
    this.#waitingBytes += bytes.length;
    const lane = this.#next++ % MOST_AT_ONCE;
    const compressed = (this.#lanes[lane] ?? Promise.resolve()).then(() => zstd(bytes, optionsFor(bytes)));
    this.#lanes[lane] = compressed
      .catch(() => {})
      .finally(() => {
        this.#waitingBytes -= bytes.length;
      });
    return compressed;
  }

  /** Resolves when nothing waits any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#lanes);
  }
}

function optionsFor({ length }: Buffer): ZstdOptions {
  return {
    params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL },
    pledgedSrcSize: length,
    // Most of what is written shrinks to less than an eighth: one chunk of output takes it.
    chunkSize: Math.max(1024, Math.ceil(length / 8)),
  };
}
