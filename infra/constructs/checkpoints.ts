import {
  type CfnResource,
  Duration,
  aws_iam as iam,
  type aws_kms as kms,
  type aws_lambda as lambda,
  Stack,
} from "aws-cdk-lib";
import { Construct } from "constructs";
import { acknowledge } from "../acknowledge.ts";

/**
 * How long one execution may take, and how long it stays known after its end.
 *
 * No day is begun after 20 hours, and the longest that is planned for, 2,000,000 sessions under Kore's quota, takes 12;
 * only what hangs reaches the limit. An execution's name is taken for as long as its history is kept, which is what
 * makes it harmless to start a backfill twice. With more than 15 minutes Lambda refuses synchronous invocations
 * (https://docs.aws.amazon.com/lambda/latest/dg/durable-invoking.html, "Invocation methods").
 */
export const DURABLE_CONFIG: lambda.DurableConfig = {
  executionTimeout: Duration.hours(36),
  retentionPeriod: Duration.days(30),
};

export interface CheckpointsProps {
  /** A function that was made with `DURABLE_CONFIG`. */
  readonly function: lambda.Function;
  readonly role: iam.Role;
  /** Key that encrypts events, checkpoints and results; its policy must let Lambda use it. */
  readonly key: kms.IKey;
}

/**
 * The leave to record how far an execution is, and to read it back, and the key that encrypts these records.
 *
 * A policy of its own, made after the function: the role's first policy has to exist before the function does, and so
 * cannot name it. Executions are resources below a function's versions, hence `:*`; an alias does not count
 * (https://docs.aws.amazon.com/lambda/latest/dg/durable-security.html, "IAM permissions for durable functions").
 */
export class Checkpoints extends Construct {
  constructor(scope: Construct, id: string, props: CheckpointsProps) {
    super(scope, id);
    const resource = props.function.node.defaultChild as CfnResource;
    // CDK's `DurableConfig` has no member for the key.
    resource.addPropertyOverride("DurableConfig.KMSKeyArn", props.key.keyArn);
    new iam.Policy(this, "Policy", {
      roles: [props.role],
      statements: [
        new iam.PolicyStatement({
          sid: "Checkpoint",
          actions: ["lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState"],
          resources: [`${props.function.functionArn}:*`],
        }),
      ],
    });
    const functionId = Stack.of(this).resolve(Stack.of(this).getLogicalId(resource));
    acknowledge(this, {
      [`AwsSolutions-IAM5[Resource::<${functionId}.Arn>:*]`]:
        "All executions of this one function, whatever its version.",
    });
  }
}
