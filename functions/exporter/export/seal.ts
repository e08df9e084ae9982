import { randomUUID } from "node:crypto";
import { stateAfter } from "../archive/archive-state.ts";
import { inBatches } from "../archive/batches.ts";
import type { Trust } from "../archive/believed-digest.ts";
import {
  type Acceptance,
  compareDays,
  DIGEST_VERSION,
  type DigestV2,
  digestFile,
  type ObjectRef,
  sha256Of,
  type VouchedDay,
} from "../archive/digest.ts";
import { digestKey, ledgerKey, parseErasureKey, publicKeyKey } from "../archive/layout.ts";
import { type LedgerRecord, parseRecord } from "../archive/ledger.ts";
import { listEntries } from "../archive/listing.ts";
import { ArchivePast } from "../archive/past.ts";
import type { Signer } from "../archive/signing.ts";
import { type ArchiveStore, readOrTooLarge } from "../archive/store.ts";
import { type VouchedRecord, versionIdOf, writeIndex, writeState } from "../archive/write-index.ts";
import type { Clock } from "../clock.ts";
import { PREFIXES } from "../contract.ts";
import { ExporterError } from "../errors.ts";
import type { Day } from "./calendar.ts";
import { isMark } from "./record.ts";

/** How often a digest is linked anew because another run's came between, or a day is read anew. */
const MOST_ATTEMPTS = 20;

/** What the sealing of a run needs. */
export interface SealPorts extends Trust {
  readonly store: ArchiveStore;
  readonly clock: Clock;
  readonly runId: string;
  readonly exporterVersion: string;
}

/** A day of a source. */
export interface SourceDay {
  readonly source: string;
  readonly dt: Day;
}

/** A day whose ledger record a run wrote. */
export interface WrittenDay extends SourceDay {
  /** Of the record's bytes. */
  readonly ledgerSha256: string;
}

/** What a digest vouches for beside days. */
export interface Additions {
  /** Keys of records that somebody was erased. */
  readonly erasures?: readonly string[];
  readonly accepted?: readonly Acceptance[];
  /** Fingerprints of keys that sign nothing any more. */
  readonly retires?: readonly string[];
}

/** The digest that a run ended with: the head of the chain at that moment. */
export interface Seal {
  readonly number: number;
  /** Of the digest's file; what `verify --head` is given. */
  readonly sha256: string;
  readonly archiveId: string;
  /** `ERR_DIGEST_NOT_TRUSTED` if the digest that it links to is not to be believed. */
  readonly problem: ExporterError | null;
}

/**
 * Writes a digest of the days that a run wrote, and links it to the newest one. Days whose record is no longer the run's
 * are left to whoever replaced it, and days that digests vouch for already are not named again: where there is nothing to
 * name, the digest shows that the run took place. A run that was sealed already is not sealed twice.
 *
 * The digest names the whole ledger by its index, and all else by its state; both are written first.
 */
export async function sealRun(days: readonly WrittenDay[], ports: SealPorts, additions: Additions = {}): Promise<Seal> {
  if (ports.signer !== null) await publishKey(ports.store, ports.signer);
  for (let attempt = 1; ; attempt++) {
    const past = await ArchivePast.open(ports.store, ports);
    const changed = (await inBatches(days, (day) => vouchFor(day, past, ports.store))).flatMap((day) => day ?? []);
    const sealed = changed.length === 0 && isEmpty(additions) ? sealOf(past, ports.runId) : null;
    if (sealed !== null) return sealed;
    try {
      return await writeDigest(changed, additions, past, ports);
    } catch (error) {
      if (!isChanged(error) || attempt === MOST_ATTEMPTS) throw error;
    }
  }
}

function isEmpty({ erasures = [], accepted = [], retires = [] }: Additions): boolean {
  return erasures.length + accepted.length + retires.length === 0;
}

function sealOf({ head, digest, problem }: ArchivePast, runId: string): Seal | null {
  if (head === null || digest === null || head.number !== digest.number) return null;
  const { run_id, number, archive_id: archiveId } = digest;
  return run_id === runId && archiveId !== null ? { number, sha256: head.sha256, archiveId, problem } : null;
}

async function writeDigest(
  days: readonly VouchedRecord[],
  { erasures = [], accepted = [], retires = [] }: Additions,
  past: ArchivePast,
  ports: SealPorts,
): Promise<Seal> {
  const { store } = ports;
  const number = (past.head?.number ?? 0) + 1;
  const archiveId = await past.archiveId();
  // The first digest of version 2 takes over the erasures that it finds.
  const erased = archiveId === null ? await allErasures(store) : erasures;
  const beside = { accepted: [...accepted], retires: [...retires], holds: [] };
  const before = await past.state();
  const isNew = ({ key, sha256 }: ObjectRef) => before.erasures.get(key)?.sha256 !== sha256;
  const said = { number, ...beside, erasures: (await objectRefs(store, erased)).filter(isNew) };
  const content: DigestV2 = {
    version: DIGEST_VERSION,
    previous_sha256: past.head?.sha256 ?? null,
    run_id: ports.runId,
    exporter_version: ports.exporterVersion,
    created_at: new Date(ports.clock.now()).toISOString(),
    archive_id: archiveId ?? randomUUID(),
    days: days.map(({ day }) => day).sort(compareDays),
    ...said,
    state: await writeState(store, stateAfter(before, said), past.digest?.state ?? null),
    index: await writeIndex(store, past, days, number),
  };
  const file = await digestFile(content, ports.signer);
  await store.writeIf(digestKey(number), file, null);
  return { number, sha256: sha256Of(file), archiveId: content.archive_id, problem: past.problem };
}

async function allErasures(store: ArchiveStore): Promise<string[]> {
  const entries = await Array.fromAsync(listEntries(store, PREFIXES.erasures, parseErasureKey));
  return entries.map(({ key }) => key);
}

async function objectRefs(store: ArchiveStore, keys: readonly string[]): Promise<ObjectRef[]> {
  const refs = await inBatches(keys.toSorted(), async (key): Promise<ObjectRef[]> => {
    const object = await readOrTooLarge(store, key);
    if (object === null || object === "too large") return [];
    const { body } = object;
    return [{ key, sha256: sha256Of(body), bytes: body.length, version_id: await versionIdOf(store, key) }];
  });
  return refs.flat();
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

/** Returns the day as its record has it; null if the record is not the run's any more, or is vouched for already. */
async function vouchFor(
  { source, dt, ledgerSha256 }: WrittenDay,
  past: ArchivePast,
  store: ArchiveStore,
): Promise<VouchedRecord | null> {
  const key = ledgerKey(dt, source);
  if ((await past.vouched(dt, source)) === ledgerSha256) return null;
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
    const object = await store.read(key);
    if (object === null || sha256Of(object.body) !== ledgerSha256) return null;
    const text = object.body.toString("utf8");
    const record = parseRecord(text, key, `${store.location}/${key}`);
    if (isMark(record)) return null;
    const version_id = await versionIdOf(store, key);
    const ledger = { key, sha256: ledgerSha256, bytes: object.body.length, version_id };
    const files = await vouchedFiles(record, store);
    // Whoever replaces files replaces the record first: with the same record, these are its files' versions.
    if ((await store.version(key)) !== object.version) continue;
    const { adopted } = record;
    return { day: { dataset: "sessions", dt, source, ledger, files, adopted }, record: text.trimEnd() };
  }
  return null;
}

function vouchedFiles(record: LedgerRecord, store: ArchiveStore): Promise<VouchedDay["files"]> {
  return inBatches(record.files, async (file) => ({
    table: file.containment_type === null ? ("rejected" as const) : ("sessions" as const),
    ...file,
    version_id: await versionIdOf(store, file.key),
  }));
}

function isChanged(error: unknown): boolean {
  return error instanceof ExporterError && error.code === "ERR_ARCHIVE_CHANGED";
}
