import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { inBatches } from "../archive/batches.ts";
import { dayName, sha256Of } from "../archive/digest.ts";
import { parseLedgerKey } from "../archive/layout.ts";
import { type LedgerRecord, parseRecord } from "../archive/ledger.ts";
import { hashOf } from "../archive/local-file.ts";
import type { ObjectHistory, ObjectVersion } from "../archive/store.ts";
import { PREFIXES } from "../contract.ts";
import type { CheckedChain } from "./chain.ts";
import type { Find } from "./finding.ts";

/** The records that a day of a source has had, as far as each names the hash of the one before. */
interface Lineage {
  /** Hashes that its records list, by key. */
  readonly listed: ReadonlyMap<string, ReadonlySet<string>>;
  /** Milliseconds; versions of files older than this were told by records that have expired. */
  readonly since: number;
}

/**
 * Looks at every version that the bucket keeps: of a digest there is one; nothing was ever deleted; each earlier record
 * is named by the one that replaced it; and each earlier version of a file was listed by one of these records. Versions
 * that a digest vouches for are there still.
 */
export async function checkVersions(history: ObjectHistory, chain: CheckedChain, find: Find): Promise<void> {
  for await (const versions of byKey(history.list(`${PREFIXES.digests}/`))) checkDigest(versions, find);
  for await (const versions of byKey(history.list(`${PREFIXES.erasures}/`))) checkErasure(versions, find);
  const vouched = vouchedVersions(chain);
  const lineages = new Map<string, Lineage>();
  for await (const versions of byKey(history.list(`${PREFIXES.exports}/`))) {
    checkPresence(versions, vouched, find);
    const { day, source } = parseLedgerKey(versions.key) ?? {};
    if (day && source) lineages.set(dayName(day, source), await lineageOf(versions, history, find));
  }
  const byFile = new Map<string, Lineage>();
  for (const lineage of lineages.values()) for (const key of lineage.listed.keys()) byFile.set(key, lineage);
  for (const prefix of [PREFIXES.sessions, PREFIXES.rejected]) {
    for await (const versions of byKey(history.list(`${prefix}/`))) {
      checkPresence(versions, vouched, find);
      await checkFile(versions, byFile.get(versions.key), history, find);
    }
  }
}

/** All versions of one object. */
interface Versions {
  readonly key: string;
  readonly kept: readonly ObjectVersion[];
  readonly deleteMarkers: readonly ObjectVersion[];
}

async function* byKey(all: AsyncIterable<ObjectVersion>): AsyncGenerator<Versions> {
  let group: ObjectVersion[] = [];
  const grouped = (): Versions[] => {
    const [first] = group;
    if (first === undefined) return [];
    const kept = group.filter(({ isDeleteMarker }) => !isDeleteMarker);
    return [{ key: first.key, kept, deleteMarkers: group.filter(({ isDeleteMarker }) => isDeleteMarker) }];
  };
  for await (const version of all) {
    if (group[0] !== undefined && group[0].key !== version.key) {
      yield* grouped();
      group = [];
    }
    group.push(version);
  }
  yield* grouped();
}

function checkDigest({ key, kept, deleteMarkers }: Versions, find: Find): void {
  const hidden = deleteMarkers.some(({ isCurrent }) => isCurrent);
  if (hidden) find("ERR_VERIFY_DIGEST_MISSING", key, "was deleted; the bucket still has it behind a delete marker.");
  else if (deleteMarkers.length > 0) find("ERR_VERIFY_VERSION_UNKNOWN", key, "was deleted, and put back.");
  if (kept.length > 1) find("ERR_VERIFY_DIGEST_CHANGED", key, `has ${kept.length} versions; a digest is written once.`);
}

function checkErasure({ key, kept, deleteMarkers }: Versions, find: Find): void {
  const message = "was deleted, or written again; the record of an erasure is written once.";
  if (deleteMarkers.length > 0 || kept.length > 1) find("ERR_VERIFY_ERASURE_UNKNOWN", key, message);
}

/** Version ids that digests vouch for now, by key. */
function vouchedVersions({ days }: CheckedChain): Map<string, string> {
  const objects = days.values().flatMap(({ ledger, files }) => [ledger, ...files]);
  return new Map(objects.flatMap(({ key, version_id }) => (version_id === null ? [] : [[key, version_id] as const])));
}

function checkPresence({ key, kept, deleteMarkers }: Versions, vouched: ReadonlyMap<string, string>, find: Find): void {
  if (deleteMarkers.length > 0)
    find("ERR_VERIFY_VERSION_UNKNOWN", key, "was deleted by somebody: no run ever deletes.");
  const id = vouched.get(key);
  if (id !== undefined && !kept.some(({ versionId }) => versionId === id)) {
    find("ERR_VERIFY_VERSION_UNKNOWN", key, `no longer has the version ${id}, which a digest vouches for.`);
  }
}

async function lineageOf({ key, kept }: Versions, history: ObjectHistory, find: Find): Promise<Lineage> {
  const records = await inBatches(kept, async (version) => {
    const body = await buffer(Readable.from(history.read(key, version.versionId)));
    return { version, sha256: sha256Of(body), record: readable(body, key) };
  });
  const ancestors = ancestorsOf(records);
  const reached = new Set(ancestors.map(({ sha256 }) => sha256));
  for (const { version, sha256 } of records) {
    if (reached.has(sha256) || version.isCurrent) continue;
    const message = `has a version ${version.versionId} that no later record names: it was slipped in between.`;
    find("ERR_VERIFY_VERSION_UNKNOWN", key, message);
  }
  const listed = new Map<string, Set<string>>();
  for (const file of ancestors.flatMap(({ record }) => record?.files ?? [])) {
    listed.set(file.key, (listed.get(file.key) ?? new Set()).add(file.sha256));
  }
  const oldest = ancestors.at(-1);
  return { listed, since: oldest?.record?.previous_sha256 ? oldest.version.writtenAt : 0 };
}

/** A version of a record; null if it cannot be read. */
interface Ancestor {
  readonly version: ObjectVersion;
  readonly sha256: string;
  readonly record: LedgerRecord | null;
}

/** The current record, the one that it names, and so on, until one is no longer there: they expire, the oldest first. */
function ancestorsOf(records: readonly Ancestor[]): Ancestor[] {
  const bySha = new Map(records.map((entry) => [entry.sha256, entry]));
  const ancestors: Ancestor[] = [];
  let entry = records.find(({ version }) => version.isCurrent);
  while (entry !== undefined && !ancestors.includes(entry)) {
    ancestors.push(entry);
    entry = bySha.get(entry.record?.previous_sha256 ?? "");
  }
  return ancestors;
}

async function checkFile(
  { key, kept }: Versions,
  lineage: Lineage | undefined,
  history: ObjectHistory,
  find: Find,
): Promise<void> {
  // The current version is judged by its bytes elsewhere, and a file that no record lists is named there.
  if (lineage === undefined) return;
  for (const { versionId, isCurrent, writtenAt } of kept) {
    if (isCurrent || writtenAt < lineage.since) continue;
    if (lineage.listed.get(key)?.has(await hashOf(history.read(key, versionId)))) continue;
    find("ERR_VERIFY_VERSION_UNKNOWN", key, `has a version ${versionId} with bytes that no run recorded.`);
  }
}

function readable(body: Buffer, key: string): LedgerRecord | null {
  try {
    return parseRecord(body.toString("utf8"), key, key);
  } catch {
    return null;
  }
}
