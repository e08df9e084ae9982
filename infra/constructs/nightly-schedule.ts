import {
  Duration,
  type aws_lambda as lambda,
  aws_scheduler as scheduler,
  TimeZone,
  aws_scheduler_targets as targets,
} from "aws-cdk-lib";
import { Construct } from "constructs";
import { SCHEDULED_TIME } from "../../functions/exporter/contract.ts";
import { DeadLetterQueue } from "./dead-letter-queue.ts";

export interface NightlyScheduleProps {
  readonly target: lambda.IAlias;
  /** `HH:MM`, in the time zone. */
  readonly time: string;
  readonly timeZone: string;
}

/**
 * Starts the exporter once a night. The event carries the instant it was scheduled for, so that a late or repeated
 * delivery still means the same day. Its dead letters are events that never reached the function.
 */
export class NightlySchedule extends Construct {
  readonly deadLetters: DeadLetterQueue;

  constructor(scope: Construct, id: string, { target, time, timeZone }: NightlyScheduleProps) {
    super(scope, id);
    this.deadLetters = new DeadLetterQueue(this, "DeadLetters");
    const [hour = "", minute = ""] = time.split(":").map((part) => String(Number(part)));
    new scheduler.Schedule(this, "Schedule", {
      description: `Archives yesterday's Kore sessions at ${time} ${timeZone}`,
      schedule: scheduler.ScheduleExpression.cron({ hour, minute, timeZone: TimeZone.of(timeZone) }),
      target: new targets.LambdaInvoke(target, {
        input: scheduler.ScheduleTargetInput.fromObject({
          [SCHEDULED_TIME]: scheduler.ContextAttribute.scheduledTime,
        }),
        deadLetterQueue: this.deadLetters.queue,
        retryAttempts: 3,
        maxEventAge: Duration.hours(2),
      }),
    });
  }
}
