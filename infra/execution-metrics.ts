import { aws_cloudwatch as cloudwatch, Duration, type aws_lambda as lambda } from "aws-cdk-lib";

const DAY = Duration.days(1);

/**
 * How many executions of a durable function ended without success: failed, took too long, or were stopped by hand.
 *
 * `Errors` would count invocations instead, of which an execution has many: one that is cut short is repeated and harms
 * nothing (https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html). A number that Lambda did not send is
 * zero: without that, the sum of three would be missing whenever one of them is.
 */
export function failedExecutions(durableFunction: lambda.IFunction, period: Duration): cloudwatch.IMetric {
  const sumOf = (name: string) => durableFunction.metric(`DurableExecution${name}`, { statistic: "Sum", period });
  return new cloudwatch.MathExpression({
    label: "Runs that failed",
    expression: "FILL(failed, 0) + FILL(timedOut, 0) + FILL(stopped, 0)",
    usingMetrics: { failed: sumOf("Failed"), timedOut: sumOf("TimedOut"), stopped: sumOf("Stopped") },
    period,
  });
}

/** Graphs of a durable function's executions, day by day: left axes by title. */
export function executionGraphs(durableFunction: lambda.IFunction): Record<string, cloudwatch.IMetric[]> {
  const daily = (name: string, statistic: "Sum" | "Maximum") =>
    durableFunction.metric(`DurableExecution${name}`, { statistic, period: DAY });
  return {
    Executions: [
      daily("Started", "Sum"),
      daily("Succeeded", "Sum"),
      failedExecutions(durableFunction, DAY),
      runningInRegion(),
    ],
    "Duration of an execution (at most 36 hours)": [daily("Duration", "Maximum")],
    "Durable operations a day (at most 3,000 in one execution)": [daily("Operations", "Sum")],
    "Bytes of checkpoints a day (at most 100 MB in one execution)": [daily("StorageWrittenBytes", "Sum")],
  };
}

/** Lambda counts what is running for the account and Region only, not for each function. */
function runningInRegion(): cloudwatch.Metric {
  return new cloudwatch.Metric({
    namespace: "AWS/Lambda",
    metricName: "ApproximateRunningDurableExecutions",
    label: "Running now, of all durable functions here",
    statistic: "Maximum",
    period: Duration.hours(1),
  });
}
