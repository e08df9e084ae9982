import { SETTINGS } from "../functions/exporter/settings.ts";
import { nearest } from "./spelling.ts";

/**
 * Variables of the AWS SDK that say who asks, where, and how often. None of them names a file: a profile of a file can
 * have a program run to get credentials.
 */
const AWS_NAMES = [
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_PROFILE",
  "AWS_REGION",
  "AWS_DEFAULT_REGION",
  "AWS_MAX_ATTEMPTS",
  "AWS_ENDPOINT_URL",
  "AWS_ENDPOINT_URL_GLUE",
  "AWS_ENDPOINT_URL_KMS",
  "AWS_ENDPOINT_URL_LAMBDA",
  "AWS_ENDPOINT_URL_S3",
  "AWS_ENDPOINT_URL_SCHEDULER",
  "AWS_ENDPOINT_URL_SECRETS_MANAGER",
] as const;

/** The variables that a command takes from `.env`; it takes no other. */
export const ENVIRONMENT_NAMES: ReadonlySet<string> = new Set([...Object.keys(SETTINGS), ...AWS_NAMES]);

/** Returns what is wrong with a name in `.env`, as the rest of a sentence; null if nothing is. */
export function nameProblem(name: string): string | null {
  if (!name.startsWith("KORE_") || ENVIRONMENT_NAMES.has(name)) return null;
  const near = nearest(name, Object.keys(SETTINGS));
  if (near !== null) return `${name} is no setting; did you mean ${near}?`;
  return `${name} is no setting; correct it (README.md lists the names), or take it out.`;
}

/** Tells whether a name in `.env` is one of the AWS SDK's that count in the environment only. */
export function isForEnvironmentOnly(name: string): boolean {
  return name.startsWith("AWS_") && !ENVIRONMENT_NAMES.has(name);
}
