import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { openStore } from "./archive/open-store.ts";
import type { ArchiveStore } from "./archive/store.ts";
import type { Clock } from "./clock.ts";
import { connectKore } from "./connect.ts";
import { EXPORTER_VERSION } from "./contract.ts";
import { type Agenda, type Night, namedDays, nightDays } from "./export/agenda.ts";
import { AtOnce } from "./export/at-once.ts";
import type { Day } from "./export/calendar.ts";
import { estimateSessions } from "./export/estimate.ts";
import { type DayResult, type Progress, sourceName } from "./export/export-day.ts";
import { exportSources, refuseArchiveOfOtherZone, type SourceResult } from "./export/export-days.ts";
import { SLICE_BUDGET } from "./export/read-day.ts";
import { Room } from "./export/room.ts";
import type { KoreClient, KoreEvent } from "./kore/client.ts";
import { Quota } from "./kore/quota.ts";
import type { Source } from "./kore/wire.ts";
import { makeScratch } from "./scratch.ts";
import type { Settings } from "./settings.ts";

/** About 850 MB, which fits into the deployed function; a single source never has more than one slice. */
export const SESSIONS_IN_MEMORY = 300_000;

/** No day is begun after so long: by then the next night's run is near. */
export const LONGEST_RUN_MS = 20 * 3_600_000;

/** What a run is to export: days that somebody names, or whatever the night after a day has to look after. */
export type Task =
  | {
      readonly kind: "days";
      readonly days: readonly Day[];
      readonly acceptFewer: boolean;
      /** Leaves days alone that are archived, complete or provisional. */
      readonly onlyMissing: boolean;
    }
  | { readonly kind: "night"; readonly night: Night };

/** What a run tells while it works, and how it is stopped. */
export interface RunHooks {
  readonly onProgress?: (progress: Progress) => void;
  readonly onDay?: (result: DayResult) => void;
  readonly onKoreEvent?: (source: string, event: KoreEvent) => void;
  readonly signal?: AbortSignal;
}

/** The days of a source that a task asks for. */
export function agendaOf(task: Task, source: Source, store: ArchiveStore, { timeZone }: Settings): Agenda {
  const name = sourceName(source);
  if (task.kind === "night") return nightDays(task.night, name, store, timeZone);
  return namedDays(task.days, task.onlyMissing, name, store);
}

/**
 * Exports what the task says of the settings' sources into their archive, in this process. Throws before anything is
 * asked if the archive cannot be written or a secret cannot be read.
 */
export async function runExport(
  settings: Settings,
  task: Task,
  clock: Clock,
  hooks: RunHooks = {},
): Promise<SourceResult[]> {
  const store = await openStore(settings.archive, { clock });
  const scratch = await makeScratch();
  try {
    await store.checkWritable();
    return await withClients(settings, clock, hooks, async (clients) => {
      await refuseArchiveOfOtherZone(store, settings.timeZone);
      const { pageSize, timeZone } = settings;
      const run = { store, clock, timeZone, runId: randomUUID(), exporterVersion: EXPORTER_VERSION };
      const atOnce = { clock, scratch, pageSize, room: new Room(SESSIONS_IN_MEMORY) };
      const deadline = clock.now() + LONGEST_RUN_MS;
      const tasks = clients.map(({ source, client }) => (signal: AbortSignal) => ({
        agenda: agendaOf(task, source, store, settings),
        work: new AtOnce(source, client, { ...hooks, ...atOnce, deadline, signal }),
      }));
      const acceptFewer = task.kind === "days" && task.acceptFewer;
      return exportSources(tasks, { ...hooks, ...run, sliceBudget: SLICE_BUDGET, acceptFewer });
    });
  } finally {
    store.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** How many sessions Kore holds of a source, over all days asked about; null if it does not say. */
export interface Estimate {
  readonly source: string;
  readonly sessions: number | null;
}

/** Asks Kore how many sessions the days hold. Throws as `runExport` does, and what Kore's refusals are. */
export async function runEstimate(
  settings: Settings,
  days: readonly Day[],
  clock: Clock,
  hooks: RunHooks = {},
): Promise<Estimate[]> {
  const { pageSize, timeZone } = settings;
  return withClients(settings, clock, hooks, (clients) =>
    Promise.all(
      clients.map(async ({ source, client }) => {
        const reader = { api: client, source, pageSize, ...(hooks.signal && { signal: hooks.signal }) };
        return { source: sourceName(source), sessions: await estimateSessions(reader, days, timeZone) };
      }),
    ),
  );
}

/** Runs `work` with a client for each of the settings' sources, and closes them. */
async function withClients<T>(
  settings: Settings,
  clock: Clock,
  { onKoreEvent }: RunHooks,
  work: (clients: readonly { readonly source: Source; readonly client: KoreClient }[]) => Promise<T>,
): Promise<T> {
  const connect = await connectKore(settings);
  const clients = settings.sources.map((source) => {
    const onEvent = onKoreEvent && ((event: KoreEvent) => onKoreEvent(sourceName(source), event));
    return { source, client: connect(source, new Quota(settings.quota, clock), clock, onEvent) };
  });
  try {
    return await work(clients);
  } finally {
    await Promise.all(clients.map(({ client }) => client.close()));
  }
}
