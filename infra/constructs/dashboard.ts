import {
  aws_cloudwatch as cloudwatch,
  Duration,
  type aws_lambda as lambda,
  Stack,
  type aws_sqs as sqs,
} from "aws-cdk-lib";
import { Construct } from "constructs";
import { executionGraphs } from "../execution-metrics.ts";
import { exporterMetric } from "../exporter-metric.ts";

const WIDTH = 12;
const FULL_WIDTH = 24;
const DAY = Duration.days(1);

export interface DashboardProps {
  readonly deployment: string;
  /** True if the function is a durable one. */
  readonly durable: boolean;
  readonly alarms: readonly cloudwatch.IAlarm[];
  readonly function: lambda.IFunction;
  readonly deadLetters: readonly sqs.IQueue[];
}

/** One page that answers: is the archive up to date, what did last night's run do, and what is in the way. */
export class Dashboard extends Construct {
  readonly dashboard: cloudwatch.Dashboard;

  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    this.dashboard = new cloudwatch.Dashboard(this, "Dashboard", {
      dashboardName: Stack.of(this).stackName,
      defaultInterval: Duration.days(30),
    });
    this.dashboard.addWidgets(
      new cloudwatch.AlarmStatusWidget({ title: "Alarms", alarms: [...props.alarms], width: FULL_WIDTH, height: 3 }),
    );
    this.dashboard.addWidgets(...archiveWidgets(props.deployment));
    this.dashboard.addWidgets(...runWidgets(props));
    if (props.durable) {
      const graphs = Object.entries(executionGraphs(props.function));
      this.dashboard.addWidgets(...graphs.map(([title, left]) => graph(title, left)));
    }
  }
}

function archiveWidgets(deployment: string): cloudwatch.IWidget[] {
  return [
    graph("Sessions archived a day", [exporterMetric(deployment, "sessionsExported", "Sum", DAY)]),
    graph("Days incomplete or missing, rows rejected", [
      exporterMetric(deployment, "daysIncomplete", "Maximum", DAY),
      exporterMetric(deployment, "rowsRejected", "Sum", DAY),
    ]),
    graph("Hours since the end of the newest archived day", [exporterMetric(deployment, "freshnessHours", "Minimum")]),
    graph("Runs", [
      exporterMetric(deployment, "runsSucceeded", "Sum", DAY),
      exporterMetric(deployment, "runsFailed", "Sum", DAY),
    ]),
  ];
}

function runWidgets({ deployment, function: exporter, deadLetters }: DashboardProps): cloudwatch.IWidget[] {
  return [
    graph("Requests to Kore, and its answers 429", [
      exporterMetric(deployment, "requests", "Sum", DAY),
      exporterMetric(deployment, "throttles", "Sum", DAY),
    ]),
    graph("Duration of an invocation (at most 15 minutes)", [
      exporter.metricDuration({ statistic: "Maximum", period: DAY }),
    ]),
    graph("Errors and throttled invocations", [
      exporter.metricErrors({ statistic: "Sum", period: DAY }),
      exporter.metricThrottles({ statistic: "Sum", period: DAY }),
    ]),
    graph(
      "Dead letters",
      deadLetters.map((queue) => queue.metricApproximateNumberOfMessagesVisible({ statistic: "Maximum", period: DAY })),
    ),
  ];
}

function graph(title: string, left: cloudwatch.IMetric[]): cloudwatch.GraphWidget {
  return new cloudwatch.GraphWidget({ title, left, width: WIDTH, leftYAxis: { min: 0 } });
}
