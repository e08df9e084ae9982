import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { openStore } from "./archive/open-store.ts";
import type { ArchiveStore } from "./archive/store.ts";
import type { Clock } from "./clock.ts";
import { EXPORTER_VERSION } from "./contract.ts";
import { fixedCredentials, secretCredentials } from "./credentials.ts";
import type { Day } from "./export/calendar.ts";
import { type DayResult, type Progress, sourceName } from "./export/export-day.ts";
import { exportDays } from "./export/export-days.ts";
import { type Night, nightDays } from "./export/night.ts";
import { SLICE_BUDGET } from "./export/read-day.ts";
import { Room } from "./export/room.ts";
import { type CredentialsSource, KoreClient, type KoreEvent } from "./kore/client.ts";
import type { Source } from "./kore/wire.ts";
import { makeScratch } from "./scratch.ts";
import type { CredentialsSetting, Settings } from "./settings.ts";

/** About 850 MB, which fits into the deployed function; a single source never has more than one slice. */
const SESSIONS_IN_MEMORY = 300_000;

/** No day is begun after so long: by then the next night's run is near. */
const LONGEST_RUN_MS = 20 * 3_600_000;

/** What a run is to export: days that somebody names, or whatever the night after a day has to look after. */
export type Task =
  | { readonly kind: "days"; readonly days: readonly Day[]; readonly acceptFewer: boolean }
  | { readonly kind: "night"; readonly night: Night };

/** What a run tells while it works, and how it is stopped. */
export interface RunHooks {
  readonly onProgress?: (progress: Progress) => void;
  readonly onDay?: (result: DayResult) => void;
  readonly onKoreEvent?: (source: string, event: KoreEvent) => void;
  readonly signal?: AbortSignal;
}

/**
 * Exports what the task says of the settings' sources into their archive: what the command line and the deployed
 * function have in common. Throws before anything is asked if the archive cannot be written or a secret cannot be read.
 */
export async function runExport(
  settings: Settings,
  task: Task,
  clock: Clock,
  hooks: RunHooks = {},
): Promise<DayResult[]> {
  const store = await openStore(settings.archive, { clock });
  const scratch = await makeScratch();
  try {
    const credentialsFor = await credentialsSource(settings.credentials);
    await store.checkWritable();
    await refuseWithoutCredentials(settings.sources, credentialsFor);
    return await exportWith(settings, task, { store, scratch, clock, credentialsFor }, hooks);
  } finally {
    store.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

interface Parts {
  readonly store: ArchiveStore;
  readonly scratch: string;
  readonly clock: Clock;
  readonly credentialsFor: (source: Source) => CredentialsSource;
}

/** Where each source's credentials come from. The AWS SDK is loaded only if it is needed. */
async function credentialsSource(setting: CredentialsSetting): Promise<(source: Source) => CredentialsSource> {
  if (setting.kind === "given") return () => fixedCredentials(setting.credentials);
  const { secretsManagerReader } = await import("./secrets-manager.ts");
  const read = secretsManagerReader(setting.secretId);
  const bySource = new Map<string, CredentialsSource>();
  return (source) => {
    const name = sourceName(source);
    const known = bySource.get(name) ?? secretCredentials(read, name);
    bySource.set(name, known);
    return known;
  };
}

/** A source without credentials fails by itself; only if no source has any is there nothing to begin. */
async function refuseWithoutCredentials(
  sources: readonly Source[],
  credentialsFor: (source: Source) => CredentialsSource,
): Promise<void> {
  const tried = await Promise.allSettled(sources.map((source) => credentialsFor(source).current()));
  const [first] = tried;
  if (first?.status === "rejected" && tried.every(({ status }) => status === "rejected")) throw first.reason;
}

function exportWith(
  settings: Settings,
  task: Task,
  parts: Parts,
  { onKoreEvent, ...hooks }: RunHooks,
): Promise<DayResult[]> {
  const { store, scratch, clock, credentialsFor } = parts;
  const { host, quota, timeoutMs, timeZone, pageSize } = settings;
  const clientFor = (source: Source) => {
    const name = sourceName(source);
    const onEvent = onKoreEvent && ((event: KoreEvent) => onKoreEvent(name, event));
    const credentials = credentialsFor(source);
    const random = Math.random;
    return new KoreClient({ host, source, credentials, quota, timeoutMs, clock, random, ...(onEvent && { onEvent }) });
  };
  const daysOf = (source: Source, client: KoreClient) => {
    if (task.kind === "days") return task.days;
    const reader = { client, source, pageSize, ...(hooks.signal && { signal: hooks.signal }) };
    return nightDays(task.night, sourceName(source), reader, store, timeZone);
  };
  return exportDays(settings.sources, daysOf, {
    ...hooks,
    store,
    clock,
    scratch,
    runId: randomUUID(),
    exporterVersion: EXPORTER_VERSION,
    timeZone,
    pageSize,
    sliceBudget: SLICE_BUDGET,
    room: new Room(SESSIONS_IN_MEMORY),
    acceptFewer: task.kind === "days" && task.acceptFewer,
    deadline: clock.now() + LONGEST_RUN_MS,
    clientFor,
  });
}
