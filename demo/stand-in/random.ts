/** Random numbers that are the same on every machine for the same seed. */
export interface Random {
  /** From 0 up to, but not, 1. */
  next(): number;
  /** A whole number from 0 up to, but not, `limit`. */
  below(limit: number): number;
  pick<T>(list: readonly [T, ...T[]]): T;
  /** `length` hexadecimal digits. */
  hex(length: number): string;
  uuid(): string;
}

/** FNV-1a, 32 bits. */
export function hashOf(text: string): number {
  let hash = 2_166_136_261;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 16_777_619);
  }
  return hash >>> 0;
}

/** A well spread 32-bit number for the `index`-th thing of a series. */
export function mix(seed: number, index: number): number {
  let value = (seed + Math.imul(index + 1, 0x9e3779b1)) | 0;
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/** Mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  const hex = (length: number): string => {
    let digits = "";
    while (digits.length < length) digits += below(0x10000).toString(16).padStart(4, "0");
    return digits.slice(0, length);
  };
  const uuid = (): string => [hex(8), hex(4), `4${hex(3)}`, `8${hex(3)}`, hex(12)].join("-");
  return { next, below, hex, uuid, pick: (list) => list[below(list.length)] ?? list[0] };
}
