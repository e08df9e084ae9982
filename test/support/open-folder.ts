import { tmpdir } from "node:os";
import { openViews } from "../../cli/sql/archive-views.ts";
import type { ArchiveViews } from "../../cli/sql/duckdb.ts";
import { FolderStore } from "../../functions/exporter/archive/folder-store.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** Opens the views over all days of an archive in a folder, as `sql` does. The caller closes them. */
export function openFolder(folder: string): Promise<ArchiveViews> {
  const store = new FolderStore(folder, new VirtualClock("2026-01-05T04:00:00Z"));
  const { signal } = new AbortController();
  return openViews(store, folder, {}, { scratch: tmpdir(), log: { warn: () => undefined }, signal });
}
