/**
 * The deployed function: an event of the schedule, or of a person, becomes an export into the bucket.
 *
 * - A source or day that fails does not stop the others. When all is done, a run with a failure throws, so that Lambda
 *   tries it again and then keeps its event in the dead-letter queue. Trying again is harmless: what is done stays.
 * - A minute before its time-out the function stops cleanly, as by Ctrl-C, and throws for the same reason.
 * - Nothing is kept between invocations.
 */
import { Logger } from "@aws-lambda-powertools/logger";
import { openStore } from "./archive/open-store.ts";
import { systemClock } from "./clock.ts";
import { ENVIRONMENT } from "./contract.ts";
import { asExporterError, type ErrorCode, ExporterError, isFailure } from "./errors.ts";
import { lookBack } from "./export/agenda.ts";
import { type ArchiveHealth, archiveHealth } from "./export/archive-status.ts";
import { type DayResult, sourceName } from "./export/export-day.ts";
import { type Order, readEvent } from "./lambda/event.ts";
import { emitMetrics } from "./lambda/report.ts";
import { runExport } from "./run-export.ts";
import { readSettings } from "./settings.ts";

/** Left of the function's time for stopping cleanly: the longest request, and publishing. */
const STOP_BEFORE_END_MS = 60_000;

/** The part of Lambda's context that the handler uses. */
export interface InvocationContext {
  getRemainingTimeInMillis(): number;
}

/** What an invocation by hand answers with. */
export interface Summary {
  readonly days: readonly { readonly source: string; readonly dt: string; readonly status: string }[];
}

/** Exports what the event asks for. Throws the run's first failure once everything else is done. */
export async function handler(event: unknown, context: InvocationContext): Promise<Summary> {
  const deployment = process.env[ENVIRONMENT.deployment] ?? "kore-session-archive";
  const logger = new Logger({ serviceName: deployment });
  const order = readOrder(event, deployment, logger);
  const run = await runOrder(order, context.getRemainingTimeInMillis() - STOP_BEFORE_END_MS, logger);
  const failure = run.failure ?? firstFailure(run.results);
  emitMetrics(deployment, { ...run, failed: failure !== null, health: await healthOf(order, logger) });
  if (failure !== null) throw failure;
  return { days: run.results.map(({ source, dt, record }) => ({ source, dt, status: record?.status ?? "failed" })) };
}

/** An event or a setting that makes no sense is a failed run, too. */
function readOrder(event: unknown, deployment: string, logger: Logger): Order {
  try {
    return readEvent(event, readSettings(process.env), systemClock.now());
  } catch (error) {
    logger.error("run not begun", { error: asExporterError(error) });
    emitMetrics(deployment, { results: [], throttles: 0, failed: true, health: null });
    throw error;
  }
}

interface Run {
  readonly results: readonly DayResult[];
  readonly throttles: number;
  /** What ended the run as a whole. */
  readonly failure: ExporterError | null;
}

async function runOrder({ settings, task }: Order, timeMs: number, logger: Logger): Promise<Run> {
  const results: DayResult[] = [];
  let throttles = 0;
  const stop = AbortSignal.timeout(Math.max(0, timeMs));
  try {
    await runExport(settings, task, systemClock, {
      signal: stop,
      onDay: (result) => {
        results.push(result);
        logDay(result, logger);
      },
      onKoreEvent: (_source, koreEvent) => {
        if (koreEvent.kind === "answered" && koreEvent.status === 429) throttles++;
      },
    });
    return { results, throttles, failure: null };
  } catch (error) {
    const failure = stop.aborted ? outOfTime() : asExporterError(error);
    logger.error("run ended early", { error: failure });
    return { results, throttles, failure };
  }
}

function outOfTime(): ExporterError {
  const message = "The function's time was over before the work was. The next run goes on with the days that are left.";
  return new ExporterError("ERR_INTERRUPTED", message);
}

function logDay({ source, dt, ok, record, requests, filesWritten, error }: DayResult, logger: Logger): void {
  const { status = "failed", archived, problems = [] } = record ?? {};
  const facts = { source, dt, status, sessions: archived?.total ?? 0, requests, filesWritten, problems };
  if (ok) logger.info("day exported", facts);
  else logger.error("day failed", { ...facts, ...(error && { error }) });
}

function firstFailure(results: readonly DayResult[]): ExporterError | null {
  const failed = results.find(({ ok }) => !ok);
  if (failed === undefined) return null;
  const problem = failed.record?.problems.findLast(({ code }) => isFailure(code));
  const code = (problem?.code ?? "ERR_NOT_RECONCILED") as ErrorCode;
  const where = `${failed.dt} of ${failed.source}`;
  return failed.error ?? new ExporterError(code, `${where}: ${problem?.message ?? "the day is not proven."}`);
}

/** The metrics of a run that failed are wanted most: not to know the archive's state must not cost the others. */
async function healthOf({ settings, night, sources }: Order, logger: Logger): Promise<ArchiveHealth | null> {
  try {
    const store = await openStore(settings.archive, { clock: systemClock });
    const days = lookBack(night);
    const names = sources.map(sourceName);
    return await archiveHealth(store, names, days, settings.timeZone, systemClock.now()).finally(() => store.close());
  } catch (error) {
    logger.error("the archive's state is not known", { error: asExporterError(error) });
    return null;
  }
}
