import type { Day } from "../functions/exporter/export/calendar.ts";
import type { DayResult } from "../functions/exporter/export/export-day.ts";
import type { SourceResult } from "../functions/exporter/export/export-days.ts";
import { describe } from "./describe.ts";
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

/** Tells what became of the days, as a table or as one JSON document, and returns the exit code that follows from it. */
export function tellDays(
  results: readonly DayResult[],
  skipped: readonly SkippedDay[],
  json: true | undefined,
  io: CommandIo,
): 0 | 1 {
  for (const { error } of results) if (error?.code === "ERR_INTERNAL") io.stderr.write(describe(error));
  const ok = skipped.length === 0 && results.every((result) => result.ok);
  io.stdout.write(json ? `${JSON.stringify(asJson(results, skipped, ok))}\n` : asText(results, skipped));
  return ok ? 0 : 1;
}

/** A line for each exported day, then one for each problem and each day not begun. */
function asText(results: readonly DayResult[], skipped: readonly SkippedDay[]): string {
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
  return `${table(titles, rows)}${[...problems, ...left].join("")}`;
}

function asJson(results: readonly DayResult[], skipped: readonly SkippedDay[], ok: boolean): object {
  return { ok, days: results.map(dayAsJson), skipped };
}

function dayAsJson({ source, dt, ok, record, filesWritten, requests, error }: DayResult): object {
  const { status = "failed", revision = null, archived = null, reported = null, problems = [] } = record ?? {};
  const failure = error === null ? null : { code: error.code, message: error.message };
  const ledger = { status, revision, archived, reported, problems };
  return { source, dt, ok, ...ledger, requests, files_written: filesWritten, error: failure };
}
