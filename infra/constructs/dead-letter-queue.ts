import { Duration, aws_sqs as sqs } from "aws-cdk-lib";
import { Construct } from "constructs";
import { acknowledge } from "../acknowledge.ts";

const KEPT_DAYS = 14;

/**
 * Events that were given up, for as long as SQS keeps anything.
 *
 * Encrypted with SQS's own key: with a customer-managed one EventBridge Scheduler could not deliver, since the role
 * that CDK makes for it may not use the key
 * (https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html).
 */
export class DeadLetterQueue extends Construct {
  readonly queue: sqs.Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.queue = new sqs.Queue(this, "Queue", {
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(KEPT_DAYS),
    });
    acknowledge(this, {
      "AwsSolutions-SQS3": "This queue is a dead-letter queue itself.",
      "Serverless-SQSRedrivePolicy": "This queue is a dead-letter queue itself.",
    });
  }
}
