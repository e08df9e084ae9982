import {
  ArnFormat,
  type CfnResource,
  aws_iam as iam,
  type aws_kms as kms,
  type aws_logs as logs,
  Stack,
  type aws_s3 as s3,
  type aws_secretsmanager as secretsmanager,
} from "aws-cdk-lib";
import { Construct, type IConstruct } from "constructs";
import { PREFIXES } from "../../functions/exporter/contract.ts";
import { acknowledge } from "../acknowledge.ts";

export interface ExporterRoleProps {
  readonly archive: s3.IBucket;
  readonly scratch: s3.IBucket;
  readonly secret: secretsmanager.ISecret;
  /** Key of the buckets. */
  readonly key: kms.IKey;
  /** Key that signs digests. */
  readonly signingKey: kms.IKey;
  /** Key of an existing secret, if it has one of its own. */
  readonly secretKey: kms.IKey | undefined;
  readonly logGroup: logs.ILogGroup;
  /** True if the function runs in a VPC, where Lambda makes network interfaces in its name. */
  readonly inVpc: boolean;
}

const { sessions, exports, rejected, digests, index, erasures, holds } = PREFIXES;
/** What a run reads and writes; its dataset is sessions alone. */
const WRITTEN = [sessions, exports, rejected, digests, index].map(below);
/** That somebody was erased, or is held, is written by a person, with rights of their own. */
const READ = [erasures, holds].map(below);

function below(prefix: string): string {
  return `${prefix}/*`;
}

/**
 * What the exporter may do, written by hand. CDK's grants are wider: `grantPut` also allows to change locks. It can
 * delete nothing, neither in the archive nor in scratch, which empties itself. The right to send to its dead-letter
 * queue comes with the queue, and that to checkpoint with `Checkpoints`.
 */
export class ExporterRole extends Construct {
  readonly role: iam.Role;

  constructor(scope: Construct, id: string, props: ExporterRoleProps) {
    super(scope, id);
    this.role = new iam.Role(this, "Role", {
      description: `Exporter of Kore sessions, stack ${Stack.of(this).stackName}`,
      assumedBy: new iam.ServicePrincipal("lambda.amazonaws.com"),
    });
    const statements = [
      allow("ReadSecret", ["secretsmanager:GetSecretValue"], [props.secret.secretArn]),
      ...(props.secretKey ? [allow("DecryptSecret", ["kms:Decrypt"], [props.secretKey.keyArn])] : []),
      allow("UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], [props.key.keyArn]),
      allow("SignDigests", ["kms:Sign", "kms:GetPublicKey"], [props.signingKey.keyArn]),
      ...archiveStatements(props.archive),
      ...scratchStatements(props.scratch),
      allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [props.logGroup.logGroupArn]),
      ...(props.inVpc ? networkStatements(this) : []),
    ];
    for (const statement of statements) this.role.addToPolicy(statement);
    acknowledgeWildcards(this, props);
  }
}

function allow(sid: string, actions: string[], resources: string[]): iam.PolicyStatement {
  return new iam.PolicyStatement({ sid, actions, resources });
}

/**
 * Listing is what makes a missing object "not found" instead of "forbidden"
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, "Permissions"); S3 then takes the object's key
 * for the prefix. A listing without a prefix is refused.
 */
function archiveStatements(archive: s3.IBucket): iam.PolicyStatement[] {
  const objects = (patterns: string[]) => patterns.map((pattern) => archive.arnForObjects(pattern));
  const list = allow("ListArchive", ["s3:ListBucket"], [archive.bucketArn]);
  list.addCondition("StringLike", { "s3:prefix": [...WRITTEN, ...READ] });
  return [
    allow("ReadAndWriteArchive", ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], objects(WRITTEN)),
    allow("ReadRecordsOfPersons", ["s3:GetObject"], objects(READ)),
    list,
  ];
}

function scratchStatements(scratch: s3.IBucket): iam.PolicyStatement[] {
  const actions = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"];
  return [
    allow("UseScratch", actions, [scratch.arnForObjects("*")]),
    allow("ListScratch", ["s3:ListBucket"], [scratch.bucketArn]),
  ];
}

/**
 * What Lambda needs to reach a VPC, while the function's own code may not do it
 * (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html, "Execution role permissions").
 */
function networkStatements(scope: Construct): iam.PolicyStatement[] {
  const actions = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
  ];
  const functions = Stack.of(scope).formatArn({
    service: "lambda",
    resource: "function",
    resourceName: "*",
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  const denyCode = new iam.PolicyStatement({
    sid: "NoNetworkInterfacesFromCode",
    effect: iam.Effect.DENY,
    actions,
    resources: ["*"],
    conditions: { ArnLike: { "lambda:SourceFunctionArn": functions } },
  });
  return [allow("ManageNetworkInterfaces", actions, ["*"]), denyCode];
}

function acknowledgeWildcards(role: ExporterRole, { archive, scratch, inVpc }: ExporterRoleProps): void {
  const stack = Stack.of(role);
  const arnOf = (resource: IConstruct) =>
    `<${stack.resolve(stack.getLogicalId(resource.node.defaultChild as CfnResource))}.Arn>`;
  const reasons: Record<string, string> = {
    [`${arnOf(scratch)}/*`]: "The whole scratch bucket is the exporter's own.",
  };
  for (const pattern of [...WRITTEN, ...READ]) {
    reasons[`${arnOf(archive)}/${pattern}`] =
      "Names of objects follow from days and bots; the statement ends at the archive's own prefixes.";
  }
  if (inVpc) reasons["*"] = "EC2 has no narrower resource for the network interfaces of a function.";
  for (const [resource, reason] of Object.entries(reasons)) {
    acknowledge(role, { [`AwsSolutions-IAM5[Resource::${resource}]`]: reason });
  }
}
