import type { ExporterError } from "../functions/exporter/errors.ts";
import type { Day } from "../functions/exporter/export/calendar.ts";
import type { DayResult } from "../functions/exporter/export/export-day.ts";
import type { SourceResult } from "../functions/exporter/export/export-days.ts";
import type { Seal } from "../functions/exporter/export/seal.ts";
import type { RunResult } from "../functions/exporter/run-export.ts";
import type { CommandIo } from "./io.ts";
import { table } from "./table.ts";

/** A day that was asked for and not begun. */
export interface SkippedDay {
  readonly source: string;
  readonly dt: Day;
}

/** The days that a run's sources ended before. */
export function skippedDays(sources: readonly SourceResult[]): SkippedDay[] {
  return sources.flatMap(({ source, left }) => left.map((dt) => ({ source, dt })));
}

/**
 * Tells what became of the days, and the digest that the run ended with, as a table or as one JSON document, and returns
 * the exit code that follows from it.
 */
export function tellDays(
  results: readonly DayResult[],
  skipped: readonly SkippedDay[],
  { seal, failures }: Pick<RunResult, "seal" | "failures">,
  json: true | undefined,
  io: CommandIo,
): 0 | 1 {
  for (const { error } of results) if (error?.code === "ERR_INTERNAL") io.log.error(error);
  for (const failure of [...failures, ...(seal instanceof Error ? [seal] : [])]) io.log.error(failure);
  for (const line of adoptions(results)) io.log.warn("adopted", line);
  const ok =
    skipped.length === 0 && failures.length === 0 && results.every((result) => result.ok) && !(seal instanceof Error);
  const text = json ? `${JSON.stringify(asJson(results, skipped, seal, ok))}\n` : asText(results, skipped, seal);
  io.stdout.write(text);
  return ok ? 0 : 1;
}

/** A person has to look at what a run kept without knowing where it came from. */
function adoptions(results: readonly DayResult[]): string[] {
  return results.flatMap(({ dt, source, record }) =>
    record?.adopted ? [`${dt} of ${source} was adopted: ${record.adopted.reason} verify tells what to do.`] : [],
  );
}

/** A line for each exported day, then one for each problem and each day not begun, then the digest. */
function asText(results: readonly DayResult[], skipped: readonly SkippedDay[], seal: Seal | ExporterError): string {
  const rows = results.map(({ source, dt, record, filesWritten, requests }) => [
    dt,
    source,
    record?.status ?? "failed",
    record?.archived.total ?? 0,
    requests,
    filesWritten,
  ]);
  const problems = results.flatMap(({ source, dt, record, error }) =>
    (record?.problems ?? (error === null ? [] : [error])).map(
      ({ code, message }) => `${dt} ${source}: ${code} ${message}\n`,
    ),
  );
  const left = skipped.map(
    ({ source, dt }) => `${dt} ${source}: not begun, since the source failed before, or the run took too long.\n`,
  );
  const titles = ["day", "source", "status", "sessions", "requests", "files written"];
  const digest =
    seal instanceof Error
      ? "no digest was written"
      : `archive ${seal.archiveId}\ndigest ${seal.number}: ${seal.sha256}`;
  return `${table(titles, rows)}${[...problems, ...left].join("")}${digest}\n`;
}

function asJson(
  results: readonly DayResult[],
  skipped: readonly SkippedDay[],
  seal: Seal | ExporterError,
  ok: boolean,
): object {
  const digest = seal instanceof Error ? null : { number: seal.number, sha256: seal.sha256 };
  const archiveId = seal instanceof Error ? null : seal.archiveId;
  return { ok, days: results.map(dayAsJson), skipped, archive_id: archiveId, digest };
}

function dayAsJson({ source, dt, ok, record, filesWritten, requests, error }: DayResult): object {
  const { status = "failed", revision = null, archived = null, reported = null, problems = [] } = record ?? {};
  const failure = error === null ? null : { code: error.code, message: error.message };
  const ledger = { status, revision, archived, reported, problems, adopted: record?.adopted ?? null };
  return { source, dt, ok, ...ledger, requests, files_written: filesWritten, error: failure };
}
