import { Logger } from "@aws-lambda-powertools/logger";
import { openStore } from "../archive/open-store.ts";
import type { Clock } from "../clock.ts";
import { ENVIRONMENT } from "../contract.ts";
import { asExporterError, ExporterError, isFailure, SettingsError } from "../errors.ts";
import { lookBack } from "../export/agenda.ts";
import { type ArchiveHealth, archiveHealth } from "../export/archive-status.ts";
import type { Day } from "../export/calendar.ts";
import { type DayResult, sourceName } from "../export/export-day.ts";
import type { QuotaLimits } from "../kore/quota.ts";
import type { Estimate, Task } from "../run-export.ts";
import {
  estimateInSteps,
  exportInSteps,
  type RunEnd,
  type RunPorts,
  type SourceReport,
  sealInSteps,
  type ToldSeal,
} from "../run-in-steps.ts";
import { type Environment, readSettings } from "../settings.ts";
import { revivedError, type ToldError, tellError } from "../steps/told-error.ts";
import { type Order, readEvent } from "./event.ts";
import type { Host } from "./host.ts";
import { emitMetrics } from "./report.ts";

/** What an export is answered with. */
export interface ExportSummary {
  readonly days: readonly { readonly source: string; readonly dt: Day; readonly status: string }[];
  /** Days that were asked for and not come to; another run has to go on with them. */
  readonly left: number;
  /** The head of the digest chain at the end of the run: what `verify --head` is given. */
  readonly digest: ToldSeal;
}

/** How much there is; or why that is not known, which is an answer too: nobody has to be woken up for it. */
export type EstimateSummary =
  | { readonly estimate: readonly Estimate[]; readonly quota: QuotaLimits; readonly pageSize: number }
  | { readonly error: ToldError };

/** What the function is given besides its event. */
export interface Surroundings {
  readonly env: Environment;
  readonly clock: Clock;
}

/**
 * Carries out what an event asks for, and tells it in logs and metrics. Throws the first failure once everything else is
 * done, and `ERR_INTERRUPTED` if an invocation that is tried again had to end before its work.
 */
export async function carryOut(
  event: unknown,
  host: Host,
  surroundings: Surroundings,
): Promise<ExportSummary | EstimateSummary> {
  const run = new DeployedRun(host, surroundings);
  return run.carryOut(event);
}

class DeployedRun {
  readonly #host: Host;
  readonly #env: Environment;
  readonly #clock: Clock;
  readonly #deployment: string;
  readonly #logger: Logger;

  constructor(host: Host, { env, clock }: Surroundings) {
    this.#host = host;
    this.#env = env;
    this.#clock = clock;
    this.#deployment = env[ENVIRONMENT.deployment] ?? "kore-session-archive";
    this.#logger = new Logger({ serviceName: this.#deployment });
  }

  async carryOut(event: unknown): Promise<ExportSummary | EstimateSummary> {
    const order = await this.#orGiveUp(async () => readEvent(event, readSettings(this.#env), this.#clock.now()));
    const { settings, task } = order;
    if (task.kind === "estimate") return this.#estimate(settings, task.days);
    const { reports, problem } = await this.#orGiveUp(async () =>
      exportInSteps(settings, task, this.#host, this.#ports()),
    );
    const { digest, failures } = await sealInSteps(settings, reports, this.#host, { clock: this.#clock });
    const isTold = problem === null || failures.some(({ code }) => code === problem.code);
    const end = { digest, failures: isTold ? failures : [problem, ...failures] };
    const [first = "error" in digest ? digest.error : null] = end.failures;
    const failure = this.#failureOf(task, reports) ?? (first && revivedError(first));
    await this.#host.once("finish", () => this.#tell(order, task, reports, end, failure));
    if (failure !== null) throw failure;
    const days = reports.flatMap(({ source, days }) => days.map(({ dt, status }) => ({ source, dt, status })));
    return { days, left: reports.reduce((left, report) => left + report.left, 0), digest };
  }

  async #estimate(settings: Order["settings"], days: readonly Day[]): Promise<EstimateSummary> {
    const { quota, pageSize } = settings;
    try {
      return { estimate: await estimateInSteps(settings, days, this.#host, this.#ports()), quota, pageSize };
    } catch (error) {
      return { error: tellError(asExporterError(error)) };
    }
  }

  #ports(): RunPorts {
    const scratch = this.#env[ENVIRONMENT.scratch];
    if (scratch === undefined || scratch === "") {
      throw new SettingsError([`${ENVIRONMENT.scratch} is missing; set it to the s3://bucket of unfinished work.`]);
    }
    const logger = this.#logger;
    return {
      clock: this.#clock,
      scratch,
      onDay: (result) => logDay(result, logger),
      onTurn: (turn) => logger.info("asked Kore", { ...turn }),
    };
  }

  /** An event or a setting that makes no sense, or a secret that cannot be read, is a failed run, too. */
  async #orGiveUp<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await this.#host.once("give up", async () => {
        this.#logger.error("run not begun", { error: asExporterError(error) });
        emitMetrics(this.#deployment, { sources: [], failed: true, isNight: true, health: null });
        return null;
      });
      throw error;
    }
  }

  /** Whoever asked for days goes on with those that are left, and meets the days that failed again when they are done. */
  #failureOf(task: Task, reports: readonly SourceReport[]): ExporterError | null {
    const cutShort = reports.some((report) => report.isCutShort);
    const isGoneOnWith = cutShort && task.kind === "days" && !this.#host.isTriedAgain;
    const failed = reports.find(({ error, isCutShort }) => {
      return error !== null && isFailure(error.code) && !(isGoneOnWith && isCutShort);
    });
    if (failed?.error) return revivedError(failed.error);
    if (!cutShort || !this.#host.isTriedAgain) return null;
    const message = "The function's time was over before the work was. The next run goes on where this one ended.";
    return new ExporterError("ERR_INTERRUPTED", message);
  }

  async #tell(
    order: Order,
    task: Task,
    reports: readonly SourceReport[],
    { digest, failures }: RunEnd,
    failure: ExporterError | null,
  ): Promise<null> {
    if ("error" in digest)
      this.#logger.error("digest not written", { code: digest.error.code, reason: digest.error.message });
    else this.#logger.info("digest written", { ...digest });
    for (const { code, message } of failures)
      this.#logger.error("archive not as it should be", { code, reason: message });
    for (const { source, error } of reports) {
      if (error === null) continue;
      const facts = { source, code: error.code, reason: error.message };
      if (isFailure(error.code)) this.#logger.error("source failed", facts);
      else this.#logger.warn("source left alone", facts);
    }
    const cut = reports.filter(({ isCutShort }) => isCutShort);
    for (const { source, left } of cut) this.#logger.warn("run ended before its work", { source, daysLeft: left });
    const isNight = task.kind === "night";
    const health = isNight ? await this.#health(order) : null;
    emitMetrics(this.#deployment, { sources: reports, failed: failure !== null, isNight, health });
    return null;
  }

  /** The metrics of a run that failed are wanted most: not to know the archive's state must not cost the others. */
  async #health({ settings, night, sources }: Order): Promise<ArchiveHealth | null> {
    try {
      const store = await openStore(settings.archive, { clock: this.#clock });
      const health = archiveHealth(
        store,
        sources.map(sourceName),
        lookBack(night),
        settings.timeZone,
        this.#clock.now(),
      );
      return await health.finally(() => store.close());
    } catch (error) {
      this.#logger.error("the archive's state is not known", { error: asExporterError(error) });
      return null;
    }
  }
}

function logDay({ source, dt, ok, record, requests, filesWritten, error }: DayResult, logger: Logger): void {
  const { status = "failed", archived, problems = [] } = record ?? {};
  const facts = { source, dt, status, sessions: archived?.total ?? 0, requests, filesWritten, problems };
  if (ok) logger.info("day exported", facts);
  else logger.error("day failed", { ...facts, ...(error && { error }) });
}
