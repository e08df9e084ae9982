import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PastReader } from "../../functions/exporter/archive/past.ts";
import type { ArchiveStore } from "../../functions/exporter/archive/store.ts";
import type { Clock } from "../../functions/exporter/clock.ts";
import { fixedCredentials } from "../../functions/exporter/credentials.ts";
import { namedDays } from "../../functions/exporter/export/agenda.ts";
import { AtOnce } from "../../functions/exporter/export/at-once.ts";
import { NOBODY_ERASED } from "../../functions/exporter/export/erased-users.ts";
import type { DayResult } from "../../functions/exporter/export/export-day.ts";
import { exportSource } from "../../functions/exporter/export/export-days.ts";
import { Room } from "../../functions/exporter/export/room.ts";
import { KoreClient } from "../../functions/exporter/kore/client.ts";
import { Quota } from "../../functions/exporter/kore/quota.ts";

/** What to export of a stand-in, and where to. */
export interface DirectExport {
  readonly url: string;
  readonly store: ArchiveStore;
  readonly clock: Clock;
  readonly botId: string;
  readonly day: string;
  readonly sliceBudget?: number;
}

/** Exports one day in this process, for tests that go below the command line. */
export async function exportDirectly(order: DirectExport): Promise<DayResult | undefined> {
  const { url, store, clock, botId, day, sliceBudget = 30_000 } = order;
  const source = { kind: "bot", botId } as const;
  const client = new KoreClient({
    host: new URL(url),
    source,
    credentials: fixedCredentials({ clientId: "cs-demo", clientSecret: "demo-secret-of-the-stand-in" }),
    quota: new Quota({ perMinute: 60, perHour: 1_800 }, clock),
    timeoutMs: 10_000,
    clock,
    random: Math.random,
  });
  const scratch = await mkdtemp(join(tmpdir(), "kore-direct-"));
  const room = new Room(300_000);
  const erasedUsers = async () => NOBODY_ERASED;
  const deadline = Number.POSITIVE_INFINITY;
  const work = new AtOnce(source, client, { clock, pageSize: 100, scratch, room, deadline, erasedUsers });
  const personalData = { spelling: "keep", rejectedText: async (raw: string) => raw };
  const run = {
    personalData,
    erasedUsers,
    runId: "test-run",
    exporterVersion: "0.0.0",
    timeZone: "UTC",
    acceptFewer: false,
    past: new PastReader(store, { signer: null, trustedKeys: [] }),
  };
  try {
    const { days } = await exportSource(namedDays([day], false, botId, { ...run, store }), work, {
      ...run,
      store,
      clock,
      sliceBudget,
    });
    return days[0];
  } finally {
    await client.close();
    await rm(scratch, { recursive: true, force: true });
  }
}
