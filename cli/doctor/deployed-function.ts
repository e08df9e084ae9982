import { type FunctionConfiguration, GetFunctionConfigurationCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { ENVIRONMENT } from "../../functions/exporter/contract.ts";
import type { FunctionName } from "../backfill/function-name.ts";
import { type Check, ok, problem } from "./checks.ts";
import { AWS_DEADLINE_MS, QUICK_CLIENT } from "./deadline.ts";
import { awsFailed } from "./failure-text.ts";

/** The deployed function as Lambda tells of it. */
export interface DeployedExporter {
  /** ARN of the alias that the schedule starts. */
  readonly aliasArn: string;
  readonly region: string;
  /** Its settings, by the names of environment variables; none of them is secret. */
  readonly variables: Readonly<Record<string, string>>;
}

/** What was found of the function. */
export interface FoundFunction {
  readonly check: Check;
  /** Null if Lambda did not tell. */
  readonly exporter: DeployedExporter | null;
}

/**
 * Asks Lambda about the function. Needs lambda:GetFunctionConfiguration
 * (https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html).
 */
export async function findFunction(name: FunctionName, signal: AbortSignal): Promise<FoundFunction> {
  const client = new LambdaClient({ ...QUICK_CLIENT, ...(name.region !== null && { region: name.region }) });
  try {
    const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(AWS_DEADLINE_MS)]);
    const command = new GetFunctionConfigurationCommand({ FunctionName: name.qualified });
    const found = await client.send(command, { abortSignal });
    const exporter = exporterOf(found, name);
    return { check: readiness(found, name, exporter), exporter };
  } catch (error) {
    signal.throwIfAborted();
    return { check: awsFailed("function", name.qualified, error), exporter: null };
  } finally {
    client.destroy();
  }
}

function exporterOf(found: FunctionConfiguration, name: FunctionName): DeployedExporter {
  const arn = (found.FunctionArn ?? "").split(":").slice(0, 7);
  const given = found.Environment?.Variables ?? {};
  const ours = Object.values(ENVIRONMENT).flatMap((variable) => {
    const value = given[variable];
    return value === undefined ? [] : [[variable, value] as const];
  });
  const alias = name.qualified.split(":").at(-1) ?? "";
  return { aliasArn: [...arn, alias].join(":"), region: arn[3] ?? "", variables: Object.fromEntries(ours) };
}

/** Source of the states: `State` and `LastUpdateStatus`, FunctionConfiguration in Lambda's API reference. */
function readiness(found: FunctionConfiguration, { name }: FunctionName, { variables }: DeployedExporter): Check {
  const { State: state = "Active", LastUpdateStatus: update = "Successful", StateReason: reason } = found;
  const why = reason === undefined ? "" : ` (${reason})`;
  if (state === "Failed" || update === "Failed") {
    return problem(
      "function",
      `${name} cannot be started: ${state === "Failed" ? "State" : "LastUpdateStatus"} is Failed${why}.`,
    );
  }
  if (variables[ENVIRONMENT.archive] === undefined) {
    return problem("function", `${name} is no exporter: it has no variable ${ENVIRONMENT.archive}.`);
  }
  const sources = variables[ENVIRONMENT.botIds] ?? "the account";
  return ok("function", `${name}, version ${found.Version}, archives ${sources} to ${variables[ENVIRONMENT.archive]}`);
}
