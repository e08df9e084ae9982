import { databaseOf, ENVIRONMENT } from "../../functions/exporter/contract.ts";
import { SettingsError } from "../../functions/exporter/errors.ts";
import type { Environment } from "../../functions/exporter/settings.ts";
import { readFunctionName } from "../backfill/function-name.ts";
import { type Check, skipped } from "./checks.ts";
import type { DeployedExporter, FoundFunction } from "./deployed-function.ts";

/** Looks for the function that `KORE_FUNCTION` names. Throws `SettingsError` if no function can be called so. */
export async function findDeployment(env: Environment, signal: AbortSignal): Promise<FoundFunction> {
  const setting = env.KORE_FUNCTION?.trim() ?? "";
  if (setting === "") return { check: skipped("function", "KORE_FUNCTION (--function) is not set."), exporter: null };
  const name = functionName(setting);
  const { findFunction } = await import("./deployed-function.ts");
  return findFunction(name, signal);
}

function functionName(setting: string): ReturnType<typeof readFunctionName> {
  try {
    return readFunctionName(setting);
  } catch {
    const help = "set it to the deployment's output FunctionAlias.";
    throw new SettingsError([`KORE_FUNCTION (--function) is "${setting}", which no function is called; ${help}`]);
  }
}

/** Whether a schedule starts the function, as far as the function is known. */
export async function checkNightlySchedule(exporter: DeployedExporter | null, signal: AbortSignal): Promise<Check> {
  if (exporter === null) return skipped("schedule", "It is looked for by its function, which is not known.");
  const { checkSchedule } = await import("./schedule.ts");
  return checkSchedule(exporter, signal);
}

/** Whether the tables of the stack show the archive; `stack` wins over what the function says. */
export async function checkArchiveTables(
  stack: string | undefined,
  exporter: DeployedExporter | null,
  signal: AbortSignal,
): Promise<Check> {
  const name = stack ?? exporter?.variables[ENVIRONMENT.deployment];
  if (name === undefined) return skipped("tables", "Neither --stack nor a function's variables tell the database.");
  const { checkTables } = await import("./glue-tables.ts");
  const archive = exporter?.variables[ENVIRONMENT.archive] ?? null;
  return checkTables({ databaseName: databaseOf(name), region: exporter?.region, archive }, signal);
}
