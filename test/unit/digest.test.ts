import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DigestV2, digestFile, readDigest } from "../../functions/exporter/archive/digest.ts";
import { isSignedBy, pemSigner } from "../../functions/exporter/archive/signing.ts";
import { newSigningKey } from "../support/signed-archive.ts";

const hash = fc.stringMatching(/^[0-9a-f]{64}$/);
const versionId = fc.option(fc.string());
const ref = fc.record({ key: fc.string({ unit: "binary" }), sha256: hash, bytes: fc.nat(), version_id: versionId });
const day = fc.record({
  dataset: fc.constantFrom("sessions" as const, "messages" as const),
  dt: fc
    .date({ min: new Date("1970-01-01"), max: new Date("2999-12-31"), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10)),
  source: fc.string({ unit: "binary" }),
  ledger: ref,
  adopted: fc.option(fc.record({ previous_sha256: fc.option(hash), reason: fc.string({ unit: "binary" }) })),
  files: fc.array(
    fc.record({
      table: fc.constantFrom(
        "sessions" as const,
        "rejected" as const,
        "messages" as const,
        "rejected_messages" as const,
      ),
      key: fc.string({ unit: "binary" }),
      containment_type: fc.option(fc.string()),
      row_count: fc.nat(),
      bytes: fc.nat(),
      sha256: hash,
      version_id: versionId,
    }),
    { maxLength: 3 },
  ),
});
const text = fc.string({ unit: "binary" });
const digests: fc.Arbitrary<DigestV2> = fc.record({
  version: fc.constant(2 as const),
  number: fc.integer({ min: 1 }),
  previous_sha256: fc.option(hash),
  run_id: fc.string({ unit: "binary" }),
  exporter_version: fc.string(),
  created_at: fc.constant("2026-01-03T02:16:00.000Z"),
  archive_id: fc.uuid(),
  days: fc.array(day, { maxLength: 3 }),
  accepted: fc.array(
    fc.record({
      dataset: fc.constant("sessions" as const),
      dt: fc.constant("2026-01-02"),
      source: text,
      ledger_sha256: hash,
      reference: text,
      actor: text,
    }),
    { maxLength: 2 },
  ),
  erasures: fc.array(ref, { maxLength: 2 }),
  holds: fc.array(ref, { maxLength: 2 }),
  retires: fc.array(hash, { maxLength: 2 }),
  state: ref,
  index: fc.array(
    fc.record({
      month: fc.constant("2026-01"),
      key: text,
      sha256: hash,
      bytes: fc.nat(),
      records: fc.nat(),
      version_id: versionId,
    }),
    { maxLength: 2 },
  ),
});

const signer = pemSigner(Buffer.from(newSigningKey()), "a key");

describe("a digest's file", () => {
  test("has two lines, whatever names are in it, and gives the digest back with a good signature", async () => {
    await fc.assert(
      fc.asyncProperty(digests, async (digest) => {
        const file = await digestFile(digest, signer);
        expect(file.filter((byte) => byte === 0x0a)).toHaveLength(2);
        const read = readDigest(file);
        if (read.kind !== "digest") throw new Error(JSON.stringify(read));
        expect(read.digest).toEqual(JSON.parse(JSON.stringify(digest)));
        expect(isSignedBy(signer.publicKey, read.signed, Buffer.from(read.signature?.signature ?? "", "base64"))).toBe(
          true,
        );
      }),
    );
  });

  test("shows any bit that flips in its first line: it is damaged, or its signature is wrong", async () => {
    await fc.assert(
      fc.asyncProperty(digests, fc.nat(), fc.integer({ min: 0, max: 7 }), async (digest, place, bit) => {
        const file = await digestFile(digest, signer);
        const at = place % (file.indexOf(0x0a) + 1);
        file.writeUInt8(file.readUInt8(at) ^ (1 << bit), at);
        const read = readDigest(file);
        if (read.kind !== "digest") return;
        const signature = Buffer.from(read.signature?.signature ?? "", "base64");
        expect(isSignedBy(signer.publicKey, read.signed, signature)).toBe(false);
      }),
    );
  });

  test("is read without ever throwing, whatever is in it", () => {
    const pieces = fc.oneof(
      fc.json(),
      fc.string({ unit: "binary" }),
      fc.constantFrom("\n", "null\n", '{"version":1}\n'),
    );
    fc.assert(
      fc.property(fc.array(pieces), (texts) => {
        expect(["digest", "damaged", "newer"]).toContain(readDigest(Buffer.from(texts.join(""))).kind);
      }),
    );
  });

  test("of a later version is told apart from a damaged one", () => {
    expect(readDigest(Buffer.from('{"version":3}\nnull\n'))).toEqual({ kind: "newer", version: 3 });
    expect(readDigest(Buffer.from('{"version":0}\nnull\n')).kind).toBe("damaged");
  });

  test("is not signed without a signer", async () => {
    const [digest] = fc.sample(digests, 1);
    if (digest === undefined) throw new Error("no digest was made");
    expect(String(await digestFile(digest, null)).endsWith("\nnull\n")).toBe(true);
  });
});
