/** Entry point of `cdk synth` and `cdk deploy`. Reads the context `exporter`, and the account and Region that CDK found. */
import { fileURLToPath } from "node:url";
import { App } from "aws-cdk-lib";
import { addChecks } from "./checks.ts";
import { ExporterStack } from "./exporter-stack.ts";
import { readSettings, WrongSettings } from "./settings.ts";

const HANDLER = fileURLToPath(new URL("../functions/exporter/handler.ts", import.meta.url));

function main(): void {
  const app = new App();
  const settings = readSettings(app.node.tryGetContext("exporter"), new Date().toISOString().slice(0, 10));
  new ExporterStack(app, settings.stackName, {
    settings,
    handlerEntry: HANDLER,
    env: { account: process.env.CDK_DEFAULT_ACCOUNT, region: process.env.CDK_DEFAULT_REGION },
  });
  addChecks(app);
  app.synth();
}

try {
  main();
} catch (error) {
  if (!(error instanceof WrongSettings)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
