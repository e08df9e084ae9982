import {
  GetScheduleCommand,
  paginateListSchedules,
  SchedulerClient,
  type ScheduleSummary,
} from "@aws-sdk/client-scheduler";
import { ENVIRONMENT } from "../../functions/exporter/contract.ts";
import { type Check, ok, problem } from "./checks.ts";
import { AWS_DEADLINE_MS, QUICK_CLIENT } from "./deadline.ts";
import type { DeployedExporter } from "./deployed-function.ts";
import { awsFailed } from "./failure-text.ts";

/** CloudFormation makes names of a stack's name and shortens it where they would be too long, not to less than this. */
const STACK_NAME_KEPT = 24;

/**
 * Looks among the stack's schedules for one that starts the function. Needs scheduler:ListSchedules and
 * scheduler:GetSchedule (https://docs.aws.amazon.com/scheduler/latest/APIReference/API_GetSchedule.html).
 */
export async function checkSchedule(exporter: DeployedExporter, signal: AbortSignal): Promise<Check> {
  const client = new SchedulerClient({ ...QUICK_CLIENT, region: exporter.region });
  const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(AWS_DEADLINE_MS)]);
  try {
    const found = await findSchedules(client, exporter, abortSignal);
    const [first] = found;
    if (first === undefined) return problem("schedule", `No schedule starts ${exporter.aliasArn}.`);
    const enabled = found.find(({ State }) => State === "ENABLED");
    if (enabled === undefined) return disabled(first);
    const { Name, GroupName } = enabled;
    const { ScheduleExpression: when, ScheduleExpressionTimezone: zone } = await client.send(
      new GetScheduleCommand({ Name, GroupName }),
      { abortSignal },
    );
    return ok("schedule", `${Name} is on: ${when}, ${zone ?? "UTC"}`);
  } catch (error) {
    signal.throwIfAborted();
    return awsFailed("schedule", exporter.aliasArn, error);
  } finally {
    client.destroy();
  }
}

async function findSchedules(
  client: SchedulerClient,
  { aliasArn, variables }: DeployedExporter,
  abortSignal: AbortSignal,
): Promise<ScheduleSummary[]> {
  const prefix = (variables[ENVIRONMENT.deployment] ?? "").slice(0, STACK_NAME_KEPT);
  const found: ScheduleSummary[] = [];
  const wanted = prefix === "" ? {} : { NamePrefix: prefix };
  for await (const { Schedules = [] } of paginateListSchedules({ client }, wanted, { abortSignal })) {
    found.push(...Schedules.filter(({ Target }) => Target?.Arn === aliasArn));
  }
  return found;
}

function disabled({ Name }: ScheduleSummary): Check {
  const help = `In the EventBridge console, under Scheduler > Schedules, choose ${Name} and then Enable.`;
  return problem("schedule", `The schedule ${Name} is disabled.`, help);
}
