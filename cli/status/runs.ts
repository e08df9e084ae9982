import { inBatches } from "../../functions/exporter/archive/batches.ts";
import { digestNumbers, readLink } from "../../functions/exporter/archive/digest-chain.ts";
import type { ArchiveStore } from "../../functions/exporter/archive/store.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Runs that have to be a day apart before one more is expected. */
const RUNS_OF_A_HABIT = 4;
/** Runs start at the same minute of a night, but not all take as long, and clocks change twice a year. */
const TOLERANCE_MS = 2 * HOUR_MS;

/** What an archive's newest digests tell of the runs that wrote them: every run ends with one, also if it found nothing to do. */
export interface Runs {
  /** Null if no run has ended yet. */
  readonly last: { readonly digest: number; readonly endedAt: number; readonly archiveId: string | null } | null;
  /**
   * When the next run is likely to end, in milliseconds since 1970, if the latest ones came once a day; else null. An
   * archive does not know the schedule of whoever runs the exporter.
   */
  readonly nextExpectedAt: number | null;
}

/** Reads the newest digests; damaged ones tell nothing. */
export async function readRuns(store: ArchiveStore): Promise<Runs> {
  const newest = (await digestNumbers(store)).slice(-RUNS_OF_A_HABIT);
  const ends = (await inBatches(newest, (number) => runOf(store, number))).flatMap((end) => end ?? []);
  const last = ends.at(-1) ?? null;
  return { last, nextExpectedAt: nextExpected(ends.map(({ endedAt }) => endedAt)) };
}

async function runOf(store: ArchiveStore, number: number): Promise<Runs["last"]> {
  const content = (await readLink(store, number))?.content;
  if (content?.kind !== "digest") return null;
  const { created_at, archive_id: archiveId } = content.digest;
  return { digest: number, endedAt: Date.parse(created_at), archiveId };
}

function nextExpected(ends: readonly number[]): number | null {
  const last = ends.at(-1);
  if (last === undefined || ends.length < RUNS_OF_A_HABIT) return null;
  const gaps = ends.slice(1).map((end, index) => end - (ends[index] ?? end));
  return gaps.every((gap) => Math.abs(gap - DAY_MS) <= TOLERANCE_MS) ? last + DAY_MS : null;
}

/** True if a run that was expected has not come, with some patience. */
export function isOverdue(expectedAt: number, nowMs: number): boolean {
  return nowMs > expectedAt + TOLERANCE_MS;
}
