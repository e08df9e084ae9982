import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sessionKey } from "../../functions/exporter/archive/layout.ts";
import type { ArchiveStore } from "../../functions/exporter/archive/store.ts";
import type { PartitionType } from "../../functions/exporter/contract.ts";
import { writeSessionFile } from "../../functions/exporter/parquet/writer.ts";
import type { SessionRow } from "../../functions/exporter/sessions/row.ts";
import { type LedgerDay, writeLedgerDays } from "./ledger-days.ts";
import { sessionRow } from "./session-file.ts";

/** Sessions of a day and containment type, as much of them as a test cares about. */
export interface DayRows extends Pick<LedgerDay, "source" | "dt"> {
  readonly type: PartitionType;
  readonly rows: readonly Partial<SessionRow>[];
  readonly ledger?: Partial<LedgerDay>;
}

/** Puts sessions and the records of their days into an archive, as an export would have. */
export async function writeDays(store: ArchiveStore, days: readonly DayRows[]): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), "kore-rows-"));
  const byRecord = Map.groupBy(days, ({ source, dt }) => `${source} ${dt}`);
  for (const ofRecord of byRecord.values()) {
    const files = [];
    for (const { source, dt, type, rows } of ofRecord) {
      const path = join(scratch, "part.parquet");
      const whole = rows.map((row, index) =>
        sessionRow({ session_id: `${type}-${index}`, start_time: Date.parse(dt), ...row }),
      );
      const { bytes, rowCount, sha256 } = await writeSessionFile(whole, path);
      const key = sessionKey(dt, type, source, 0);
      await store.writeFile(key, { path, bytes, sha256 });
      files.push({ key, containment_type: type, row_count: rowCount, bytes, sha256 });
    }
    const [first] = ofRecord;
    if (first) await writeLedgerDays(store, [{ source: first.source, dt: first.dt, files, ...first.ledger }]);
  }
  await rm(scratch, { recursive: true, force: true });
}
