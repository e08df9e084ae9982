import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { openStore } from "./archive/open-store.ts";
import { PastReader } from "./archive/past.ts";
import type { Clock } from "./clock.ts";
import { connectKore, erasedUsersOf, openPersonalData } from "./connect.ts";
import { EXPORTER_VERSION } from "./contract.ts";
import { asExporterError, type ExporterError } from "./errors.ts";
import { type Agenda, type AgendaPorts, type Night, namedDays, nightDays } from "./export/agenda.ts";
import { AtOnce } from "./export/at-once.ts";
import type { Day } from "./export/calendar.ts";
import { notVouchedFailure } from "./export/erased-users.ts";
import { estimateSessions } from "./export/estimate.ts";
import { type DayResult, type Progress, sourceName } from "./export/export-day.ts";
import { exportSources, refuseArchiveOfOtherZone, type SourceResult } from "./export/export-days.ts";
import { SLICE_BUDGET } from "./export/read-day.ts";
import { Room } from "./export/room.ts";
import { PeriodicSeal, refuseRetiredKey, runFailures, writtenDays } from "./export/run-seal.ts";
import { type Seal, type SealPorts, sealRun } from "./export/seal.ts";
import type { KoreClient, KoreEvent } from "./kore/client.ts";
import { Quota } from "./kore/quota.ts";
import type { Source } from "./kore/wire.ts";
import { openSigner } from "./open-signer.ts";
import { makeScratch } from "./scratch.ts";
import type { PersonalData } from "./sessions/personal-data.ts";
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
export function agendaOf(task: Task, source: Source, ports: AgendaPorts): Agenda {
  const name = sourceName(source);
  if (task.kind === "night") return nightDays(task.night, name, ports);
  return namedDays(task.days, task.onlyMissing, name, ports);
}

/** What a run in this process came to. */
export interface RunResult {
  readonly sources: readonly SourceResult[];
  /** The run's digest, or why there is none. */
  readonly seal: Seal | ExporterError;
  /** What is wrong with the archive, whatever became of the days. */
  readonly failures: readonly ExporterError[];
}

/**
 * Exports what the task says of the settings' sources into their archive, in this process, and ends with a digest, also
 * when the run fails or is interrupted. Throws before anything is asked if the archive cannot be written, or a secret or
 * the signing key cannot be used.
 */
export async function runExport(
  settings: Settings,
  task: Task,
  clock: Clock,
  hooks: RunHooks = {},
): Promise<RunResult> {
  const store = await openStore(settings.archive, { clock });
  const scratch = await makeScratch();
  try {
    await store.checkWritable();
    const signer = await openSigner(settings.signingKey, settings.archive);
    return await withClients(settings, clock, hooks, async (clients, { spelling, rejectedText }) => {
      await refuseArchiveOfOtherZone(store, settings.timeZone);
      const { pageSize, timeZone, trustedKeys } = settings;
      const past = new PastReader(store, { signer, trustedKeys });
      const begun = await past.current();
      await refuseRetiredKey(begun, { signer });
      const erasedUsers = erasedUsersOf(settings, { store, clock, past });
      await erasedUsers();
      const run = { store, clock, timeZone, past, runId: randomUUID(), exporterVersion: EXPORTER_VERSION };
      const personalData = { spelling, rejectedText: async (raw: string) => rejectedText(raw) };
      const atOnce = { clock, scratch, pageSize, erasedUsers, room: new Room(SESSIONS_IN_MEMORY) };
      const deadline = clock.now() + LONGEST_RUN_MS;
      const tasks = clients.map(({ source, client }) => (signal: AbortSignal) => ({
        agenda: agendaOf(task, source, run),
        work: new AtOnce(source, client, { ...hooks, ...atOnce, deadline, signal }),
      }));
      const acceptFewer = task.kind === "days" && task.acceptFewer;
      const exporting = { ...hooks, ...run, erasedUsers, personalData, sliceBudget: SLICE_BUDGET, acceptFewer };
      const result = await sealed(hooks, { ...run, signer, trustedKeys }, (onDay) =>
        exportSources(tasks, { ...exporting, onDay }),
      );
      const problem = result.seal instanceof Error ? null : result.seal.problem;
      const erased = await erasedUsers();
      const notVouched = erased.settledAt === null ? notVouchedFailure(erased, store) : null;
      return { ...result, failures: runFailures(problem, begun.problem, notVouched) };
    });
  } finally {
    store.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Runs an export, and seals it every ten minutes and at its end, whatever became of it. */
async function sealed(
  { onDay }: RunHooks,
  ports: SealPorts,
  work: (onDay: (result: DayResult) => Promise<void>) => Promise<SourceResult[]>,
): Promise<Omit<RunResult, "failures">> {
  const exported: DayResult[] = [];
  const meanwhile = new PeriodicSeal(ports, async () => ports, ports.clock.now());
  const seal = () => sealRun(writtenDays(exported), ports).catch(asExporterError);
  let sources: SourceResult[];
  try {
    sources = await work(async (result) => {
      exported.push(result);
      onDay?.(result);
      await meanwhile.after(exported);
    });
  } catch (error) {
    // What ended the run is what matters; days that stay without a digest are the next run's.
    await seal();
    throw error;
  }
  return { sources, seal: await seal() };
}

/** How many sessions Kore holds of a source, over all days asked about; null if it does not say. */
export interface Estimate {
  readonly source: string;
  readonly sessions: number | null;
  /** Why it is not known, if something failed. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** Asks Kore how many sessions the days hold; what fails of one source is told with it. Throws as `runExport` does. */
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
        try {
          return { source: sourceName(source), sessions: await estimateSessions(reader, days, timeZone) };
        } catch (error) {
          hooks.signal?.throwIfAborted();
          const { code, message } = asExporterError(error);
          return { source: sourceName(source), sessions: null, error: { code, message } };
        }
      }),
    ),
  );
}

/** Runs `work` with a client for each of the settings' sources, and closes them. */
async function withClients<T>(
  settings: Settings,
  clock: Clock,
  { onKoreEvent }: RunHooks,
  work: (
    clients: readonly { readonly source: Source; readonly client: KoreClient }[],
    personalData: PersonalData,
  ) => Promise<T>,
): Promise<T> {
  const personalData = await openPersonalData(settings);
  const connect = await connectKore(settings, personalData);
  const clients = settings.sources.map((source) => {
    const onEvent = onKoreEvent && ((event: KoreEvent) => onKoreEvent(sourceName(source), event));
    return { source, client: connect(source, new Quota(settings.quota, clock), clock, onEvent) };
  });
  try {
    return await work(clients, personalData);
  } finally {
    await Promise.all(clients.map(({ client }) => client.close()));
  }
}
