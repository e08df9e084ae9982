import { type CfnResource, aws_iam as iam, type aws_kms as kms, Stack, type aws_s3 as s3 } from "aws-cdk-lib";
import { Construct, type IConstruct } from "constructs";
import { PREFIXES, TABLES } from "../../functions/exporter/contract.ts";
import { acknowledge } from "../acknowledge.ts";

/** What the tables read; rejected rows, digests and their index are for operators. */
const READABLE = [`${PREFIXES.sessions}/*`, `${PREFIXES.exports}/*`];

const QUERY_ACTIONS = [
  "athena:BatchGetNamedQuery",
  "athena:BatchGetQueryExecution",
  "athena:GetNamedQuery",
  "athena:GetQueryExecution",
  "athena:GetQueryResults",
  "athena:GetQueryResultsStream",
  "athena:GetQueryRuntimeStatistics",
  "athena:GetWorkGroup",
  "athena:ListNamedQueries",
  "athena:ListQueryExecutions",
  "athena:StartQueryExecution",
  "athena:StopQueryExecution",
];

const CATALOG_ACTIONS = [
  "athena:GetDataCatalog",
  "athena:GetDatabase",
  "athena:GetTableMetadata",
  "athena:ListDatabases",
  "athena:ListTableMetadata",
];

export interface AnalystPolicyProps {
  readonly archive: s3.IBucket;
  readonly key: kms.IKey;
  readonly databaseName: string;
  readonly workgroupName: string;
}

/** What a person or a tool needs to query the archive with Athena, to be attached to roles. It can change nothing. */
export class AnalystPolicy extends Construct {
  readonly policy: iam.ManagedPolicy;

  constructor(scope: Construct, id: string, props: AnalystPolicyProps) {
    super(scope, id);
    const stack = Stack.of(this);
    this.policy = new iam.ManagedPolicy(this, "Policy", {
      description: `Query the archive of Kore sessions of stack ${stack.stackName} with Athena`,
      statements: [
        ...athenaStatements(stack, props.workgroupName),
        ...glueStatements(stack, props.databaseName),
        ...archiveStatements(props.archive),
        allow("UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], [props.key.keyArn]),
      ],
    });
    acknowledgeWildcards(this, props.archive);
  }
}

function allow(sid: string, actions: string[], resources: string[]): iam.PolicyStatement {
  return new iam.PolicyStatement({ sid, actions, resources });
}

function athenaStatements(stack: Stack, workgroupName: string): iam.PolicyStatement[] {
  const arn = (resource: string, resourceName: string) =>
    stack.formatArn({ service: "athena", resource, resourceName });
  return [
    allow("RunQueries", QUERY_ACTIONS, [arn("workgroup", workgroupName)]),
    allow("SeeCatalog", CATALOG_ACTIONS, [arn("datacatalog", "AwsDataCatalog")]),
    allow("ChooseInConsole", ["athena:ListWorkGroups", "athena:ListDataCatalogs", "athena:ListEngineVersions"], ["*"]),
  ];
}

function glueStatements(stack: Stack, databaseName: string): iam.PolicyStatement[] {
  const arn = (resource: string, resourceName?: string) => stack.formatArn({ service: "glue", resource, resourceName });
  const tables = Object.values(TABLES).map((table) => arn("table", `${databaseName}/${table}`));
  const resources = [arn("catalog"), arn("database", databaseName), ...tables];
  return [allow("ReadTables", ["glue:GetDatabase", "glue:GetDatabases", "glue:GetTable", "glue:GetTables"], resources)];
}

function archiveStatements(archive: s3.IBucket): iam.PolicyStatement[] {
  const objects = READABLE.map((pattern) => archive.arnForObjects(pattern));
  const list = allow("ListArchive", ["s3:ListBucket"], [archive.bucketArn]);
  list.addCondition("StringLike", { "s3:prefix": READABLE });
  return [
    allow("ReadArchive", ["s3:GetObject"], objects),
    list,
    allow("LocateArchive", ["s3:GetBucketLocation"], [archive.bucketArn]),
  ];
}

function acknowledgeWildcards(policy: AnalystPolicy, archive: IConstruct): void {
  const stack = Stack.of(policy);
  const bucket = stack.resolve(stack.getLogicalId(archive.node.defaultChild as CfnResource));
  const reasons: Record<string, string> = {
    "*": "Lists of workgroups, catalogs and engine versions have no resource.",
  };
  for (const pattern of READABLE) {
    reasons[`<${bucket}.Arn>/${pattern}`] = "An analyst reads all files of the two tables, and nothing else.";
  }
  for (const [resource, reason] of Object.entries(reasons)) {
    acknowledge(policy, { [`AwsSolutions-IAM5[Resource::${resource}]`]: reason });
  }
}
