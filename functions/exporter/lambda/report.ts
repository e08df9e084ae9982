import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { METRIC_NAMESPACE, METRICS } from "../contract.ts";
import type { ArchiveHealth } from "../export/archive-status.ts";
import type { DayResult } from "../export/export-day.ts";

/** What a run did, as far as its metrics tell. */
export interface RunReport {
  readonly results: readonly DayResult[];
  readonly throttles: number;
  readonly failed: boolean;
  /** Null if the archive could not be asked. */
  readonly health: ArchiveHealth | null;
}

/** Writes the run's metrics, zeros too, as one line of CloudWatch's embedded metric format. */
export function emitMetrics(deployment: string, { results, throttles, failed, health }: RunReport): void {
  const metrics = new Metrics({ namespace: METRIC_NAMESPACE, serviceName: deployment });
  const published = results.flatMap(({ error, record }) => (error === null && record !== null ? [record] : []));
  const values: Partial<Record<keyof typeof METRICS, number>> = {
    sessionsExported: sum(published.map((record) => record.archived.total)),
    rowsRejected: sum(published.map((record) => record.rejected)),
    requests: sum(results.map(({ requests }) => requests)),
    throttles,
    runsSucceeded: failed ? 0 : 1,
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
