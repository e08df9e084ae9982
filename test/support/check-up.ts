import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished, vi } from "vitest";
import type { Check, CheckName } from "../../cli/doctor/checks.ts";
import type { CommandResult, Scenario } from "./scenario.ts";

/** What `doctor --json` told. */
export interface CheckUp extends CommandResult {
  readonly checks: readonly Check[];
  /** Every check of that name. */
  of(name: CheckName): Check[];
  /** The status of the checks of that name, where there is one of them. */
  status(name: CheckName): string;
  /** Names of the checks that are problems. */
  readonly problems: readonly CheckName[];
}

/** Runs `doctor --json`. */
export async function checkUp(
  scenario: Scenario,
  env: Readonly<Record<string, string | undefined>> = {},
  ...args: readonly string[]
): Promise<CheckUp> {
  const result = await scenario.cli(["doctor", "--json", ...args], env);
  const { checks } = JSON.parse(result.stdout) as { checks: Check[] };
  const of = (name: CheckName) => checks.filter((check) => check.name === name);
  return {
    ...result,
    checks,
    of,
    status: (name) => of(name)[0]?.status ?? "not told",
    problems: checks.filter(({ status }) => status === "problem").map(({ name }) => name),
  };
}

/** Where the AWS SDK finds credentials, and servers by the names of their services (`S3`, `LAMBDA`). */
export function stubAws(servers: Readonly<Record<string, { readonly url: string }>>): void {
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) vi.stubEnv(name, "test");
  vi.stubEnv("AWS_REGION", "us-east-1");
  for (const [service, { url }] of Object.entries(servers)) vi.stubEnv(`AWS_ENDPOINT_URL_${service}`, url);
}

/** A folder of its own that goes with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kore-doctor-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
