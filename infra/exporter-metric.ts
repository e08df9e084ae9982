import { aws_cloudwatch as cloudwatch, Duration } from "aws-cdk-lib";
import { METRIC_DIMENSION, METRIC_NAMESPACE, METRICS } from "../functions/exporter/contract.ts";

/** A metric that the exporter emits once a run, as this deployment's alarms and dashboard read it. */
export function exporterMetric(
  deployment: string,
  metric: keyof typeof METRICS,
  statistic: "Sum" | "Maximum" | "Minimum",
  period: Duration = Duration.hours(1),
): cloudwatch.Metric {
  return new cloudwatch.Metric({
    namespace: METRIC_NAMESPACE,
    metricName: METRICS[metric].name,
    dimensionsMap: { [METRIC_DIMENSION]: deployment },
    statistic,
    period,
  });
}
