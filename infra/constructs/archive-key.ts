import { ArnFormat, aws_iam as iam, aws_kms as kms, type RemovalPolicy, Stack } from "aws-cdk-lib";
import { Construct } from "constructs";

export interface ArchiveKeyProps {
  readonly removalPolicy: RemovalPolicy;
  /** True if the key encrypts the checkpoints of a durable function, too. */
  readonly durable: boolean;
  /** Name of the Athena workgroup whose managed results the key encrypts. */
  readonly workgroupName: string;
}

/**
 * The customer-managed key of archive, scratch, secret, logs, alarms, checkpoints and query results. Rotates every year.
 *
 * Services that use the key by themselves need a statement each in its policy; CDK adds none of them. Whoever acts
 * through IAM (the function, analysts) is allowed by their own policies.
 */
export class ArchiveKey extends Construct {
  readonly key: kms.Key;

  constructor(scope: Construct, id: string, props: ArchiveKeyProps) {
    super(scope, id);
    this.key = new kms.Key(this, "Key", {
      description: `Archive of Kore sessions, stack ${Stack.of(this).stackName}`,
      enableKeyRotation: true,
      removalPolicy: props.removalPolicy,
    });
    this.key.addToResourcePolicy(this.#forLogs());
    this.key.addToResourcePolicy(this.#forAlarms());
    this.key.addToResourcePolicy(this.#forQueryResults(props.workgroupName));
    if (props.durable) this.key.addToResourcePolicy(this.#forCheckpoints());
  }

  /** https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html, "Set permissions on the KMS key". */
  #forLogs(): iam.PolicyStatement {
    const stack = Stack.of(this);
    return new iam.PolicyStatement({
      sid: "CloudWatchLogs",
      principals: [new iam.ServicePrincipal(`logs.${stack.region}.amazonaws.com`)],
      actions: ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
      resources: ["*"],
      conditions: {
        ArnLike: {
          "kms:EncryptionContext:aws:logs:arn": stack.formatArn({
            service: "logs",
            resource: "log-group",
            resourceName: "*",
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          }),
        },
      },
    });
  }

  /** https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html, "Enable compatibility between event sources". */
  #forAlarms(): iam.PolicyStatement {
    return new iam.PolicyStatement({
      sid: "CloudWatchAlarms",
      principals: [new iam.ServicePrincipal("cloudwatch.amazonaws.com")],
      actions: ["kms:Decrypt", "kms:GenerateDataKey*"],
      resources: ["*"],
      conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
    });
  }

  /** https://docs.aws.amazon.com/athena/latest/ug/managed-results.html, "Set up an AWS KMS key policy". */
  #forQueryResults(workgroupName: string): iam.PolicyStatement {
    const stack = Stack.of(this);
    const workgroup = stack.formatArn({ service: "athena", resource: "workgroup", resourceName: workgroupName });
    return new iam.PolicyStatement({
      sid: "AthenaManagedResults",
      principals: [new iam.ServicePrincipal("encryption.athena.amazonaws.com")],
      actions: ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"],
      resources: ["*"],
      conditions: {
        ArnLike: { "kms:EncryptionContext:aws:athena:arn": workgroup, "aws:SourceArn": workgroup },
        StringEquals: { "aws:SourceAccount": stack.account },
      },
    });
  }

  /**
   * Lambda itself writes and reads the checkpoints of a durable function
   * (https://docs.aws.amazon.com/lambda/latest/dg/durable-encryption.html, "Key policy"). All functions of the account,
   * since the function's name is not known before the key is.
   */
  #forCheckpoints(): iam.PolicyStatement {
    const stack = Stack.of(this);
    const functions = stack.formatArn({
      service: "lambda",
      resource: "function",
      resourceName: "*",
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    return new iam.PolicyStatement({
      sid: "LambdaCheckpoints",
      principals: [new iam.ServicePrincipal("lambda.amazonaws.com")],
      actions: ["kms:Decrypt", "kms:GenerateDataKey"],
      resources: ["*"],
      conditions: {
        ArnLike: { "kms:EncryptionContext:aws:lambda:FunctionArn": functions, "aws:SourceArn": functions },
        StringEquals: { "aws:SourceAccount": stack.account },
      },
    });
  }
}
