import { digestFile } from "../../functions/exporter/archive/digest.ts";
import { digestKey, ledgerKey } from "../../functions/exporter/archive/layout.ts";
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
      ...day,
    };
    await writeLedger(store, ledgerKey(dt, day.source), next, null);
  }
}

/** Digests without days, as runs leave them that found nothing to do. */
export async function writeDigests(store: ArchiveStore, createdAt: readonly string[]): Promise<void> {
  for (const [index, created_at] of createdAt.entries()) {
    const content = {
      version: 1 as const,
      number: index + 1,
      previous_sha256: null,
      run_id: `run-${index}`,
      exporter_version: "0.1.0",
      created_at,
      days: [],
    };
    await store.writeIf(digestKey(index + 1), await digestFile(content, null), null);
  }
}
