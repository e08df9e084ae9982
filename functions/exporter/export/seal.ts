import { inBatches } from "../archive/batches.ts";
import { DIGEST_VERSION, digestFile, sha256Of, type VouchedDay } from "../archive/digest.ts";
import { type Chain, dayName, readChain } from "../archive/digest-chain.ts";
import { digestKey, ledgerKey, publicKeyKey } from "../archive/layout.ts";
import { type LedgerRecord, parseRecord } from "../archive/ledger.ts";
import type { Signer } from "../archive/signing.ts";
import type { ArchiveStore } from "../archive/store.ts";
import type { Clock } from "../clock.ts";
import { ExporterError } from "../errors.ts";
import type { Day } from "./calendar.ts";
import { isMark } from "./record.ts";

/** How often a digest is linked anew because another run's came between, or a day is read anew. */
const MOST_ATTEMPTS = 20;

/** What the sealing of a run needs. */
export interface SealPorts {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  readonly runId: string;
  readonly exporterVersion: string;
  /** Null: the digest is not signed. */
  readonly signer: Signer | null;
}

/** A day of a source. */
export interface SourceDay {
  readonly source: string;
  readonly dt: Day;
}

/** The digest that a run ended with: the head of the chain at that moment. */
export interface Seal {
  readonly number: number;
  /** Of the digest's file; what `verify --head` is given. */
  readonly sha256: string;
}

/**
 * Ends a run with its digest. Of the days given, those are vouched for whose record is not the one that the digests so
 * far vouch for: days that this run exported, and days of runs that died before their digest. Where there is no such
 * day, the digest has none, and shows that the run took place. A run that was sealed already is not sealed twice.
 *
 * Days whose files are being replaced, and damaged records, are left to the run that settles them.
 */
export async function sealRun(days: readonly SourceDay[], ports: SealPorts): Promise<Seal> {
  if (ports.signer !== null) await publishKey(ports.store, ports.signer);
  for (let attempt = 1; ; attempt++) {
    const chain = await readChain(ports.store);
    const changed = await inBatches(days, (day) => vouchFor(day, chain, ports.store));
    const vouched = changed.flatMap((day) => day ?? []);
    if (vouched.length === 0 && chain.head?.runId === ports.runId) return chain.head;
    try {
      return await writeDigest(vouched, chain, ports);
    } catch (error) {
      if (!isChanged(error) || attempt === MOST_ATTEMPTS) throw error;
    }
  }
}

async function writeDigest(days: readonly VouchedDay[], { head }: Chain, ports: SealPorts): Promise<Seal> {
  const number = (head?.number ?? 0) + 1;
  const content = {
    version: DIGEST_VERSION,
    number,
    previous_sha256: head?.sha256 ?? null,
    run_id: ports.runId,
    exporter_version: ports.exporterVersion,
    created_at: new Date(ports.clock.now()).toISOString(),
    days: days.toSorted((one, other) => (dayName(one.dt, one.source) < dayName(other.dt, other.source) ? -1 : 1)),
  } as const;
  const file = await digestFile(content, ports.signer);
  await ports.store.writeIf(digestKey(number), file, null);
  return { number, sha256: sha256Of(file) };
}

/** Puts the public key beside the digests, for people to find; `verify` does not trust it. */
async function publishKey(store: ArchiveStore, { publicKey, fingerprint }: Signer): Promise<void> {
  const key = publicKeyKey(fingerprint);
  if ((await store.version(key)) !== null) return;
  const pem = Buffer.from(publicKey.export({ type: "spki", format: "pem" }));
  await store.writeIf(key, pem, null).catch((error: unknown) => {
    if (!isChanged(error)) throw error;
  });
}

/** The day as its record has it, or null if the chain vouches for that record already, or there is none to vouch for. */
async function vouchFor({ source, dt }: SourceDay, chain: Chain, store: ArchiveStore): Promise<VouchedDay | null> {
  const key = ledgerKey(dt, source);
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    const object = await store.read(key);
    if (object === null) return null;
    const sha256 = sha256Of(object.body);
    if (chain.vouched.get(dayName(dt, source)) === sha256) return null;
    const record = settledRecord(object.body, key, store);
    if (record === null) return null;
    const versionId = async (name: string) => (await store.history?.versionId(name)) ?? null;
    const ledger = { key, sha256, bytes: object.body.length, version_id: await versionId(key) };
    const files = await inBatches(record.files, async (file) => ({ ...file, version_id: await versionId(file.key) }));
    // Whoever replaces files replaces the record first: with the same record, these are its files' versions.
    if ((await store.version(key)) === object.version) return { dt, source, ledger, files };
  }
  return null;
}

function settledRecord(body: Buffer, key: string, store: ArchiveStore): LedgerRecord | null {
  try {
    const record = parseRecord(body.toString("utf8"), key, `${store.location}/${key}`);
    return isMark(record) ? null : record;
  } catch (error) {
    if (error instanceof ExporterError && error.code === "ERR_LEDGER_UNREADABLE") return null;
    throw error;
  }
}

function isChanged(error: unknown): boolean {
  return error instanceof ExporterError && error.code === "ERR_ARCHIVE_CHANGED";
}
