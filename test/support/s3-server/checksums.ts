import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

export const CHECKSUM_ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Base64; of a composite checksum followed by `-` and the number of parts. */
  readonly value: string;
  readonly type: "FULL_OBJECT" | "COMPOSITE";
}

export function isChecksumAlgorithm(name: string): name is ChecksumAlgorithm {
  return (CHECKSUM_ALGORITHMS as readonly string[]).includes(name);
}

/** `x-amz-checksum-sha256` for SHA256. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

export function checksumOf(algorithm: ChecksumAlgorithm, body: Buffer): string {
  switch (algorithm) {
    case "CRC32":
      return bytesOf(crc32(body)).toString("base64");
    case "CRC32C":
      return bytesOf(crc32c(body)).toString("base64");
    case "CRC64NVME":
      return crc64nvme(body).toString("base64");
    case "SHA1":
      return createHash("sha1").update(body).digest("base64");
    case "SHA256":
      return createHash("sha256").update(body).digest("base64");
  }
}

/** The checksum of the parts' checksums, as S3 makes it for a multipart upload. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, parts: readonly string[]): Checksum {
  const joined = Buffer.concat(parts.map((part) => Buffer.from(part, "base64")));
  return { algorithm, value: `${checksumOf(algorithm, joined)}-${parts.length}`, type: "COMPOSITE" };
}

function bytesOf(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** The 256 steps of a reflected CRC, whose polynomial is given bit-reversed. */
function crcTable(polynomial: bigint): bigint[] {
  return Array.from({ length: 256 }, (_, index) => {
    let value = BigInt(index);
    for (let bit = 0; bit < 8; bit += 1) value = value & 1n ? (value >> 1n) ^ polynomial : value >> 1n;
    return value;
  });
}

const CASTAGNOLI = Uint32Array.from(crcTable(0x82f63b78n), Number);

function crc32c(body: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of body) crc = (crc >>> 8) ^ (CASTAGNOLI[(crc ^ byte) & 0xff] ?? 0);
  return ~crc;
}

const NVME = crcTable(0x9a6c9329ac4bc9b5n);
const NVME_LOW = Uint32Array.from(NVME, (value) => Number(value & 0xffffffffn));
const NVME_HIGH = Uint32Array.from(NVME, (value) => Number(value >> 32n));

function crc64nvme(body: Buffer): Buffer {
  let low = 0xffffffff;
  let high = 0xffffffff;
  for (const byte of body) {
    const step = (low ^ byte) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ (NVME_LOW[step] ?? 0);
    high = (high >>> 8) ^ (NVME_HIGH[step] ?? 0);
  }
  return Buffer.concat([bytesOf(~high), bytesOf(~low)]);
}
