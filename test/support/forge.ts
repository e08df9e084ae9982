import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type DigestV2, digestFile } from "../../functions/exporter/archive/digest.ts";
import { readLinks } from "../../functions/exporter/archive/digest-chain.ts";
import { FolderStore } from "../../functions/exporter/archive/folder-store.ts";
import { digestKey, ledgerKey, parseLedgerKey } from "../../functions/exporter/archive/layout.ts";
import type { LedgerRecord } from "../../functions/exporter/archive/ledger.ts";
import { objectKeys } from "../../functions/exporter/archive/listing.ts";
import { pemSigner, type Signer } from "../../functions/exporter/archive/signing.ts";
import { sealRun, type WrittenDay } from "../../functions/exporter/export/seal.ts";
import { EMPTY_DIGEST } from "./ledger-days.ts";
import { VirtualClock } from "./virtual-clock.ts";

const clock = new VirtualClock("2026-01-06T04:00:00Z");

export const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** What somebody can do to an archive's folder who can write there. */
export class Forger {
  readonly archive: string;

  constructor(archive: string) {
    this.archive = archive;
  }

  path(key: string): string {
    return join(this.archive, key);
  }

  read(key: string): Promise<Buffer> {
    return readFile(this.path(key));
  }

  async write(key: string, bytes: Buffer | string): Promise<void> {
    await mkdir(dirname(this.path(key)), { recursive: true });
    await writeFile(this.path(key), bytes);
  }

  async remove(...keys: string[]): Promise<void> {
    for (const key of keys) await rm(this.path(key), { recursive: true });
  }

  async move(from: string, to: string): Promise<void> {
    await mkdir(dirname(this.path(to)), { recursive: true });
    await rename(this.path(from), this.path(to));
  }

  async swap(one: string, other: string): Promise<void> {
    const [first, second] = [await this.read(one), await this.read(other)];
    await this.write(one, second);
    await this.write(other, first);
  }

  /** Changes a file's bytes. */
  async edit(key: string, change: (bytes: Buffer) => Buffer): Promise<void> {
    await this.write(key, change(await this.read(key)));
  }

  /** Replaces a piece of text that must be there. */
  async replace(key: string, piece: string | RegExp, by: string): Promise<void> {
    const text = String(await this.read(key));
    if (text.replace(piece, by) === text) throw new Error(`${key} does not hold ${piece}`);
    await this.write(key, text.replace(piece, by));
  }

  async record(day: string, source: string): Promise<LedgerRecord> {
    return JSON.parse(String(await this.read(ledgerKey(day, source))));
  }

  async writeRecord(record: LedgerRecord): Promise<void> {
    await this.write(ledgerKey(record.dt, record.source), `${JSON.stringify(record)}\n`);
  }

  /** Replaces a file, and edits the ledger record to match: bytes, hash, and what is said of its rows. */
  async replaceFile(
    day: string,
    source: string,
    key: string,
    bytes: Buffer,
    rows?: { readonly row_count: number; readonly archived?: LedgerRecord["archived"]; readonly rejected?: number },
  ): Promise<void> {
    await this.write(key, bytes);
    const { row_count, ...counts } = rows ?? {};
    const record = await this.record(day, source);
    const files = record.files.map((file) =>
      file.key === key
        ? { ...file, bytes: bytes.length, sha256: sha256(bytes), ...(row_count !== undefined && { row_count }) }
        : file,
    );
    await this.writeRecord({ ...record, ...counts, files });
  }

  /** Writes a chain that fits the archive as it is, in place of the one there is. */
  async rebuildChain(signer: Signer | null = null): Promise<void> {
    await this.remove("digests");
    const store = new FolderStore(this.archive, clock);
    const days: WrittenDay[] = [];
    for await (const key of objectKeys(store, "exports/")) {
      const { day: dt, source } = parseLedgerKey(key) ?? {};
      if (dt && source) days.push({ dt, source, ledgerSha256: sha256(await this.read(key)) });
    }
    const run = { store, clock, runId: "forged", exporterVersion: "0.0.0", signer, trustedKeys: [] };
    await sealRun(days, run);
  }

  /** Appends a digest that fits the chain, and says what the newest one says of the archive unless `changes` do. */
  async appendDigest(signer: Signer | null, changes: Partial<DigestV2> = {}): Promise<void> {
    const last = (await readLinks(new FolderStore(this.archive, clock))).at(-1);
    const number = (last?.number ?? 0) + 1;
    const newest = last?.content.kind === "digest" ? last.content.digest : null;
    const { archive_id, state, index } = newest?.archive_id && newest.state ? (newest as DigestV2) : EMPTY_DIGEST;
    const content: DigestV2 = {
      ...EMPTY_DIGEST,
      number,
      previous_sha256: last?.sha256 ?? null,
      run_id: "forged",
      created_at: "2026-01-06T04:00:00.000Z",
      archive_id,
      state,
      index,
      ...changes,
    };
    await this.write(digestKey(number), await digestFile(content, signer));
  }

  /** Writes a digest's second line anew. */
  async editSignature(number: number, change: (signature: Record<string, string>) => unknown): Promise<void> {
    const [line = "", signature = ""] = String(await this.read(digestKey(number))).split("\n");
    await this.write(digestKey(number), `${line}\n${JSON.stringify(change(JSON.parse(signature)))}\n`);
  }
}

/** A signer with a key of one's own that says to be another. */
export function impostor(pem: string, fingerprint: string): Signer {
  return { ...pemSigner(Buffer.from(pem), "a forger's key"), fingerprint };
}
