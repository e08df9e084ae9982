import { PastReader } from "../../functions/exporter/archive/past.ts";
import { EXPORTER_VERSION } from "../../functions/exporter/contract.ts";
import { type Agenda, lookBack, type Night, namedDays, nightDays } from "../../functions/exporter/export/agenda.ts";
import { archiveHealth } from "../../functions/exporter/export/archive-status.ts";
import type { Day } from "../../functions/exporter/export/calendar.ts";
import { NOBODY_ERASED } from "../../functions/exporter/export/erased-users.ts";
import { sourceName } from "../../functions/exporter/export/export-day.ts";
import { exportSource, refuseArchiveOfOtherZone } from "../../functions/exporter/export/export-days.ts";
import { SLICE_BUDGET } from "../../functions/exporter/export/read-day.ts";
import { Room } from "../../functions/exporter/export/room.ts";
import { writtenDays } from "../../functions/exporter/export/run-seal.ts";
import { sealRun } from "../../functions/exporter/export/seal.ts";
import type { SourceWork } from "../../functions/exporter/export/work.ts";
import type { QuotaLimits } from "../../functions/exporter/kore/quota.ts";
import type { Source } from "../../functions/exporter/kore/wire.ts";
import { DurableHost } from "../../functions/exporter/lambda/durable-host.ts";
import { LONGEST_RUN_MS, SESSIONS_IN_MEMORY } from "../../functions/exporter/run-export.ts";
import type { DayPorts } from "../../functions/exporter/steps/day-in-steps.ts";
import { InSteps, type InStepsPorts } from "../../functions/exporter/steps/in-steps.ts";
import type { Steps } from "../../functions/exporter/steps/steps.ts";
import { EventClock } from "./event-clock.ts";
import { LightDay } from "./light-day.ts";
import { MemoryStore } from "./memory-store.ts";
import { ModelKore } from "./model-kore.ts";
import { type ExecutionTimes, type ExecutionUse, ModelledExecution } from "./modelled-execution.ts";
import type { Traffic } from "./traffic.ts";

/** What is assumed of the world, in milliseconds. */
export interface Times extends ExecutionTimes {
  readonly koreLatencyMs: number;
  readonly s3RequestMs: number;
  /** To look at a row that was received, or kept by an earlier step. */
  readonly readMsPerRow: number;
  readonly buildMsPerRow: number;
}

export const TIMES: Times = {
  koreLatencyMs: 400,
  s3RequestMs: 30,
  beginMs: 300,
  checkpointMs: 20,
  readMsPerRow: 0.02,
  buildMsPerRow: 0.06,
};

/** Kore's defaults, and the exporter's. */
export const QUOTA: QuotaLimits = { perMinute: 60, perHour: 1_800 };
export const PAGE_SIZE = 100;

/** When the schedule starts a night, after the end of its day. */
export const NIGHT_MS = 2.25 * 3_600_000;

const TIME_ZONE = "UTC";

/** What a simulated day works with. */
export interface SimulatedPorts extends DayPorts {
  readonly scratch: MemoryStore;
  readonly times: Times;
}

/** What is simulated: a deployment with its bots. */
export interface DeploymentOptions {
  readonly traffics: readonly Traffic[];
  /** Virtual time at which it begins, ISO 8601. */
  readonly startsAt: string;
  /** True: days are built as Parquet, as the exporter does it. False: their parts are only counted. */
  readonly buildsParquet: boolean;
  readonly isDown?: (nowMs: number) => boolean;
}

/** What an execution is to do. */
export type Job =
  | { readonly kind: "night"; readonly night: Night }
  | { readonly kind: "days"; readonly days: readonly Day[] };

/** What an execution says of one source: as much as the exporter keeps of it. */
export interface SourceOutcome {
  readonly source: string;
  readonly days: readonly { readonly dt: Day; readonly status: string; readonly ledgerSha256: string | null }[];
  readonly left: number;
}

const UNSIGNED = { signer: null, trustedKeys: [] };

/** A deployed exporter whose function, buckets and Kore are modelled, and whose work is the exporter's own. */
export class Deployment {
  readonly clock: EventClock;
  readonly kore: ModelKore;
  readonly archive: MemoryStore;
  readonly scratch: MemoryStore;
  readonly sources: readonly Source[];
  /** Of every execution so far. */
  readonly uses: ExecutionUse[] = [];
  /** Requests that the exporter says it sent, by source: more than its days tell, since it also looks for days to do. */
  readonly reported = new Map<string, number>();
  readonly #buildsParquet: boolean;

  constructor({ traffics, startsAt, buildsParquet, isDown = () => false }: DeploymentOptions) {
    this.clock = new EventClock(startsAt);
    this.kore = new ModelKore(traffics, { latencyMs: TIMES.koreLatencyMs, quota: QUOTA, clock: this.clock, isDown });
    this.archive = new MemoryStore("archive", this.clock, TIMES.s3RequestMs);
    this.scratch = new MemoryStore("scratch", this.clock, TIMES.s3RequestMs);
    this.sources = traffics.map(({ botId }) => ({ kind: "bot", botId }));
    this.#buildsParquet = buildsParquet;
  }

  /** Carries one execution out for some sources; to be called within a task of the clock. */
  async execute(job: Job, sources: readonly Source[] = this.sources): Promise<SourceOutcome[]> {
    const id = `run-${this.uses.length + 1}`;
    const execution = new ModelledExecution(id, this.clock, TIMES);
    this.uses.push(execution.use);
    return execution.run(async (context) => {
      const host = new DurableHost(context);
      const deadline = (await host.once("begin", () => this.#begin())) + LONGEST_RUN_MS;
      const run = { deadline, room: new Room(SESSIONS_IN_MEMORY), owner: { id, kind: job.kind } };
      const outcomes = await host.forEach(sources, sourceName, (source, steps) =>
        this.#export(source, job, { ...this.#stepsPorts(steps), ...run }),
      );
      await host.once("seal", () => this.#seal(id, outcomes));
      await host.once("finish", () => this.#finish(job, sources));
      return outcomes;
    });
  }

  async #begin(): Promise<number> {
    await this.archive.checkWritable();
    await refuseArchiveOfOtherZone(this.archive, TIME_ZONE);
    return this.clock.now();
  }

  /** Without digests a night would take every day for one that nobody vouches for, and export it again. */
  async #seal(runId: string, outcomes: readonly SourceOutcome[]): Promise<null> {
    const run = { store: this.archive, clock: this.clock, runId, exporterVersion: EXPORTER_VERSION, ...UNSIGNED };
    await sealRun(writtenDays(outcomes.flatMap(({ source, days }) => days.map((day) => ({ source, ...day })))), run);
    return null;
  }

  /** Reads several sources' records at once: only where nothing else is live, as the clock counts one sleeper a task. */
  async #finish(job: Job, sources: readonly Source[]): Promise<null> {
    const days = job.kind === "night" ? lookBack(job.night) : job.days.slice(0, 1);
    await archiveHealth(this.archive, sources.map(sourceName), days, TIME_ZONE, this.clock.now());
    return null;
  }

  async #export(source: Source, job: Job, ports: InStepsPorts): Promise<SourceOutcome> {
    const inSteps = new InSteps(source, ports);
    const past = new PastReader(this.archive, UNSIGNED);
    const { days, left, error } = await exportSource(this.#agenda(source, job, past), this.#work(inSteps), {
      store: this.archive,
      past,
      clock: this.clock,
      runId: ports.owner.id,
      exporterVersion: EXPORTER_VERSION,
      timeZone: TIME_ZONE,
      sliceBudget: SLICE_BUDGET,
      acceptFewer: false,
      personalData: { spelling: "keep", rejectedText: async (raw) => raw },
      erasedUsers: ports.erasedUsers,
    }).finally(() => inSteps.release());
    if (error !== null) throw error;
    const told = days.map(({ dt, record, ledgerSha256 }) => ({ dt, status: record?.status ?? "failed", ledgerSha256 }));
    return { source: sourceName(source), days: told, left: left.length };
  }

  #agenda(source: Source, job: Job, past: PastReader): Agenda {
    const name = sourceName(source);
    const ports = { store: this.archive, past, timeZone: TIME_ZONE };
    return job.kind === "night" ? nightDays(job.night, name, ports) : namedDays(job.days, true, name, ports);
  }

  #work(inSteps: InSteps): SourceWork {
    if (this.#buildsParquet) return inSteps;
    const ports = { ...this.#dayPorts(), times: TIMES };
    return {
      source: inSteps.source,
      next: (find) => inSteps.next(find),
      day: (dt, run) => run(new LightDay(inSteps, dt, ports)),
    };
  }

  #dayPorts() {
    const { clock, scratch } = this;
    const read = { pageSize: PAGE_SIZE, sliceBudget: SLICE_BUDGET, timeZone: TIME_ZONE, personalData: "keep" };
    return { clock, scratch, exporterVersion: EXPORTER_VERSION, erasedUsers: async () => NOBODY_ERASED, ...read };
  }

  #stepsPorts(steps: Steps) {
    const onTurn: InStepsPorts["onTurn"] = ({ source, requests }) => {
      this.reported.set(source, (this.reported.get(source) ?? 0) + requests);
    };
    return { ...this.#dayPorts(), steps, connect: this.kore.connect, quota: QUOTA, onTurn };
  }
}
