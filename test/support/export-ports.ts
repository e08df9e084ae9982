import type { Clock } from "../../functions/exporter/clock.ts";
import { fixedCredentials } from "../../functions/exporter/credentials.ts";
import type { ExportDaysPorts } from "../../functions/exporter/export/export-days.ts";
import { Room } from "../../functions/exporter/export/room.ts";
import { KoreClient } from "../../functions/exporter/kore/client.ts";

/** What an export needs besides its store and scratch folder, for tests that go below the command line. */
export function portsFor(kore: { readonly url: string }, clock: Clock): Omit<ExportDaysPorts, "store" | "scratch"> {
  return {
    clock,
    runId: "test-run",
    exporterVersion: "0.0.0",
    timeZone: "UTC",
    pageSize: 100,
    sliceBudget: 30_000,
    room: new Room(300_000),
    acceptFewer: false,
    deadline: Number.POSITIVE_INFINITY,
    clientFor: (source) =>
      new KoreClient({
        host: new URL(kore.url),
        source,
        credentials: fixedCredentials({ clientId: "cs-demo", clientSecret: "demo-secret-of-the-stand-in" }),
        quota: { perMinute: 60, perHour: 1_800 },
        timeoutMs: 10_000,
        clock,
        random: Math.random,
      }),
  };
}
