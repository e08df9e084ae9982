import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { METRIC_NAMESPACE, METRICS } from "../contract.ts";
import type { ArchiveHealth } from "../export/archive-status.ts";
import type { SourceReport } from "../run-in-steps.ts";

/** What a run did, as far as its metrics tell. */
export interface RunReport {
  readonly sources: readonly SourceReport[];
  readonly failed: boolean;
  /** False for a run by hand or of a backfill, which says nothing about the schedule. */
  readonly isNight: boolean;
  /** Null if the archive could not be asked. */
  readonly health: ArchiveHealth | null;
}

/** Writes the run's metrics, zeros too, as far as they are its to tell, as one line of CloudWatch's embedded metric format. */
export function emitMetrics(deployment: string, { sources, failed, isNight, health }: RunReport): void {
  const leftAlone = sources.length > 0 && sources.every(({ error }) => error?.code === "ERR_SOURCE_BUSY");
  const metrics = new Metrics({ namespace: METRIC_NAMESPACE, serviceName: deployment });
  const values: Partial<Record<keyof typeof METRICS, number>> = {
    sessionsExported: sum(sources.map(({ sessions }) => sessions)),
    rowsRejected: sum(sources.map(({ rejected }) => rejected)),
    requests: sum(sources.map(({ requests }) => requests)),
    throttles: sum(sources.map(({ throttles }) => throttles)),
    ...(isNight && !leftAlone && { runsSucceeded: failed ? 0 : 1 }),
    runsFailed: failed ? 1 : 0,
    ...(health ?? {}),
  };
  for (const [key, value] of Object.entries(values)) {
    const { name, unit } = METRICS[key as keyof typeof METRICS];
    metrics.addMetric(name, unit === "Count" ? MetricUnit.Count : MetricUnit.NoUnit, value);
  }
  metrics.publishStoredMetrics();
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
