import { constants, zstdCompressSync } from "node:zlib";
import { CODEC, ZSTD_LEVEL } from "../../functions/exporter/parquet/compression.ts";

/** Compression of our own files, for others to use. */
export const OURS = {
  codec: CODEC,
  level: ZSTD_LEVEL,
  /** The library behind ours, at the same level. */
  compressors: {
    [CODEC]: (input: Uint8Array) =>
      zstdCompressSync(input, { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } }),
  },
} as const;
