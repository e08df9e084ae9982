/**
 * The deployed function: an event of the schedule, or of a person, becomes an export into the bucket.
 *
 * - Deployed as a durable function, Lambda invokes it with the history of an execution, which works in steps for as long
 *   as it takes; deployed as a plain function it ends a minute before its time-out. Either way, what was read is kept in
 *   scratch, and the next run goes on from there.
 * - A source or day that fails does not stop the others. When all is done, a run with a failure throws: a durable
 *   execution has failed then; a plain invocation is tried again. In the end the event is in the dead-letter queue.
 */
import { setFlagsFromString } from "node:v8";
import {
  type DurableExecutionInvocationInput,
  type DurableExecutionInvocationOutput,
  withDurableExecution,
} from "@aws/durable-execution-sdk-js";
import type { Context } from "aws-lambda";
import { systemClock } from "./clock.ts";
import { carryOut, type EstimateSummary, type ExportSummary } from "./lambda/deployed-run.ts";
import { DurableHost } from "./lambda/durable-host.ts";
import { PlainHost } from "./lambda/plain-host.ts";

// As the command line has it: a nursery that does not grow.
setFlagsFromString("--semi-space-growth-factor=1");

/** Left of the function's time for stopping cleanly. */
const STOP_BEFORE_END_MS = 60_000;

const durably = withDurableExecution((event: unknown, context) =>
  carryOut(event, new DurableHost(context), { env: process.env, clock: systemClock }),
);

function atOnce(event: unknown, context: Context): Promise<ExportSummary | EstimateSummary> {
  const endMs = systemClock.now() + context.getRemainingTimeInMillis() - STOP_BEFORE_END_MS;
  const host = new PlainHost(context.awsRequestId, systemClock, endMs);
  return carryOut(event, host, { env: process.env, clock: systemClock });
}

/** The history that Lambda hands to a durable function in place of the event, which is part of it. */
function isOfExecution(event: unknown): event is DurableExecutionInvocationInput {
  if (event === null || typeof event !== "object") return false;
  return "DurableExecutionArn" in event && "CheckpointToken" in event;
}

function handle(event: DurableExecutionInvocationInput, context: Context): Promise<DurableExecutionInvocationOutput>;
function handle(event: unknown, context: Context): Promise<ExportSummary | EstimateSummary>;
function handle(event: unknown, context: Context): Promise<unknown> {
  return isOfExecution(event) ? durably(event, context) : atOnce(event, context);
}

export { handle as handler };
