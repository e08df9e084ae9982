import { createHash } from "node:crypto";
import { z } from "zod";
import { DATASETS, type FileTable } from "./layout.ts";
import { SIGNATURE_ALGORITHMS, type Signer } from "./signing.ts";

/** Layout of the digests that this program writes. A reader refuses a newer one rather than misread it. */
export const DIGEST_VERSION = 2;

const FILE_TABLES = ["sessions", "rejected", "messages", "rejected_messages"] as const satisfies readonly FileTable[];

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().nonnegative();
const versionId = z.string().nullable();

const objectRef = z.object({ key: z.string(), sha256, bytes: count, version_id: versionId });
const fileV1 = z.object({
  key: z.string(),
  containment_type: z.string().nullable(),
  row_count: count,
  bytes: count,
  sha256,
  version_id: versionId,
});
const file = z.object({ table: z.enum(FILE_TABLES), ...fileV1.shape });
const dayV1 = z.object({ dt: z.iso.date(), source: z.string(), ledger: objectRef, files: z.array(fileV1) });
const dataset = z.enum(DATASETS);

const adoption = z.object({ previous_sha256: sha256.nullable(), reason: z.string() });
const day = z.object({
  dataset,
  dt: z.iso.date(),
  source: z.string(),
  ledger: objectRef,
  files: z.array(file),
  adopted: adoption.nullable(),
});
const acceptance = z.object({
  dataset,
  dt: z.iso.date(),
  source: z.string(),
  ledger_sha256: sha256,
  reference: z.string(),
  actor: z.string(),
});
const monthRef = z.object({
  month: z.string().regex(/^\d{4}-\d{2}$/),
  key: z.string(),
  sha256,
  bytes: count,
  records: count,
  version_id: versionId,
});

const head = {
  number: z.number().int().positive(),
  previous_sha256: sha256.nullable(),
  run_id: z.string(),
  exporter_version: z.string(),
  created_at: z.iso.datetime(),
};
const digestV1 = z.object({ version: z.literal(1), ...head, days: z.array(dayV1) });
const digestV2 = z.object({
  version: z.literal(DIGEST_VERSION),
  ...head,
  archive_id: z.uuid(),
  days: z.array(day),
  accepted: z.array(acceptance),
  erasures: z.array(objectRef),
  holds: z.array(objectRef),
  retires: z.array(sha256),
  state: objectRef,
  index: z.array(monthRef),
});

const signature = z.object({
  algorithm: z.enum(SIGNATURE_ALGORITHMS),
  key_fingerprint: sha256,
  signature: z.base64(),
});

/** An object as a digest vouches for it; `version_id` is that of the bucket's version, null where there are none. */
export type ObjectRef = Readonly<z.infer<typeof objectRef>>;
/** A data file as a digest vouches for it. */
export type VouchedFile = Readonly<z.infer<typeof file>>;
/** Why a day holds what no reading of Kore put there: its record was not the one that the digests vouch for. */
export type Adoption = Readonly<z.infer<typeof adoption>>;
/** A day of a source as a digest vouches for it: its ledger record, and the files that the record lists. */
export type VouchedDay = Readonly<z.infer<typeof day>>;
/** That a person looked at an adopted day, and takes it as it is. */
export type Acceptance = Readonly<z.infer<typeof acceptance>>;
/** A month of the index. */
export type MonthRef = Readonly<z.infer<typeof monthRef>>;
/** A digest as this program writes it. */
export type DigestV2 = Readonly<z.infer<typeof digestV2>>;
/** Who signed a digest; `key_fingerprint` is the SHA-256 of the public key's DER (SubjectPublicKeyInfo). */
export type DigestSignature = Readonly<z.infer<typeof signature>>;

/**
 * What a run ends with: the days whose records no earlier digest vouches for, and what there is beside days. The format is
 * in docs/digests.md. A digest of version 1 has no archive id, no state, and nothing but days.
 */
export type Digest = Omit<DigestV2, "version" | "archive_id" | "state"> & {
  readonly version: 1 | typeof DIGEST_VERSION;
  readonly archive_id: string | null;
  readonly state: ObjectRef | null;
};

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

/** Returns the file of a digest: a line with the digest, and one with its signature, or `null` without a signer. */
export async function digestFile(content: DigestV2, signer: Signer | null): Promise<Buffer> {
  const line = Buffer.from(JSON.stringify(ordered(content)));
  const signed: DigestSignature | null = signer && {
    algorithm: signer.algorithm,
    key_fingerprint: signer.fingerprint,
    signature: (await signer.sign(line)).toString("base64"),
  };
  return Buffer.concat([line, Buffer.from(`\n${JSON.stringify(signed)}\n`)]);
}

/** Reads the file of a digest, without judging the signature. Never throws. */
export function readDigest(bytes: Buffer): ReadDigest {
  const end = bytes.indexOf(0x0a);
  const rest = bytes.subarray(end + 1).toString("utf8");
  if (end < 0 || !/^[^\n]+\n$/.test(rest)) return { kind: "damaged", reason: "it does not have two lines" };
  const signed = bytes.subarray(0, end);
  try {
    const value: unknown = JSON.parse(signed.toString("utf8"));
    const version = (value as { version?: unknown } | null)?.version;
    if (typeof version === "number" && version > DIGEST_VERSION) return { kind: "newer", version };
    const parsed = version === 1 ? digestV1.transform(upgraded).safeParse(value) : digestV2.safeParse(value);
    if (!parsed.success) return { kind: "damaged", reason: saidBy(parsed.error) };
    const signer = signature.nullable().safeParse(JSON.parse(rest));
    if (!signer.success) return { kind: "damaged", reason: `its signature: ${saidBy(signer.error)}` };
    return { kind: "digest", digest: parsed.data, signed, signature: signer.data };
  } catch {
    return { kind: "damaged", reason: "it is not JSON" };
  }
}

/** Returns the SHA-256 of bytes, in lower-case hexadecimal. */
export function sha256Of(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Names a day of a source in a dataset. */
export function dayName(dt: string, source: string, dataset: VouchedDay["dataset"] = "sessions"): string {
  return `${dataset} ${dt} ${source}`;
}

/** Orders days by dataset, day and source, by the bytes of their text. */
export function compareDays(one: Place, other: Place): number {
  const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  return order(one.dataset, other.dataset) || order(one.dt, other.dt) || order(one.source, other.source);
}

type Place = Pick<VouchedDay, "dataset" | "dt" | "source">;

function upgraded(digest: z.infer<typeof digestV1>): Digest {
  const days = digest.days.map((one): VouchedDay => {
    const files = one.files.map((entry): VouchedFile => {
      return { table: entry.containment_type === null ? "rejected" : "sessions", ...entry };
    });
    return { dataset: "sessions", ...one, files, adopted: null };
  });
  const nothing = { accepted: [], erasures: [], holds: [], retires: [], index: [] };
  return { ...digest, archive_id: null, days, state: null, ...nothing };
}

/** Members in the order of docs/digests.md, so that the same digest has the same bytes. */
function ordered(content: DigestV2): object {
  return Object.fromEntries(Object.keys(digestV2.shape).map((name) => [name, content[name as keyof DigestV2]]));
}

function saidBy(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
}
