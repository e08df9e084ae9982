import { describe, expect, it } from "vitest";
import { asList, type Json, readable, synthesise } from "./synthesise.ts";

const schedule = (settings?: Record<string, unknown>): Json =>
  synthesise(settings).one("AWS::Scheduler::Schedule").Properties;

describe("the nightly schedule", () => {
  it("runs every night at its time, in the archive's time zone", () => {
    const settings = { timeZone: "Asia/Kolkata", scheduleTime: "04:05" };
    expect(schedule(settings)).toMatchObject({
      ScheduleExpression: "cron(5 4 * * ? *)",
      ScheduleExpressionTimezone: "Asia/Kolkata",
      State: "ENABLED",
      FlexibleTimeWindow: { Mode: "OFF" },
    });
    expect(schedule()).toMatchObject({ ScheduleExpression: "cron(15 2 * * ? *)", ScheduleExpressionTimezone: "UTC" });
  });

  it("invokes the alias, and passes the instant that it was scheduled for", () => {
    const { Arn, Input } = schedule().Target;
    expect(readable(Arn)).toBe("{ExporterFunctionAliaslive}");
    expect(JSON.parse(Input)).toEqual({ scheduledTime: "<aws.scheduler.scheduled-time>" });
  });

  it("tries a few times, for two hours, and then leaves the event in its own queue", () => {
    const { RetryPolicy, DeadLetterConfig } = schedule().Target;
    expect(RetryPolicy).toEqual({ MaximumRetryAttempts: 3, MaximumEventAgeInSeconds: 7200 });
    expect(readable(DeadLetterConfig.Arn)).toBe("{NightlyDeadLettersQueue.Arn}");
  });

  it("warns if it reads a day less than an hour after its end", () => {
    expect(synthesise({ scheduleTime: "00:30" }).warnings).toContainEqual(expect.stringContaining("provisional"));
    expect(synthesise({ scheduleTime: "01:00" }).warnings).not.toContainEqual(expect.stringContaining("provisional"));
  });
});

describe("the dead-letter queues", () => {
  it("are two, encrypted by SQS itself, and keep events for two weeks", () => {
    const queues = synthesise().all("AWS::SQS::Queue");
    expect(queues.map(({ Properties }) => Properties)).toEqual([
      { SqsManagedSseEnabled: true, MessageRetentionPeriod: 14 * 24 * 3600 },
      { SqsManagedSseEnabled: true, MessageRetentionPeriod: 14 * 24 * 3600 },
    ]);
  });

  it("refuse anything but TLS", () => {
    const policies = synthesise().all("AWS::SQS::QueuePolicy");
    expect(policies).toHaveLength(2);
    for (const { Properties } of policies) {
      expect(asList(Properties.PolicyDocument.Statement)).toContainEqual(
        expect.objectContaining({
          Effect: "Deny",
          Action: "sqs:*",
          Condition: { Bool: { "aws:SecureTransport": "false" } },
        }),
      );
    }
  });
});
