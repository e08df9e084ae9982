import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseRejectedKey, parseSessionKey, rejectedKey, sessionsOfDay } from "../archive/layout.ts";
import type { ArchiveStore, ObjectHistory, ObjectVersion, VersionLock } from "../archive/store.ts";
import { ExporterError } from "../errors.ts";
import type { SourceDay } from "../export/seal.ts";
import { rowsIn, type Wanted } from "./find-rows.ts";
import type { SessionTexts } from "./session-texts.ts";

/** An earlier version of a file that still holds rows of an erased user. */
export interface OlderVersion {
  readonly key: string;
  readonly versionId: string;
  /** Milliseconds since 1970. */
  readonly writtenAt: number;
  readonly lock: VersionLock | null;
  /** False if its content may not be read: it is taken to hold such rows. */
  readonly isRead: boolean;
}

/** What the bucket still keeps: `none` where no versions are kept, `denied` where they may not be listed. */
export type OlderVersions = readonly OlderVersion[] | "none" | "denied";

/** Finds earlier versions, of the files of some days, that hold rows of the people who are looked for. */
export async function findOlderVersions(
  store: ArchiveStore,
  days: readonly SourceDay[],
  wanted: Wanted,
  texts: SessionTexts,
  scratch: string,
): Promise<OlderVersions> {
  const { history } = store;
  if (history === undefined) return "none";
  if (!(await history.mayList())) return "denied";
  const found: OlderVersion[] = [];
  for (const day of days) {
    for await (const version of earlierVersions(history, day)) {
      const holds = await holdsRows(history, version, wanted, texts, join(scratch, "version"));
      if (holds === false) continue;
      const { key, versionId, writtenAt } = version;
      const isRead = holds === true;
      found.push({ key, versionId, writtenAt, lock: isRead ? await history.lock(key, versionId) : null, isRead });
    }
  }
  return found;
}

async function* earlierVersions(history: ObjectHistory, { dt, source }: SourceDay): AsyncGenerator<ObjectVersion> {
  for (const prefix of [sessionsOfDay(dt), rejectedKey(dt, source)]) {
    for await (const version of history.list(prefix)) {
      if (!version.isCurrent && !version.isDeleteMarker && isOf(version, source)) yield version;
    }
  }
}

function isOf({ key }: ObjectVersion, source: string): boolean {
  return (parseSessionKey(key) ?? parseRejectedKey(key))?.source === source;
}

async function holdsRows(
  history: ObjectHistory,
  { key, versionId }: ObjectVersion,
  wanted: Wanted,
  texts: SessionTexts,
  path: string,
): Promise<boolean | "unread"> {
  try {
    await pipeline(Readable.from(history.read(key, versionId)), createWriteStream(path));
    return (await rowsIn(path, key, wanted, texts)) > 0;
  } catch (error) {
    if (error instanceof ExporterError) return "unread";
    throw error;
  } finally {
    await rm(path, { force: true });
  }
}

/** What became of a version that was to be deleted; `failure` says why it is still there. */
export interface PurgedVersion extends OlderVersion {
  readonly failure: string | null;
}

/** Deletes versions for good, as far as the caller's rights and the locks allow. */
export async function purgeVersions(
  history: ObjectHistory,
  versions: readonly OlderVersion[],
): Promise<PurgedVersion[]> {
  const purged: PurgedVersion[] = [];
  for (const version of versions) {
    const failure = await history.remove(version.key, version.versionId).then(
      () => null,
      (error: unknown) => (error instanceof ExporterError ? error.message : Promise.reject(error)),
    );
    purged.push({ ...version, failure });
  }
  return purged;
}
