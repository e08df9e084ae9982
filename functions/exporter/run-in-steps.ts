import { createHash } from "node:crypto";
import { openStore } from "./archive/open-store.ts";
import type { ArchiveStore } from "./archive/store.ts";
import type { Clock } from "./clock.ts";
import { connectKore, erasedUsersOf, openPersonalData } from "./connect.ts";
import { EXPORTER_VERSION } from "./contract.ts";
import { asExporterError, type ErrorCode, ExporterError, isFailure } from "./errors.ts";
import type { Day } from "./export/calendar.ts";
import { estimateSessions } from "./export/estimate.ts";
import { type DayResult, sourceName } from "./export/export-day.ts";
import { exportSource, refuseArchiveOfOtherZone, type SourceResult } from "./export/export-days.ts";
import type { RowProtection } from "./export/publish.ts";
import { SLICE_BUDGET } from "./export/read-day.ts";
import { Room } from "./export/room.ts";
import { type Seal, sealRun } from "./export/seal.ts";
import type { Host } from "./lambda/host.ts";
import { openSigner } from "./open-signer.ts";
import { agendaOf, daysToSeal, type Estimate, LONGEST_RUN_MS, SESSIONS_IN_MEMORY, type Task } from "./run-export.ts";
import type { Settings } from "./settings.ts";
import { InSteps, type InStepsPorts } from "./steps/in-steps.ts";
import type { Owner } from "./steps/lease.ts";
import { revivedError, type ToldError, tellError } from "./steps/told-error.ts";

/** What a deployed run needs from the world. */
export interface RunPorts extends Pick<InStepsPorts, "onTurn"> {
  readonly clock: Clock;
  /** Where everything lies that is not finished: a folder, or `s3://bucket`. */
  readonly scratch: string;
  readonly onDay?: (result: DayResult) => void;
}

/** What became of one source, small enough to be kept by a durable execution. */
export interface SourceReport {
  readonly source: string;
  readonly days: readonly { readonly dt: Day; readonly status: string }[];
  /** Days that were not come to. */
  readonly left: number;
  /** True if that is because the run came to its end. */
  readonly isCutShort: boolean;
  /** Sessions, and rejected rows, of the days that were read to their end. */
  readonly sessions: number;
  readonly rejected: number;
  readonly requests: number;
  /** Answers 429. */
  readonly throttles: number;
  /** The first failure, or that another run is at work on the source. */
  readonly error: ToldError | null;
}

/**
 * Exports what the task says of the settings' sources into their archive, in steps of the host. Throws before anything is
 * asked if the archive, the secret or the signing key cannot be used; whatever else fails is in the reports.
 */
export async function exportInSteps(
  settings: Settings,
  task: Task,
  host: Host,
  ports: RunPorts,
): Promise<SourceReport[]> {
  const kind = task.kind === "night" ? "night" : "days";
  return inSteps(settings, kind, host, ports, async (work, store, personalData) => {
    const result = await exportSource(agendaOf(task, work.source, store, settings), work, {
      store,
      clock: ports.clock,
      timeZone: settings.timeZone,
      runId: host.runId,
      exporterVersion: EXPORTER_VERSION,
      sliceBudget: SLICE_BUDGET,
      personalData,
      erasedUsers: erasedUsersOf(settings, store),
      acceptFewer: task.kind === "days" && task.acceptFewer,
      ...(ports.onDay && { onDay: ports.onDay }),
    });
    return reportOf(result, work.throttles);
  });
}

/** The digest of a deployed run, or why there is none. */
export type ToldSeal = Seal | { readonly error: ToldError };

/** Ends a run of `exportInSteps` with its digest, in a step of its own. Whatever fails is in the answer. */
export async function sealInSteps(
  settings: Settings,
  task: Task,
  reports: readonly SourceReport[],
  host: Host,
  { clock }: Pick<RunPorts, "clock">,
): Promise<ToldSeal> {
  const exported = reports.flatMap(({ source, days }) => days.map(({ dt }) => ({ source, dt })));
  const days = daysToSeal(task, settings.sources.map(sourceName), exported);
  const result = await settled(() =>
    host.once("seal", async () => {
      const store = await openStore(settings.archive, { clock });
      try {
        const signer = await openSigner(settings.signingKey, settings.archive);
        const run = { store, clock, runId: host.runId, exporterVersion: EXPORTER_VERSION, signer };
        const { number, sha256 } = await sealRun(days, run);
        return { number, sha256 };
      } finally {
        store.close();
      }
    }),
  );
  return "error" in result ? result : result.value;
}

/** Asks Kore how many sessions the days hold, in steps of the host. A source that fails does not stop the others. */
export async function estimateInSteps(
  settings: Settings,
  days: readonly Day[],
  host: Host,
  ports: RunPorts,
): Promise<Estimate[]> {
  return inSteps(settings, "estimate", host, ports, async (work) => {
    const count = () => work.find("estimate", (reader) => estimateSessions(reader, days, settings.timeZone));
    const counted = await settled(count);
    const source = sourceName(work.source);
    return "error" in counted ? { source, sessions: null, ...counted } : { source, sessions: counted.value };
  });
}

/** Does work for each source, side by side, once it is known that the run can begin at all. */
async function inSteps<T>(
  settings: Settings,
  kind: Owner["kind"],
  host: Host,
  ports: RunPorts,
  work: (source: InSteps, store: ArchiveStore, personalData: RowProtection) => Promise<T>,
): Promise<T[]> {
  const { clock } = ports;
  const { sources, timeZone, quota, pageSize } = settings;
  const store = await openStore(settings.archive, { clock });
  const scratch = await openStore(ports.scratch, { clock });
  try {
    const { spelling } = settings.personalData.rules;
    const protection = lazily(() => openPersonalData(settings));
    const personalData = { spelling, rejectedText: async (raw: string) => (await protection()).rejectedText(raw) };
    const connection = lazily(async () => connectKore(settings, await protection()));
    const connect: InStepsPorts["connect"] = async (...parts) => (await connection())(...parts);
    const erasedUsers = erasedUsersOf(settings, store);
    const begun = await host.once("begin", () =>
      settled(async () => {
        await store.checkWritable();
        await refuseArchiveOfOtherZone(store, timeZone);
        await connection();
        await erasedUsers();
        await openSigner(settings.signingKey, settings.archive);
        return clock.now();
      }),
    );
    const owner = { id: createHash("sha256").update(host.runId).digest("hex").slice(0, 16), kind };
    const limits = { room: new Room(SESSIONS_IN_MEMORY), deadline: valueIn(begun) + LONGEST_RUN_MS };
    const fixed = { sliceBudget: SLICE_BUDGET, exporterVersion: EXPORTER_VERSION, personalData: spelling };
    const read = { quota, pageSize, timeZone, erasedUsers, ...fixed };
    const results = await host.forEach(sources, sourceName, (source, steps) =>
      settled(async () => {
        const inSteps = new InSteps(source, { ...ports, ...read, ...limits, steps, scratch, connect, owner });
        return work(inSteps, store, personalData).finally(() => inSteps.release());
      }),
    );
    return results.map(valueIn);
  } finally {
    store.close();
    scratch.close();
  }
}

/** What a step or a source came to, as JSON. */
type Settled<T> = { readonly value: T } | { readonly error: ToldError };

async function settled<T>(work: () => Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error: tellError(asExporterError(error)) };
  }
}

function valueIn<T>(result: Settled<T>): T {
  if ("error" in result) throw revivedError(result.error);
  return result.value;
}

/** Makes something when it is first needed, and once; what failed is tried again. */
function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };
}

function reportOf({ source, days, left, isCutShort, error }: SourceResult, throttles: number): SourceReport {
  const read = days.flatMap((day) => (day.error === null && day.record !== null ? [day.record] : []));
  const first = error ?? firstFailure(days);
  return {
    source,
    days: days.map(({ dt, record }) => ({ dt, status: record?.status ?? "failed" })),
    left: left.length,
    isCutShort,
    sessions: sum(read.map((record) => record.archived.total)),
    rejected: sum(read.map((record) => record.rejected)),
    requests: sum(days.map((day) => day.requests)),
    throttles,
    error: first && tellError(first),
  };
}

function firstFailure(days: readonly DayResult[]): ExporterError | null {
  const failed = days.find(({ ok }) => !ok);
  if (failed === undefined) return null;
  const problem = failed.record?.problems.findLast(({ code }) => isFailure(code));
  const code = (problem?.code ?? "ERR_NOT_RECONCILED") as ErrorCode;
  const where = `${failed.dt} of ${failed.source}`;
  return failed.error ?? new ExporterError(code, `${where}: ${problem?.message ?? "the day is not proven."}`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
