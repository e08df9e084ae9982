import {
  aws_cloudwatch_actions as actions,
  aws_cloudwatch as cloudwatch,
  Duration,
  aws_iam as iam,
  type aws_kms as kms,
  type aws_lambda as lambda,
  Stack,
  aws_sns as sns,
  type aws_sqs as sqs,
  aws_sns_subscriptions as subscriptions,
} from "aws-cdk-lib";
import { Construct } from "constructs";
import { ALARMS } from "../../functions/exporter/contract.ts";
import { acknowledge } from "../acknowledge.ts";
import { failedExecutions } from "../execution-metrics.ts";
import { exporterMetric } from "../exporter-metric.ts";

/** A day, and two hours for the night on which clocks go back and for a run that takes longer than the one before it. */
const HOURS_WITHOUT_RUN = 26;
const FIVE_MINUTES = Duration.minutes(5);

export interface AlarmsProps {
  readonly deployment: string;
  /** True if the function is a durable one. */
  readonly durable: boolean;
  readonly function: lambda.IFunction;
  readonly functionDeadLetters: sqs.IQueue;
  readonly scheduleDeadLetters: sqs.IQueue;
  readonly key: kms.IKey;
  readonly email: string | undefined;
}

/** Alarms for all that can go wrong unattended, and the topic that they tell. Each has an entry in docs/runbook.md. */
export class Alarms extends Construct {
  readonly topic: sns.Topic;
  readonly all: readonly cloudwatch.Alarm[];

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    this.topic = this.#makeTopic(props);
    this.all = [
      this.#runFailed(props),
      this.#runMissing(props),
      this.#dayIncomplete(props),
      this.#rowsRejected(props),
      this.#deadLetters(ALARMS.functionDeadLetters, props.functionDeadLetters, "a run that failed for good"),
      this.#deadLetters(ALARMS.scheduleDeadLetters, props.scheduleDeadLetters, "a run that could not be started"),
    ];
    const tell = new actions.SnsAction(this.topic);
    for (const alarm of this.all) {
      alarm.addAlarmAction(tell);
      alarm.addOkAction(tell);
    }
  }

  /** CDK replaces the topic's own policy, so the alarms of this account need leave to publish. */
  #makeTopic({ key, email }: AlarmsProps): sns.Topic {
    const topic = new sns.Topic(this, "Topic", {
      displayName: "Kore session archive",
      masterKey: key,
      enforceSSL: true,
    });
    topic.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: "AlarmsOfThisAccount",
        principals: [new iam.ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["sns:Publish"],
        resources: [topic.topicArn],
        conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
      }),
    );
    if (email) topic.addSubscription(new subscriptions.EmailSubscription(email));
    acknowledge(topic, {
      "Serverless-SNSRedrivePolicy": "SNS has no dead letters for e-mail; an alarm shows its state in CloudWatch too.",
    });
    return topic;
  }

  /**
   * The function throws when a run had a failure, and when it is stopped at its time-out or runs out of memory. Each of
   * three periods can set it off, since the missing numbers of a sum are zeros and a late one would never be looked at.
   */
  #runFailed({ durable, function: exporter }: AlarmsProps): cloudwatch.Alarm {
    return this.#alarm(ALARMS.runFailed, {
      alarmDescription: "A run failed, timed out or was stopped: days of at least one source were not archived.",
      metric: durable
        ? failedExecutions(exporter, FIVE_MINUTES)
        : exporter.metricErrors({ statistic: "Sum", period: FIVE_MINUTES }),
      threshold: 1,
      evaluationPeriods: durable ? 3 : 1,
      datapointsToAlarm: 1,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
  }

  /**
   * Silence counts as failure. CloudWatch looks a few periods further back than an alarm's own where data is missing
   * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html), so the periods are
   * hours and not a day: it goes off two or three hours late, not days.
   */
  #runMissing({ deployment }: AlarmsProps): cloudwatch.Alarm {
    return this.#alarm(ALARMS.runMissing, {
      alarmDescription: `No run succeeded in the last ${HOURS_WITHOUT_RUN} hours.`,
      metric: exporterMetric(deployment, "runsSucceeded", "Sum"),
      comparisonOperator: cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      threshold: 1,
      evaluationPeriods: HOURS_WITHOUT_RUN,
      treatMissingData: cloudwatch.TreatMissingData.BREACHING,
    });
  }

  /** Between runs the state stays as the last run left it. */
  #dayIncomplete({ deployment }: AlarmsProps): cloudwatch.Alarm {
    return this.#alarm(ALARMS.dayIncomplete, {
      alarmDescription: "After the last run a day of the look-back is incomplete or missing.",
      metric: exporterMetric(deployment, "daysIncomplete", "Maximum", FIVE_MINUTES),
      threshold: 1,
      evaluationPeriods: 1,
      treatMissingData: cloudwatch.TreatMissingData.IGNORE,
    });
  }

  #rowsRejected({ deployment }: AlarmsProps): cloudwatch.Alarm {
    return this.#alarm(ALARMS.rowsRejected, {
      alarmDescription: "Kore sent rows that could not be archived as sessions; they are kept under rejected/.",
      metric: exporterMetric(deployment, "rowsRejected", "Sum", FIVE_MINUTES),
      threshold: 1,
      evaluationPeriods: 1,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
  }

  #deadLetters(id: string, queue: sqs.IQueue, what: string): cloudwatch.Alarm {
    return this.#alarm(id, {
      alarmDescription: `A dead-letter queue holds the event of ${what}.`,
      metric: queue.metricApproximateNumberOfMessagesVisible({ statistic: "Maximum", period: FIVE_MINUTES }),
      threshold: 1,
      evaluationPeriods: 1,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
  }

  #alarm(id: string, props: cloudwatch.AlarmProps): cloudwatch.Alarm {
    return new cloudwatch.Alarm(this, id, {
      alarmName: `${Stack.of(this).stackName}-${id}`,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      ...props,
      alarmDescription: `${props.alarmDescription} What to do: docs/runbook.md, ${id}.`,
    });
  }
}
