import { stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { SettingsError } from "../../functions/exporter/errors.ts";
import { checked } from "../../functions/exporter/settings.ts";
import type { Answers } from "./answers.ts";
import { deploymentSettings, withDeployment } from "./cdk-settings.ts";
import type { InitOptions } from "./options.ts";
import { type PlannedFile, textOf } from "./planned-file.ts";
import type { Questions } from "./questions.ts";

/** The deployment whose settings are to be written. */
export interface Deployment {
  /** Of `cdk.json`. */
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  /** Undefined: nobody named an address. */
  readonly alarmEmail: string | undefined;
}

const alarmEmail = z.email("The address for alarms is none; write it as you@example.com.");

/**
 * The deployment in a folder: if `--deploy` wants it, or a person says so; else null. Throws `SettingsError` if the folder
 * has no `cdk.json`.
 */
export async function readDeployment(
  folder: string,
  options: InitOptions,
  questions: Questions | null,
): Promise<Deployment | null> {
  const path = join(folder, "cdk.json");
  const text = await textOf(path);
  if (options.deploy && text === null) {
    throw new SettingsError([
      `--deploy writes into cdk.json, and ${folder} has none; run it in a clone of this project.`,
    ]);
  }
  if (options.alarmEmail !== undefined && !options.deploy) {
    throw new SettingsError(["--alarm-email is a setting of a deployment; give --deploy too."]);
  }
  if (text === null) return null;
  if (!options.deploy && !(await questions?.confirm("Prepare the nightly run in AWS too (settings in cdk.json)?")))
    return null;
  const { mode } = await stat(path);
  return { path, text, mode: mode & 0o777, alarmEmail: options.alarmEmail ?? (await askAlarmEmail(questions)) };
}

async function askAlarmEmail(questions: Questions | null): Promise<string | undefined> {
  const message = "Address that alarms are mailed to (empty: nobody)";
  const problem = (answer: string) =>
    answer.trim() === "" ? null : (alarmEmail.safeParse(answer.trim()).error?.issues[0]?.message ?? null);
  return (await questions?.text({ message, problem }))?.trim() || undefined;
}

/** Throws `SettingsError` if the address for alarms is none. */
export function checkAlarmEmail(deployment: Deployment | null): void {
  if (deployment?.alarmEmail !== undefined) checked(alarmEmail, deployment.alarmEmail);
}

/** `cdk.json` with the answers; none if nothing is to be deployed. */
export function planDeployment(deployment: Deployment | null, answers: Answers): PlannedFile[] {
  if (deployment === null) return [];
  const { path, text, mode, alarmEmail } = deployment;
  return [{ path, mode, ...withDeployment(text, path, deploymentSettings(answers, alarmEmail)) }];
}
