import { createHash } from "node:crypto";
import { z } from "zod";
import { SIGNATURE_ALGORITHMS, type Signer } from "./signing.ts";

/** Layout of a digest. A reader refuses a newer one rather than misread it. */
export const DIGEST_VERSION = 1;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().nonnegative();
const versionId = z.string().nullable();

const vouchedFile = z.object({
  key: z.string(),
  containment_type: z.string().nullable(),
  row_count: count,
  bytes: count,
  sha256,
  version_id: versionId,
});

const vouchedDay = z.object({
  dt: z.iso.date(),
  source: z.string(),
  ledger: z.object({ key: z.string(), sha256, bytes: count, version_id: versionId }),
  files: z.array(vouchedFile),
});

const digest = z.object({
  version: z.literal(DIGEST_VERSION),
  number: z.number().int().positive(),
  previous_sha256: sha256.nullable(),
  run_id: z.string(),
  exporter_version: z.string(),
  created_at: z.iso.datetime(),
  days: z.array(vouchedDay),
});

const signature = z.object({
  algorithm: z.enum(SIGNATURE_ALGORITHMS),
  key_fingerprint: sha256,
  signature: z.base64(),
});

/** A file as a digest vouches for it; `version_id` is that of the bucket's version, null where there are none. */
export type VouchedFile = Readonly<z.infer<typeof vouchedFile>>;

/** A day of a source as a digest vouches for it: its ledger record, and the files that the record lists. */
export type VouchedDay = Readonly<z.infer<typeof vouchedDay>>;

/** What a run ends with: the days whose records no earlier digest vouches for. The format is in docs/digests.md. */
export type Digest = Readonly<z.infer<typeof digest>>;

/** Who signed a digest; `key_fingerprint` is the SHA-256 of the public key's DER (SubjectPublicKeyInfo). */
export type DigestSignature = Readonly<z.infer<typeof signature>>;

/** What a digest's file was found to be. */
export type ReadDigest =
  | {
      readonly kind: "digest";
      readonly digest: Digest;
      /** The bytes that are signed: the first line, without its line feed. */
      readonly signed: Buffer;
      readonly signature: DigestSignature | null;
    }
  | { readonly kind: "damaged"; readonly reason: string }
  | { readonly kind: "newer"; readonly version: number };

/** The file of a digest: a line with the digest, and one with its signature, or `null` without a signer. */
export async function digestFile(content: Digest, signer: Signer | null): Promise<Buffer> {
  const line = Buffer.from(JSON.stringify(ordered(content)));
  const signed: DigestSignature | null = signer && {
    algorithm: signer.algorithm,
    key_fingerprint: signer.fingerprint,
    signature: (await signer.sign(line)).toString("base64"),
  };
  return Buffer.concat([line, Buffer.from(`\n${JSON.stringify(signed)}\n`)]);
}

/** Reads the file of a digest, without judging the signature. Never throws. */
export function readDigest(file: Buffer): ReadDigest {
  const end = file.indexOf(0x0a);
  const rest = file.subarray(end + 1).toString("utf8");
  if (end < 0 || !/^[^\n]+\n$/.test(rest)) return { kind: "damaged", reason: "it does not have two lines" };
  const signed = file.subarray(0, end);
  try {
    const value: unknown = JSON.parse(signed.toString("utf8"));
    const version = (value as { version?: unknown } | null)?.version;
    if (typeof version === "number" && version > DIGEST_VERSION) return { kind: "newer", version };
    const parsed = digest.safeParse(value);
    if (!parsed.success) return { kind: "damaged", reason: saidBy(parsed.error) };
    const signer = signature.nullable().safeParse(JSON.parse(rest));
    if (!signer.success) return { kind: "damaged", reason: `its signature: ${saidBy(signer.error)}` };
    return { kind: "digest", digest: parsed.data, signed, signature: signer.data };
  } catch {
    return { kind: "damaged", reason: "it is not JSON" };
  }
}

/** SHA-256 of bytes, in lower-case hexadecimal. */
export function sha256Of(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Members in the order of docs/digests.md, so that the same digest has the same bytes. */
function ordered(content: Digest): object {
  return Object.fromEntries(Object.keys(digest.shape).map((name) => [name, content[name as keyof Digest]]));
}

function saidBy(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
}
