import type { ByteBuffer } from "./byte-buffer.ts";

/** The bits that a value of 0 to `largest` takes. */
export function bitWidth(largest: number): number {
  return 32 - Math.clz32(largest);
}

/** The shortest run that is worth telling as one. */
const SHORTEST_RUN = 8;

/**
 * Appends values, each of so many bits (at most 24), in Parquet's hybrid of run lengths and bit packing.
 * Source: "RLE/bit-packing hybrid" in Parquet's Encodings.md.
 */
export function encodeHybrid(values: Uint8Array | Uint32Array, width: number, out: ByteBuffer): void {
  let literals = 0;
  let at = 0;
  while (at < values.length) {
    const run = runLength(values, at);
    const misfit = (at - literals) % 8;
    if (misfit === 0 && run >= SHORTEST_RUN) {
      packBits(values, literals, at, width, out);
      out.varint(run * 2);
      for (let shift = 0; shift < width; shift += 8) out.byte(((values[at] ?? 0) >>> shift) & 0xff);
      at += run;
      literals = at;
    } else {
      at += misfit === 0 ? run : Math.min(run, 8 - misfit);
    }
  }
  packBits(values, literals, values.length, width, out);
}

function runLength(values: Uint8Array | Uint32Array, start: number): number {
  let at = start + 1;
  while (at < values.length && values[at] === values[start]) at++;
  return at - start;
}

/** Groups of eight values, the last one filled up with zeros. */
function packBits(values: Uint8Array | Uint32Array, start: number, end: number, width: number, out: ByteBuffer): void {
  if (start === end) return;
  const groups = Math.ceil((end - start) / 8);
  out.varint(groups * 2 + 1);
  let pending = 0;
  let bits = 0;
  for (let at = start; at < start + groups * 8; at++) {
    pending |= (at < end ? (values[at] ?? 0) : 0) << bits;
    for (bits += width; bits >= 8; bits -= 8) {
      out.byte(pending & 0xff);
      pending >>>= 8;
    }
  }
}
