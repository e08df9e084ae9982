import { type DigestV2, digestFile } from "../../functions/exporter/archive/digest.ts";
import { digestKey, ledgerKey, stateKey } from "../../functions/exporter/archive/layout.ts";
import { type LedgerRecord, writeLedger } from "../../functions/exporter/archive/ledger.ts";
import type { ArchiveStore } from "../../functions/exporter/archive/store.ts";
import { dayWindow } from "../../functions/exporter/export/calendar.ts";

/** Members of a record that a test cares about. */
export type LedgerDay = Pick<LedgerRecord, "source" | "dt"> & Partial<LedgerRecord>;

const NONE = { drop_off: 0, self_service: 0, agent: 0, total: 0 };

/** Records of days in an archive, as an export would have left them, without any session file. */
export async function writeLedgerDays(store: ArchiveStore, days: readonly LedgerDay[]): Promise<void> {
  for (const day of days) {
    const { dt, time_zone = "UTC" } = day;
    const { from, to } = dayWindow(dt, time_zone);
    const next = {
      time_zone,
      window_from: new Date(from).toISOString(),
      window_to: new Date(to).toISOString(),
      status: "complete" as const,
      run_id: "run",
      exporter_version: "0.1.0",
      started_at: new Date(to).toISOString(),
      finished_at: new Date(to).toISOString(),
      requests: 4,
      reported: NONE,
      edges: NONE,
      archived: { ...NONE, unclassified: 0 },
      active: 0,
      duplicates: 0,
      rejected: 0,
      coerced: {},
      personal_data: "keep",
      erasures: [],
      oldest_start_time: null,
      newest_start_time: null,
      problems: [],
      files: [],
      adopted: null,
      ...day,
    };
    await writeLedger(store, ledgerKey(dt, day.source), next, null);
  }
}

/** Digests without days, as runs leave them that found nothing to do. */
export async function writeDigests(store: ArchiveStore, createdAt: readonly string[]): Promise<void> {
  for (const [index, created_at] of createdAt.entries()) {
    const content = {
      ...EMPTY_DIGEST,
      number: index + 1,
      run_id: `run-${index}`,
      exporter_version: "0.1.0",
      created_at,
    };
    await store.writeIf(digestKey(index + 1), await digestFile(content, null), null);
  }
}

const NO_STATE = { key: stateKey("0".repeat(64)), sha256: "0".repeat(64), bytes: 0, version_id: null };

/** A digest that says nothing, of which a test sets what it is about. */
export const EMPTY_DIGEST: DigestV2 = {
  version: 2,
  number: 1,
  previous_sha256: null,
  run_id: "run-1",
  exporter_version: "0.1.0",
  created_at: "2026-01-03T02:16:00.000Z",
  archive_id: "01234567-89ab-4cde-8f01-23456789abcd",
  days: [],
  accepted: [],
  erasures: [],
  holds: [],
  retires: [],
  state: NO_STATE,
  index: [],
};
