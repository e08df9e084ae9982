import type { Erased, Found } from "../../functions/exporter/erase/erase-users.ts";
import type { OlderVersion, OlderVersions } from "../../functions/exporter/erase/older-versions.ts";
import { ExporterError } from "../../functions/exporter/errors.ts";
import type { Seal } from "../../functions/exporter/export/seal.ts";
import { counted } from "../amounts.ts";
import { table } from "../table.ts";

/** What was found, and what would be done. */
export function foundText({ files, olderVersions, daysWithoutIds }: Found, location: string): string {
  const rows = files.map(({ dt, source, key, rows: count }) => [dt, source, key.split("/").slice(2).join("/"), count]);
  const days = new Set(files.map(({ dt, source }) => `${dt} ${source}`)).size;
  return [
    files.length === 0
      ? `${location} has no rows of these users.\n`
      : `${table(["day", "source", "file", "rows"], rows)}${counted(days, "day")} would be rewritten, ${counted(files.length, "file")}.\n`,
    withoutIdsLine(daysWithoutIds),
    versionLines(olderVersions),
    "Nothing was changed. To erase: --apply --reference TEXT.\n",
  ].join("");
}

/** The same for programs. */
export function foundJson({ files, olderVersions, daysWithoutIds }: Found): object {
  return { applied: false, files, days_without_user_ids: daysWithoutIds, older_versions: versionsJson(olderVersions) };
}

/** What was erased, and what is left to be done. */
export function erasedText(result: Erased): string {
  const { days, failures, purged, olderVersions, seal } = result;
  const rows = days.map(({ dt, source, filesWritten, rowsErased }) => [dt, source, filesWritten, rowsErased]);
  const left = purged.filter(({ failure }) => failure !== null);
  return [
    days.length === 0
      ? "No day had rows of these users. Exports leave them out from now on.\n"
      : `${table(["day", "source", "files rewritten", "rows erased"], rows)}Exports leave these users out from now on.\n`,
    ...failures.map(({ dt, source, error }) => `${dt} ${source} NOT erased: ${error.code}: ${error.message}\n`),
    withoutIdsLine(result.daysWithoutIds),
    purged.length === 0 ? versionLines(olderVersions) : deletedLine(purged.length - left.length),
    ...left.map((version) => `  ${versionLine(version)}\n    still there: ${version.failure}\n`),
    seal instanceof ExporterError
      ? `No digest could be written: ${seal.code}: ${seal.message} Run the same command again.\n`
      : `digest ${seal.number}: ${seal.sha256}\n`,
  ].join("");
}

/** The same for programs. */
export function erasedJson(result: Erased): object {
  const { days, failures, purged, olderVersions, seal, daysWithoutIds } = result;
  return {
    applied: true,
    days: days.map(({ ledgerSha256: _, ...day }) => day),
    failures: failures.map(({ dt, source, error: { code, message } }) => ({ dt, source, code, message })),
    days_without_user_ids: daysWithoutIds,
    older_versions: purged.length === 0 ? versionsJson(olderVersions) : purged.map(versionJson),
    digest: seal instanceof ExporterError ? { code: seal.code, message: seal.message } : digestJson(seal),
  };
}

function digestJson({ number, sha256, archiveId }: Seal): object {
  return { number, sha256, archive_id: archiveId };
}

function withoutIdsLine(days: number): string {
  if (days === 0) return "";
  const were = days === 1 ? "was" : "were";
  return `${counted(days, "day")} ${were} archived with user_id=drop: nobody can be found there by an id.\n`;
}

function deletedLine(versions: number): string {
  return `${counted(versions, "older version")} ${versions === 1 ? "was" : "were"} deleted.\n`;
}

function versionLines(versions: OlderVersions): string {
  if (versions === "none") return "";
  if (versions === "denied") {
    return "Older versions: NOT looked at, since s3:ListBucketVersions on the bucket is not allowed.\n";
  }
  if (versions.length === 0) return "Older versions: none holds rows of these users.\n";
  const lines = versions.map((version) => `  ${versionLine(version)}\n`);
  const title = "Older versions that hold rows of these users, for a privileged person to delete (--purge-versions):\n";
  return `${title}${lines.join("")}`;
}

function versionLine({ key, versionId, writtenAt, lock, isRead }: OlderVersion): string {
  const until = (ms: number | null) => (ms === null ? "without end" : `until ${iso(ms)}`);
  const locked = lock === null ? "" : `, ${lock.mode} ${until(lock.until)}`;
  return `${key} ${versionId} of ${iso(writtenAt)}${locked}${isRead ? "" : ", not looked into"}`;
}

function versionsJson(versions: OlderVersions): unknown {
  return typeof versions === "string" ? versions : versions.map(versionJson);
}

function versionJson(version: OlderVersion & { readonly failure?: string | null }): object {
  const { key, versionId, writtenAt, lock, isRead, failure } = version;
  return {
    key,
    version_id: versionId,
    written_at: iso(writtenAt),
    lock: lock && { mode: lock.mode, until: lock.until === null ? null : iso(lock.until) },
    looked_into: isRead,
    ...(failure !== undefined && { deleted: failure === null, failure }),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
