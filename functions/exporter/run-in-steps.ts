import { createHash } from "node:crypto";
import type { Trust } from "./archive/believed-digest.ts";
import { openStore } from "./archive/open-store.ts";
import { PastReader } from "./archive/past.ts";
import type { ArchiveStore } from "./archive/store.ts";
import type { Clock } from "./clock.ts";
import { connectKore, erasedUsersOf, openPersonalData } from "./connect.ts";
import { EXPORTER_VERSION } from "./contract.ts";
import { asExporterError, type ErrorCode, ExporterError, isFailure } from "./errors.ts";
import type { Day } from "./export/calendar.ts";
import { type ErasedUsers, notVouchedFailure } from "./export/erased-users.ts";
import { estimateSessions } from "./export/estimate.ts";
import { type DayResult, sourceName } from "./export/export-day.ts";
import { exportSource, refuseArchiveOfOtherZone, type SourceResult } from "./export/export-days.ts";
import type { RowProtection } from "./export/publish.ts";
import { SLICE_BUDGET } from "./export/read-day.ts";
import { Room } from "./export/room.ts";
import { PeriodicSeal, refuseRetiredKey, runFailures, writtenDays } from "./export/run-seal.ts";
import { sealRun } from "./export/seal.ts";
import type { Host } from "./lambda/host.ts";
import { openSigner } from "./open-signer.ts";
import { agendaOf, type Estimate, LONGEST_RUN_MS, SESSIONS_IN_MEMORY, type Task } from "./run-export.ts";
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
  readonly days: readonly { readonly dt: Day; readonly status: string; readonly ledgerSha256: string | null }[];
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
 * asked if the archive, the secret or the signing key cannot be used; whatever else fails is in the reports. `problem` is
 * `ERR_DIGEST_NOT_TRUSTED` if the newest digest was not to be believed when the run began.
 */
export async function exportInSteps(
  settings: Settings,
  task: Task,
  host: Host,
  ports: RunPorts,
): Promise<{ readonly reports: SourceReport[]; readonly problem: ToldError | null }> {
  const kind = task.kind === "night" ? "night" : "days";
  const { timeZone } = settings;
  const run = { runId: host.runId, exporterVersion: EXPORTER_VERSION, clock: ports.clock };
  const { results, problem } = await inSteps(settings, kind, host, ports, async (work, means) => {
    const { store, past, erasedUsers, personalData, seal } = means;
    const agenda = agendaOf(task, work.source, { store, past, timeZone });
    const result = await exportSource(agenda, work, {
      ...run,
      store,
      past,
      timeZone,
      sliceBudget: SLICE_BUDGET,
      personalData,
      erasedUsers,
      acceptFewer: task.kind === "days" && task.acceptFewer,
      // Within the step that publishes a day, so that it is done once.
      onDay: async (day, before) => {
        ports.onDay?.(day);
        await seal.after([...before, day]);
      },
    });
    return reportOf(result, work.throttles);
  });
  return { reports: results, problem };
}

/** The digest of a deployed run, or why there is none. */
export type ToldSeal = { readonly number: number; readonly sha256: string; readonly archiveId: string } | ToldFailure;
type ToldFailure = { readonly error: ToldError };

/** What a deployed run ends with. */
export interface RunEnd {
  readonly digest: ToldSeal;
  /** What is wrong with the archive, whatever became of the days. */
  readonly failures: readonly ToldError[];
}

/** Ends a run of `exportInSteps` with its digest, in a step of its own. Whatever fails is in the answer. */
export async function sealInSteps(
  settings: Settings,
  reports: readonly SourceReport[],
  host: Host,
  { clock }: Pick<RunPorts, "clock">,
): Promise<RunEnd> {
  const days = writtenDays(reports.flatMap(({ source, days }) => days.map((day) => ({ source, ...day }))));
  const result = await settled(() =>
    host.once("seal", async (): Promise<RunEnd> => {
      const store = await openStore(settings.archive, { clock });
      try {
        const trust = await trustOf(settings);
        const past = new PastReader(store, trust);
        const run = { store, clock, runId: host.runId, exporterVersion: EXPORTER_VERSION, ...trust };
        const { problem, number, sha256, archiveId } = await sealRun(days, run);
        const erased = await erasedUsersOf(settings, { store, clock, past })();
        const notVouched = erased.settledAt === null ? notVouchedFailure(erased, store) : null;
        const failures = runFailures(problem, notVouched).map(tellError);
        return { digest: { number, sha256, archiveId }, failures };
      } finally {
        store.close();
      }
    }),
  );
  return "error" in result ? { digest: result, failures: [] } : result.value;
}

/** With which key a run signs, and whose digests it believes. */
async function trustOf({ signingKey, archive, trustedKeys }: Settings): Promise<Trust> {
  return { signer: await openSigner(signingKey, archive), trustedKeys };
}

/** Asks Kore how many sessions the days hold, in steps of the host. A source that fails does not stop the others. */
export async function estimateInSteps(
  settings: Settings,
  days: readonly Day[],
  host: Host,
  ports: RunPorts,
): Promise<Estimate[]> {
  const { results } = await inSteps(settings, "estimate", host, ports, async (work) => {
    const count = () => work.find("estimate", (reader) => estimateSessions(reader, days, settings.timeZone));
    const counted = await settled(count);
    const source = sourceName(work.source);
    return "error" in counted ? { source, sessions: null, ...counted } : { source, sessions: counted.value };
  });
  return results;
}

/** Does work for each source, side by side, once it is known that the run can begin at all. */
async function inSteps<T>(
  settings: Settings,
  kind: Owner["kind"],
  host: Host,
  ports: RunPorts,
  work: (source: InSteps, means: SourceMeans) => Promise<T>,
): Promise<{ readonly results: T[]; readonly problem: ToldError | null }> {
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
    const trust = lazily(() => trustOf(settings));
    const past = new PastReader(store, trust);
    const erasedUsers = erasedUsersOf(settings, { store, clock, past });
    const run = { runId: host.runId, exporterVersion: EXPORTER_VERSION };
    const begun = await host.once("begin", () =>
      settled(async () => {
        await store.checkWritable();
        await refuseArchiveOfOtherZone(store, timeZone);
        await connection();
        const { problem } = await refuseRetiredKey(await past.current(), await trust());
        await erasedUsers();
        // Once the run has sealed itself, the digest that was not to be believed is no longer the newest.
        return { beganAt: clock.now(), problem: problem && tellError(problem) };
      }),
    );
    const { beganAt, problem } = valueIn(begun);
    const owner = { id: createHash("sha256").update(host.runId).digest("hex").slice(0, 16), kind };
    const limits = { room: new Room(SESSIONS_IN_MEMORY), deadline: beganAt + LONGEST_RUN_MS };
    const fixed = { sliceBudget: SLICE_BUDGET, exporterVersion: EXPORTER_VERSION, personalData: spelling };
    const read = { quota, pageSize, timeZone, erasedUsers, ...fixed };
    const seal = new PeriodicSeal({ store, clock, ...run }, trust, beganAt);
    const means = { store, past, erasedUsers, personalData, seal };
    const results = await host.forEach(sources, sourceName, (source, steps) =>
      settled(async () => {
        const inSteps = new InSteps(source, { ...ports, ...read, ...limits, steps, scratch, connect, owner });
        return work(inSteps, means).finally(() => inSteps.release());
      }),
    );
    return { results: results.map(valueIn), problem };
  } finally {
    store.close();
    scratch.close();
  }
}

/** What the work on a source is given besides its steps. */
interface SourceMeans {
  readonly store: ArchiveStore;
  readonly past: PastReader;
  readonly erasedUsers: () => Promise<ErasedUsers>;
  readonly personalData: RowProtection;
  /** Shared by all sources of the run. */
  readonly seal: PeriodicSeal;
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
    days: days.map(({ dt, record, ledgerSha256 }) => ({ dt, status: record?.status ?? "failed", ledgerSha256 })),
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
