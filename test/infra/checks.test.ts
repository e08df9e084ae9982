import { aws_s3 as s3 } from "aws-cdk-lib";
import { describe, expect, it } from "vitest";
import { addChecks } from "../../infra/checks.ts";
import type { ExporterStack } from "../../infra/exporter-stack.ts";
import { exporterApp, inTemporaryFolder, REQUIRED } from "./synthesise.ts";

function synthesiseChecked(settings: Record<string, unknown>, change: (stack: ExporterStack) => void = () => {}): void {
  inTemporaryFolder((outdir) => {
    const { app, stack } = exporterApp({ ...REQUIRED, ...settings }, outdir, { "aws:cdk:bundling-stacks": [] });
    addChecks(app);
    change(stack);
    app.synth();
  });
}

describe("the checks of cdk-nag", () => {
  it.each<[string, Record<string, unknown>]>([
    ["the smallest settings", {}],
    ["an alarm e-mail", { alarmEmail: "ops@example.com" }],
    ["a VPC", { vpc: { vpcId: "vpc-0123abcd", subnetIds: ["subnet-0123abcd"] } }],
    ["an existing secret", { secretArn: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:kore-AbCdEf" }],
    ["compliance mode", { retentionMode: "compliance" }],
    ["a plain function", { durable: false }],
    ["removal of everything", { removal: "destroy", colderStorageDays: 0 }],
  ])("find nothing unexplained with %s", (_, settings) => {
    expect(() => synthesiseChecked(settings)).not.toThrow();
  });

  it("are on: something that nobody explained fails synth", () => {
    expect(() => synthesiseChecked({}, (stack) => new s3.Bucket(stack, "Plain"))).toThrowError(/AwsSolutions-S1\b/);
  });
});
