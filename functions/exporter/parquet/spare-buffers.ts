import { ByteBuffer } from "./byte-buffer.ts";

/** What is kept at most; further buffers are left to the garbage collector. */
const MOST_BYTES = 16 * 1024 * 1024;

const spare: ByteBuffer[] = [];
let spareBytes = 0;

/** An empty buffer; one that was used before if there is one, since fresh memory costs more than what is written to it. */
export function takeBuffer(): ByteBuffer {
  const buffer = spare.pop();
  if (buffer === undefined) return new ByteBuffer();
  spareBytes -= buffer.capacity;
  return buffer;
}

/** Gives a buffer back that nobody uses any more, nor a view of it. */
export function giveBack(buffer: ByteBuffer): void {
  buffer.clear();
  if (spareBytes + buffer.capacity > MOST_BYTES) return;
  spare.push(buffer);
  spareBytes += buffer.capacity;
}
