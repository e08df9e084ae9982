/**
 * 64-bit hashes of ids, made of two hashes of 32 bits in the manner of MurmurHash3: even among a hundred million ids, two
 * share one by a chance of less than one in a thousand, unless somebody chose them so.
 */
export class IdHashes {
  readonly #halves: number[] = [];

  add(id: string): void {
    let one = 0x9e3779b9 ^ id.length;
    let other = 0x85ebca6b ^ id.length;
    for (let index = 0; index < id.length; index++) {
      const unit = id.charCodeAt(index);
      one = Math.imul(one ^ unit, 0x9e3779b1);
      other = Math.imul(other ^ unit, 0x5f356495);
      one ^= one >>> 15;
      other ^= other >>> 13;
    }
    this.#halves.push(mixed(one ^ Math.imul(other, 0xc2b2ae35)), mixed(other));
  }

  toArray(): BigUint64Array<ArrayBuffer> {
    return new BigUint64Array(Uint32Array.from(this.#halves).buffer);
  }
}

/** Lets each bit depend on all others. */
function mixed(hash: number): number {
  let bits = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
