import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ALARMS, METRICS } from "../../functions/exporter/contract.ts";
import { ERRORS } from "../../functions/exporter/errors.ts";
import { asList, type Json, ROOT, readable, synthesise } from "./synthesise.ts";

const alarms = (settings?: Record<string, unknown>) =>
  synthesise(settings)
    .all("AWS::CloudWatch::Alarm")
    .map(({ Properties }) => Properties);

const alarm = (id: string, settings?: Record<string, unknown>): Json =>
  alarms(settings).find(({ AlarmName }) => AlarmName === `KoreSessions-${id}`);

/** Every metric that the dashboard shows: its name, its dimensions and its statistic. */
function shownMetrics(settings?: Record<string, unknown>): [string, string[], string][] {
  const { DashboardBody } = synthesise(settings).one("AWS::CloudWatch::Dashboard").Properties;
  const metrics: Json[] = JSON.parse(readable(DashboardBody)).widgets.flatMap(
    ({ properties }: Json) => properties.metrics ?? [],
  );
  return metrics
    .filter(([namespace]) => typeof namespace === "string")
    .map(([, name, ...rest]) => [name, rest.slice(0, -1), rest.at(-1).stat]);
}

/** A metric as `namespace name statistic period`, and its dimensions. */
const metricOf = ({ Namespace, MetricName, Statistic, Period, Dimensions }: Json) => ({
  metric: `${Namespace} ${MetricName} ${Statistic} ${Period}`,
  dimensions: Dimensions.map(({ Name, Value }: Json) => `${Name}=${readable(Value)}`),
});

describe("the alarms", () => {
  it.each([true, false])("are those of the contract (durable: %s)", (durable) => {
    expect(
      alarms({ durable })
        .map(({ AlarmName }) => AlarmName)
        .sort(),
    ).toEqual(
      Object.values(ALARMS)
        .map((id) => `KoreSessions-${id}`)
        .sort(),
    );
  });

  it("tell the topic when something goes wrong and when it is well again, and point to the runbook", () => {
    for (const { AlarmName, AlarmActions, OKActions, AlarmDescription } of alarms()) {
      expect(
        [AlarmActions, OKActions].map((actions) => actions.map(readable)),
        AlarmName,
      ).toEqual([["{AlarmsTopic}"], ["{AlarmsTopic}"]]);
      expect(AlarmDescription).toContain(`docs/runbook.md, ${AlarmName.replace("KoreSessions-", "")}`);
    }
  });

  it("go off when an execution failed, took too long or was stopped, and not when an invocation is repeated", () => {
    const { Metrics, ...rest } = alarm(ALARMS.runFailed);
    const [sum, ...terms] = Metrics;
    const described = terms.map(({ Id, MetricStat }: Json) => [
      Id,
      metricOf({ ...MetricStat.Metric, Statistic: MetricStat.Stat, Period: MetricStat.Period }),
    ]);
    const dimensions = ["FunctionName={ExporterFunction}"];
    expect(Object.fromEntries(described)).toEqual({
      failed: { metric: "AWS/Lambda DurableExecutionFailed Sum 300", dimensions },
      timedOut: { metric: "AWS/Lambda DurableExecutionTimedOut Sum 300", dimensions },
      stopped: { metric: "AWS/Lambda DurableExecutionStopped Sum 300", dimensions },
    });
    expect(sum).toMatchObject({
      Expression: "FILL(failed, 0) + FILL(timedOut, 0) + FILL(stopped, 0)",
      ReturnData: true,
    });
    expect(rest).toMatchObject({ Threshold: 1, ComparisonOperator: "GreaterThanOrEqualToThreshold" });
  });

  it("see a failed execution whose number comes up to a quarter of an hour late", () => {
    const { EvaluationPeriods, DatapointsToAlarm } = alarm(ALARMS.runFailed);
    expect([EvaluationPeriods, DatapointsToAlarm]).toEqual([3, 1]);
  });

  it("go off when a run of a plain function failed, threw or timed out", () => {
    const plain = alarm(ALARMS.runFailed, { durable: false });
    expect(metricOf(plain)).toEqual({
      metric: "AWS/Lambda Errors Sum 300",
      dimensions: ["FunctionName={ExporterPlainFunction}"],
    });
    expect(plain).toMatchObject({ Threshold: 1, EvaluationPeriods: 1, TreatMissingData: "notBreaching" });
  });

  it("go off when no run succeeded for 26 hours, above all when nothing at all is heard", () => {
    const { Period, EvaluationPeriods, DatapointsToAlarm, ...rest } = alarm(ALARMS.runMissing);
    expect(Period * EvaluationPeriods).toBe(26 * 3600);
    expect(DatapointsToAlarm ?? EvaluationPeriods).toBe(EvaluationPeriods);
    expect(rest).toMatchObject({
      MetricName: METRICS.runsSucceeded.name,
      Statistic: "Sum",
      ComparisonOperator: "LessThanThreshold",
      Threshold: 1,
      TreatMissingData: "breaching",
    });
  });

  it("stay within a week of periods, CloudWatch's limit for periods of an hour", () => {
    for (const { AlarmName, Metrics, EvaluationPeriods, Period = Metrics?.[1].MetricStat.Period } of alarms()) {
      const longest = Period >= 3600 ? 7 * 86_400 : 86_400;
      expect(Period * EvaluationPeriods, AlarmName).toBeLessThanOrEqual(longest);
    }
  });

  it("go off when a day is incomplete or missing, until a run finds none", () => {
    expect(metricOf(alarm(ALARMS.dayIncomplete))).toEqual({
      metric: "KoreSessionArchive DaysIncomplete Maximum 300",
      dimensions: ["service=KoreSessions"],
    });
    expect(alarm(ALARMS.dayIncomplete)).toMatchObject({ Threshold: 1, TreatMissingData: "ignore" });
  });

  it("go off when rows are rejected", () => {
    expect(metricOf(alarm(ALARMS.rowsRejected))).toEqual({
      metric: "KoreSessionArchive RowsRejected Sum 300",
      dimensions: ["service=KoreSessions"],
    });
  });

  it.each([
    [ALARMS.functionDeadLetters, "{ExporterDeadLettersQueue.QueueName}"],
    [ALARMS.scheduleDeadLetters, "{NightlyDeadLettersQueue.QueueName}"],
  ])("go off as %s on the first message in its queue", (id, queue) => {
    expect(metricOf(alarm(id))).toEqual({
      metric: "AWS/SQS ApproximateNumberOfMessagesVisible Maximum 300",
      dimensions: [`QueueName=${queue}`],
    });
    expect(alarm(id)).toMatchObject({ Threshold: 1, ComparisonOperator: "GreaterThanOrEqualToThreshold" });
  });
});

describe("the alarms' topic", () => {
  it("is encrypted with the stack's key, refuses plain HTTP and takes alarms of this account only", () => {
    expect(readable(synthesise().one("AWS::SNS::Topic").Properties.KmsMasterKeyId)).toBe("{Key.Arn}");
    const { PolicyDocument } = synthesise().one("AWS::SNS::TopicPolicy").Properties;
    expect(asList(PolicyDocument.Statement).map(({ Effect, Condition }: Json) => [Effect, Condition])).toEqual([
      ["Deny", { Bool: { "aws:SecureTransport": "false" } }],
      ["Allow", { StringEquals: { "aws:SourceAccount": { Ref: "AWS::AccountId" } } }],
    ]);
  });

  it("mails the address of the settings, or warns that it mails nobody", () => {
    const made = synthesise({ alarmEmail: "ops@example.com" });
    expect(made.one("AWS::SNS::Subscription").Properties).toMatchObject({
      Protocol: "email",
      Endpoint: "ops@example.com",
    });
    expect(made.warnings).toEqual([]);
    expect(synthesise().all("AWS::SNS::Subscription")).toEqual([]);
    expect(synthesise().warnings).toEqual([expect.stringContaining("alarms mail nobody")]);
  });
});

describe("the runbook", () => {
  const runbook = readFileSync(join(ROOT, "docs/runbook.md"), "utf8");
  const sections = new Map(
    runbook
      .split(/^### /m)
      .slice(1)
      .map((section) => [section.split("\n", 1)[0]?.trim() ?? "", section]),
  );

  it.each(Object.values(ALARMS))("says of alarm %s what it means, how to look and how to mend", (id) => {
    const section = sections.get(id) ?? "";
    for (const part of ["**What it means.**", "**How to look.**", "**How to mend.**"]) expect(section).toContain(part);
  });

  it.each(Object.keys(ERRORS))("has an entry for %s", (code) => {
    expect(sections.get(code) ?? "").toMatch(/\n\n\S/);
  });

  it("names no alarm and no code that does not exist", () => {
    const known = [...Object.values(ALARMS), ...Object.keys(ERRORS)] as string[];
    expect([...sections.keys()].filter((heading) => !known.includes(heading))).toEqual([]);
  });
});

describe("the dashboard", () => {
  it("shows every alarm and every metric of the contract", () => {
    const body = JSON.stringify(synthesise().one("AWS::CloudWatch::Dashboard").Properties.DashboardBody);
    for (const { name } of Object.values(METRICS)) expect(body).toContain(name);
    for (const id of Object.values(ALARMS)) expect(body).toContain(`Alarms${id}`);
  });

  it.each([
    ["DurableExecutionStarted", "Sum"],
    ["DurableExecutionSucceeded", "Sum"],
    ["DurableExecutionFailed", "Sum"],
    ["DurableExecutionDuration", "Maximum"],
    ["DurableExecutionOperations", "Sum"],
    ["DurableExecutionStorageWrittenBytes", "Sum"],
  ])("shows %s of a durable function, and not of a plain one", (name, statistic) => {
    expect(shownMetrics()).toContainEqual([name, ["FunctionName", "{ExporterFunction}"], statistic]);
    expect(shownMetrics({ durable: false }).map(([shown]) => shown)).not.toContain(name);
  });

  it("shows how many executions are running, which Lambda counts for the account and Region only", () => {
    const running = "ApproximateRunningDurableExecutions";
    expect(shownMetrics()).toContainEqual([running, [], "Maximum"]);
    expect(shownMetrics({ durable: false }).map(([shown]) => shown)).not.toContain(running);
  });
});
