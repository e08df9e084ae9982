import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { exporterApp, inTemporaryFolder, REQUIRED, type Resource, ROOT, synthesise } from "./synthesise.ts";

/**
 * What people have deployed, as version 0.1.0 synthesised it with these settings. Left out is what may come and go:
 * versions of the function, saved queries, alarms, dashboard and policies, and, of what is there, code, columns and
 * statements. The file stays as it is: a stack that does not fit it has to move data, which CloudFormation does not do.
 */
// The CDK is another process, which shares a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const DEPLOYED = join(ROOT, "test/infra/deployed-0.1.0.json");
const SETTINGS = { ...REQUIRED, alarmEmail: "alarms@example.com" };

/** A wrong change of one of these loses or locks out what is in it, even where CloudFormation replaces nothing. */
const HOLDS_DATA = [
  "AWS::S3::Bucket",
  "AWS::KMS::Key",
  "AWS::SecretsManager::Secret",
  "AWS::Logs::LogGroup",
  "AWS::SQS::Queue",
  "AWS::SNS::Topic",
];

const deployed: Readonly<Record<string, Resource>> = JSON.parse(readFileSync(DEPLOYED, "utf8")).Resources;
const holdingData = Object.entries(deployed).filter(([, { Type }]) => HOLDS_DATA.includes(Type));

/** What `cdk diff` says of the step from what is deployed to the stack of today. It knows which changes replace. */
function diffFromDeployed(...options: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return inTemporaryFolder((outdir) => {
    const { app, stack } = exporterApp(SETTINGS, outdir, { "aws:cdk:bundling-stacks": [] });
    app.synth();
    const args = ["diff", stack.stackName, "--app", outdir, "--template", DEPLOYED, "--no-notices", ...options];
    const { AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...env } = process.env;
    return spawnSync(join(ROOT, "node_modules/.bin/cdk"), args, {
      encoding: "utf8",
      env: { ...env, CI: "true", NO_COLOR: "1", AWS_EC2_METADATA_DISABLED: "true", CDK_DISABLE_VERSION_CHECK: "1" },
    });
  });
}

describe("the upgrade of a deployed stack", () => {
  let diff: ReturnType<typeof diffFromDeployed>;

  beforeAll(() => {
    diff = diffFromDeployed("--fail-on", "destructive");
  });

  it("replaces and removes nothing that is there", () => {
    expect(diff.stdout, diff.stderr).toContain("Stack KoreSessions");
    expect(diff.status, diff.stdout).toBe(0);
  });

  it.each(holdingData)("leaves %s as it is", (id, resource) => {
    const { Type, Properties, DeletionPolicy, UpdateReplacePolicy } = { ...synthesise(SETTINGS).resources[id] };
    expect({ Type, Properties, DeletionPolicy, UpdateReplacePolicy }).toEqual(resource);
  });

  it("is held against a stack that holds data of every kind", () => {
    expect([...new Set(holdingData.map(([, { Type }]) => Type))].sort()).toEqual([...HOLDS_DATA].sort());
  });
});
