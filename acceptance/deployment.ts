import { mkdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  LambdaClient,
  PublishVersionCommand,
  UpdateAliasCommand,
  UpdateFunctionConfigurationCommand,
} from "@aws-sdk/client-lambda";
import { type ObjectLockConfiguration, PutObjectLockConfigurationCommand, S3Client } from "@aws-sdk/client-s3";
import { PutSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { LIVE_ALIAS, SECRET_MEMBERS } from "../functions/exporter/contract.ts";
import { AwsCalls } from "./aws-calls.ts";
import { copyWithout, propertiesOf, readTemplate, type Template } from "./cloud-assembly.ts";
import { ACCOUNT, awsEnvironment, REGION, startMinistack } from "./ministack.ts";
import { CACHE, run } from "./processes.ts";

/** Resources that the emulator cannot make: what they hold, test:athena runs; that they are declared, test/infra checks. */
export const UNKNOWN_TYPES = ["AWS::Athena::NamedQuery"];
const STACK = "KoreSessions";

/** Outputs of the stack that the runs use. */
export interface Outputs {
  readonly ArchiveBucket: string;
  readonly SessionsTable: string;
  readonly FunctionAlias: string;
  readonly LogGroup: string;
  readonly FunctionDeadLetters: string;
  readonly ScheduleDeadLetters: string;
  readonly PutSecretCommand: string;
}

/** Our stack in an emulator, deployed by the CDK. */
export interface Deployment {
  readonly endpoint: string;
  /** Variables for programs that work on it. */
  readonly env: Record<string, string>;
  readonly outputs: Outputs;
  /** As synthesised, with what the emulator does not know. */
  readonly template: Template;
  /** Types of the resources that were left out, one for each. */
  readonly leftOut: readonly string[];
  readonly s3: S3Client;
  readonly lambda: LambdaClient;
  readonly aws: AwsCalls;
  /** Runs the CDK on the deployed assembly; throws if it fails. */
  cdk(...args: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

export interface Kore {
  readonly host: string;
  readonly bots: readonly string[];
  readonly startDate: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** Starts an emulator, deploys the stack into it as docs/deploy.md says, and puts the secret. */
export async function deploy(name: string, kore: Kore): Promise<Deployment> {
  const emulator = await startMinistack(name);
  try {
    return await deployInto(emulator.url, join(CACHE, name), kore, () => emulator.stop());
  } catch (error) {
    await emulator.stop();
    throw error;
  }
}

async function deployInto(
  endpoint: string,
  folder: string,
  kore: Kore,
  stop: () => Promise<void>,
): Promise<Deployment> {
  const env = awsEnvironment(endpoint);
  const [synthesised, assembly] = [join(folder, "synthesised"), join(folder, "assembly")];
  await mkdir(folder, { recursive: true });
  const cdk = (...args: readonly string[]) =>
    run(resolve("node_modules/.bin/cdk"), args, { env: { ...process.env, ...env, CI: "true", NO_COLOR: "1" } });
  const context = JSON.stringify(settings(kore));
  await cdk("synth", "--quiet", "--output", synthesised, "--context", `exporter=${context}`);
  const leftOut = await copyWithout(UNKNOWN_TYPES, synthesised, assembly, STACK);
  await cdk("bootstrap", `aws://${ACCOUNT}/${REGION}`, "--app", assembly);
  const outputsFile = join(folder, "outputs.json");
  await cdk("deploy", "--app", assembly, "--require-approval", "never", "--outputs-file", outputsFile);
  const outputs: Outputs = JSON.parse(await readFile(outputsFile, "utf8"))[STACK];
  const template = await readTemplate(synthesised, STACK);
  const client = { endpoint, region: REGION, credentials: { accessKeyId: "test", secretAccessKey: "test" } };
  const deployment: Deployment = {
    endpoint,
    env,
    outputs,
    template,
    leftOut,
    s3: new S3Client({ ...client, forcePathStyle: true }),
    // A run takes longer than a usual answer, and one that failed is not to be started again by the client.
    lambda: new LambdaClient({ ...client, maxAttempts: 1 }),
    aws: new AwsCalls(endpoint),
    cdk: (command, ...args) => cdk(command ?? "", "--app", assembly, ...args),
    stop,
  };
  await applyDropped(deployment);
  await putSecret(deployment, client, kore);
  return deployment;
}

/** No quota: the emulated function would wait in real time. Everything else as docs/deploy.md shows it. */
function settings({ host, bots, startDate }: Kore): object {
  return {
    host,
    bots,
    startDate,
    durable: false,
    requestsPerMinute: 0,
    requestsPerHour: 0,
    alarmEmail: "a@example.com",
  };
}

/** The emulator's CloudFormation forgets a bucket's Object Lock and a function's dead-letter queue: set by their APIs. */
async function applyDropped(deployment: Deployment): Promise<void> {
  const { outputs, template, s3 } = deployment;
  const [lock] = propertiesOf<{ ObjectLockConfiguration?: ObjectLockConfiguration }>(
    template,
    "AWS::S3::Bucket",
  ).flatMap(({ ObjectLockConfiguration }) => ObjectLockConfiguration ?? []);
  if (lock === undefined) throw new Error("no bucket of the template has Object Lock");
  await s3.send(
    new PutObjectLockConfigurationCommand({ Bucket: outputs.ArchiveBucket, ObjectLockConfiguration: lock }),
  );
  await applyDeadLetters(deployment);
}

/** A version keeps the settings that it was published with, so the alias needs a new one. */
async function applyDeadLetters({ outputs, template, lambda }: Deployment): Promise<void> {
  const functions = propertiesOf<{ DeadLetterConfig?: object }>(template, "AWS::Lambda::Function");
  if (!functions.some(({ DeadLetterConfig }) => DeadLetterConfig)) {
    throw new Error("no function of the template has a dead-letter queue");
  }
  const FunctionName = outputs.FunctionAlias.split(":").at(6);
  const queue = outputs.FunctionDeadLetters.split("/").at(-1);
  const DeadLetterConfig = { TargetArn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${queue}` };
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, DeadLetterConfig }));
  const { Version } = await lambda.send(new PublishVersionCommand({ FunctionName }));
  await lambda.send(new UpdateAliasCommand({ FunctionName, Name: LIVE_ALIAS, FunctionVersion: Version }));
}

async function putSecret(
  { outputs }: Deployment,
  client: ConstructorParameters<typeof SecretsManagerClient>[0] & object,
  { clientId, clientSecret }: Kore,
): Promise<void> {
  const [, SecretId] = /--secret-id (\S+)/.exec(outputs.PutSecretCommand) ?? [];
  const SecretString = JSON.stringify({
    [SECRET_MEMBERS.clientId]: clientId,
    [SECRET_MEMBERS.clientSecret]: clientSecret,
  });
  const secrets = new SecretsManagerClient(client);
  await secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
  secrets.destroy();
}
