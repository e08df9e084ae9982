import {
  CfnOutput,
  type aws_iam as iam,
  type aws_kms as kms,
  type aws_lambda as lambda,
  type aws_logs as logs,
  type Stack,
  type aws_s3 as s3,
  type aws_secretsmanager as secretsmanager,
  type aws_sqs as sqs,
} from "aws-cdk-lib";
import { SCHEDULED_TIME, SECRET_MEMBERS, TABLES } from "../functions/exporter/contract.ts";

export interface DeployedParts {
  /** True if the function is a durable one: only such a one runs backfills. */
  readonly durable: boolean;
  readonly archive: s3.IBucket;
  readonly secret: secretsmanager.ISecret;
  readonly signingKey: kms.IKey;
  readonly databaseName: string;
  readonly workgroupName: string;
  readonly live: lambda.IAlias;
  readonly logGroup: logs.ILogGroup;
  readonly functionDeadLetters: sqs.IQueue;
  readonly scheduleDeadLetters: sqs.IQueue;
  readonly analysts: iam.IManagedPolicy;
}

/** What a person needs after a deployment: names to use, and the commands of the next steps, ready to paste. */
export function addOutputs(stack: Stack, parts: DeployedParts): void {
  const { archive, secret, databaseName, workgroupName, live, analysts } = parts;
  const output = (id: string, description: string, value: string) => new CfnOutput(stack, id, { description, value });

  output("ArchiveBucket", "Bucket of the archive", archive.bucketName);
  output("SessionsTable", "Table of the sessions in Athena", `${databaseName}.${TABLES.sessions}`);
  output("ExportsTable", "Table of the exported days in Athena", `${databaseName}.${TABLES.exports}`);
  output("Workgroup", "Athena workgroup to query in", workgroupName);
  output(
    "FunctionAlias",
    "ARN to invoke the exporter by; a durable function refuses one without alias",
    live.functionArn,
  );
  output("LogGroup", "Logs of the exporter", parts.logGroup.logGroupName);
  output("FunctionDeadLetters", "Queue of runs that failed for good", parts.functionDeadLetters.queueUrl);
  output("ScheduleDeadLetters", "Queue of runs that could not be started", parts.scheduleDeadLetters.queueUrl);
  output("AnalystPolicy", "Policy to attach to the roles of those who query", analysts.managedPolicyArn);
  output(
    "PutSecretCommand",
    `First put {"${SECRET_MEMBERS.clientId}": "…", "${SECRET_MEMBERS.clientSecret}": "…"} into kore-secret.json`,
    `aws secretsmanager put-secret-value --secret-id ${secret.secretArn} --secret-string file://kore-secret.json`,
  );
  output("RunCommand", "Starts the run that the schedule starts at night", runCommand(live.functionArn));
  output(
    "PublicKeyCommand",
    "Downloads the key that kore-sessions verify --public-key trusts; keep it outside the archive",
    `aws kms get-public-key --key-id ${parts.signingKey.keyArn} --query PublicKey --output text | base64 --decode > kore-public.der`,
  );
  if (parts.durable) {
    output(
      "BackfillCommand",
      "Archives a range of past days, month by month, and follows it; starting it twice starts nothing twice",
      `npm run -s kore-sessions -- backfill --function ${live.functionArn} --from 2026-01-01 --to 2026-01-31`,
    );
  }
}

function runCommand(functionArn: string): string {
  const payload = `{\\"${SCHEDULED_TIME}\\":\\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\\"}`;
  return [
    `aws lambda invoke --function-name ${functionArn} --invocation-type Event`,
    `--cli-binary-format raw-in-base64-out --payload "${payload}" /dev/stdout`,
  ].join(" ");
}
