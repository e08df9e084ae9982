import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { S3Client } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { S3Store } from "../../functions/exporter/archive/s3-store.ts";
import { asList, type Json, readable, type Synthesised, synthesise } from "./synthesise.ts";

/** Every statement of the policies attached to a role, as `effect action on resource`, in ascending order. */
function statementsOf(made: Synthesised, rolePrefix: string): string[] {
  return made
    .all("AWS::IAM::Policy")
    .filter(({ Properties }) => Properties.Roles.some((role: Json) => readable(role).startsWith(`{${rolePrefix}`)))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
    .flatMap(({ Effect, Action, Resource }: Json) =>
      asList(Action).flatMap((action) =>
        asList(Resource).map((resource) => `${Effect} ${action} on ${readable(resource)}`),
      ),
    )
    .sort();
}

const listStatement = (): Json =>
  synthesise()
    .one("AWS::IAM::Policy", "ExporterPermissionsRole")
    .Properties.PolicyDocument.Statement.find(({ Sid }: Json) => Sid === "ListArchive");

const keyStatements = (settings?: Record<string, unknown>): Json[] =>
  synthesise(settings).one("AWS::KMS::Key", "Key").Properties.KeyPolicy.Statement;

/** The prefixes that a store lists while it works, as an S3 that holds nothing is asked for them. */
async function prefixesListedBy(work: (store: S3Store) => Promise<void>): Promise<string[]> {
  const prefixes: string[] = [];
  const server = createServer(({ url }, response) => {
    prefixes.push(new URL(url ?? "", "http://s3").searchParams.get("prefix") ?? "");
    response.end(
      "<ListBucketResult><Name>archive</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>",
    );
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    forcePathStyle: true,
    region: "us-east-1",
    credentials: { accessKeyId: "none", secretAccessKey: "none" },
  });
  try {
    await work(new S3Store("archive", "", { client }));
  } finally {
    client.destroy();
    server.close();
  }
  return prefixes;
}

const FOLDERS = ["digests", "exports", "index", "rejected", "sessions"];
const READ_ONLY = ["erasures", "holds"];
const LISTED = [...FOLDERS, ...READ_ONLY];

const CHECKPOINTS = [
  "Allow lambda:CheckpointDurableExecution on {ExporterFunction.Arn}:*",
  "Allow lambda:GetDurableExecutionState on {ExporterFunction.Arn}:*",
];

const ALLOWED = [
  ...CHECKPOINTS,
  "Allow kms:Decrypt on {Key.Arn}",
  "Allow kms:GenerateDataKey on {Key.Arn}",
  "Allow kms:GetPublicKey on {SigningKey.Arn}",
  "Allow kms:Sign on {SigningKey.Arn}",
  "Allow logs:CreateLogStream on {ExporterLogs.Arn}",
  "Allow logs:PutLogEvents on {ExporterLogs.Arn}",
  ...["AbortMultipartUpload", "GetObject", "PutObject"].flatMap((action) =>
    FOLDERS.map((folder) => `Allow s3:${action} on {ArchiveBucket.Arn}/${folder}/*`),
  ),
  ...["AbortMultipartUpload", "GetObject", "PutObject"].map((action) => `Allow s3:${action} on {ScratchBucket.Arn}/*`),
  ...READ_ONLY.map((folder) => `Allow s3:GetObject on {ArchiveBucket.Arn}/${folder}/*`),
  "Allow s3:ListBucket on {ArchiveBucket.Arn}",
  "Allow s3:ListBucket on {ScratchBucket.Arn}",
  "Allow secretsmanager:GetSecretValue on {Secret}",
  "Allow sqs:SendMessage on {ExporterDeadLettersQueue.Arn}",
];

describe("the exporter's role", () => {
  it("allows exactly what an export needs, and no deletion anywhere", () => {
    const statements = statementsOf(synthesise(), "ExporterPermissionsRole");
    expect(statements).toEqual([...ALLOWED].sort());
    expect(statements.filter((line) => /delete/i.test(line))).toEqual([]);
  });

  it("allows the same to a plain function, but for its checkpoints", () => {
    expect(statementsOf(synthesise({ durable: false }), "ExporterPermissionsRole")).toEqual(
      ALLOWED.filter((line) => !CHECKPOINTS.includes(line))
        .map((line) => line.replace("ExporterFunction", "ExporterPlainFunction"))
        .sort(),
    );
  });

  it("is complete before the function exists, but for the checkpoints, which it has before the alias does", () => {
    const dependenciesOf = (type: string) =>
      (synthesise().one(type).DependsOn ?? []).filter((id) => synthesise().resources[id]?.Type === "AWS::IAM::Policy");
    expect(dependenciesOf("AWS::Lambda::Function")).toEqual([
      expect.stringMatching(/^ExporterPermissionsRoleDefaultPolicy/),
    ]);
    expect(dependenciesOf("AWS::Lambda::Alias")).toEqual([expect.stringMatching(/^ExporterCheckpointsPolicy/)]);
  });

  it("has no managed or inline policy besides, and is Lambda's alone", () => {
    const { Properties } = synthesise().one("AWS::IAM::Role", "ExporterPermissionsRole");
    expect(Properties.ManagedPolicyArns).toBeUndefined();
    expect(Properties.Policies).toBeUndefined();
    expect(Properties.AssumeRolePolicyDocument.Statement).toEqual([
      { Action: "sts:AssumeRole", Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" } },
    ]);
  });

  it("lists the archive below its own folders only", () => {
    const list = listStatement();
    expect(list.Condition).toEqual({
      StringLike: { "s3:prefix": expect.arrayContaining(LISTED.map((folder) => `${folder}/*`)) },
    });
    expect(list.Condition.StringLike["s3:prefix"]).toHaveLength(LISTED.length);
  });

  it("allows the listing with which the store checks the archive", async () => {
    const prefixes = await prefixesListedBy((store) => store.checkWritable());
    const patterns: string[] = listStatement().Condition.StringLike["s3:prefix"];
    expect(prefixes).toHaveLength(1);
    for (const prefix of prefixes) {
      expect(
        patterns.some((pattern) => prefix.startsWith(pattern.slice(0, -1))),
        `prefix "${prefix}"`,
      ).toBe(true);
    }
  });

  it("is about nothing of the dataset messages, which is off", () => {
    expect(statementsOf(synthesise(), "ExporterPermissionsRole").filter((line) => line.includes("message"))).toEqual(
      [],
    );
  });

  it("reads an existing secret, and its key, and nothing else instead", () => {
    const secretArn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:kore-AbCdEf";
    const secretKeyArn = "arn:aws:kms:eu-west-1:123456789012:key/1";
    const made = synthesise({ secretArn, secretKeyArn });
    expect(made.all("AWS::SecretsManager::Secret")).toEqual([]);
    expect(statementsOf(made, "ExporterPermissionsRole")).toEqual(
      [
        ...ALLOWED.filter((line) => !line.includes("{Secret}")),
        `Allow secretsmanager:GetSecretValue on ${secretArn}`,
        `Allow kms:Decrypt on ${secretKeyArn}`,
      ].sort(),
    );
  });

  it("adds network interfaces in a VPC, for Lambda and not for the function's code", () => {
    const made = synthesise({ vpc: { vpcId: "vpc-0123abcd", subnetIds: ["subnet-0123abcd"] } });
    const added = statementsOf(made, "ExporterPermissionsRole").filter((line) => !ALLOWED.includes(line));
    const actions = [
      "ec2:AssignPrivateIpAddresses",
      "ec2:CreateNetworkInterface",
      "ec2:DeleteNetworkInterface",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets",
      "ec2:UnassignPrivateIpAddresses",
    ];
    expect(added).toEqual(["Allow", "Deny"].flatMap((effect) => actions.map((action) => `${effect} ${action} on *`)));
    const policy = made.one("AWS::IAM::Policy", "ExporterPermissionsRole");
    const deny = policy.Properties.PolicyDocument.Statement.find(({ Effect }: Json) => Effect === "Deny");
    expect(readable(deny.Condition.ArnLike["lambda:SourceFunctionArn"])).toMatch(
      /:lambda:\{Region\}:\{AccountId\}:function:\*$/,
    );
  });
});

describe("the other permissions of the stack", () => {
  it("let the schedule invoke the alias and send to its own queue, and no more", () => {
    expect(statementsOf(synthesise(), "SchedulerRole")).toEqual([
      "Allow lambda:InvokeFunction on {ExporterFunctionAliaslive}",
      "Allow sqs:SendMessage on {NightlyDeadLettersQueue.Arn}",
    ]);
  });

  it.each([true, false])(
    "belong to these two roles only, and nobody may invoke from outside (durable: %s)",
    (durable) => {
      const made = synthesise({ durable });
      expect(made.all("AWS::IAM::Role")).toHaveLength(2);
      expect(made.all("AWS::IAM::Policy")).toHaveLength(durable ? 3 : 2);
      expect(made.all("AWS::Lambda::Permission")).toEqual([]);
      expect(made.all("AWS::Lambda::Url")).toEqual([]);
    },
  );

  it("let analysts read the two tables, and change nothing but their own queries", () => {
    const { Properties } = synthesise().one("AWS::IAM::ManagedPolicy");
    const actions = Properties.PolicyDocument.Statement.flatMap(({ Action }: Json) => asList(Action));
    const harmless =
      /^(athena|glue|s3):(Get|List|BatchGet)|^athena:(Start|Stop)QueryExecution$|^kms:(Decrypt|GenerateDataKey)$/;
    expect(actions.filter((action: string) => !harmless.test(action))).toEqual([]);
    const objects = Properties.PolicyDocument.Statement.find(({ Action }: Json) => Action === "s3:GetObject");
    expect(objects.Resource.map(readable).sort()).toEqual([
      "{ArchiveBucket.Arn}/exports/*",
      "{ArchiveBucket.Arn}/sessions/*",
    ]);
    expect(Properties.Roles ?? Properties.Users ?? Properties.Groups).toBeUndefined();
  });

  it("limit analysts to this database and this workgroup", () => {
    const { Properties } = synthesise().one("AWS::IAM::ManagedPolicy");
    const resourcesOf = (action: string) =>
      Properties.PolicyDocument.Statement.filter(({ Action }: Json) => asList(Action).includes(action))
        .flatMap(({ Resource }: Json) => asList(Resource))
        .map((resource: Json) => readable(resource).replace(/^.*\{AccountId\}:/, ""));
    expect(resourcesOf("athena:StartQueryExecution")).toEqual(["workgroup/KoreSessions"]);
    expect(resourcesOf("glue:GetTable").sort()).toEqual([
      "catalog",
      "database/kore_sessions",
      "table/kore_sessions/exports",
      "table/kore_sessions/sessions",
    ]);
  });

  it.each([
    [true, ["lambda.amazonaws.com"]],
    [false, []],
  ])("let the services that use the key by themselves use it for this account only (durable: %s)", (durable, more) => {
    const ofServices = keyStatements({ durable }).filter(({ Principal }) => Principal.Service);
    const services = ofServices.map(({ Principal }: Json) => readable(Principal.Service));
    expect(services.sort()).toEqual([
      "cloudwatch.amazonaws.com",
      "encryption.athena.amazonaws.com",
      ...more,
      "logs.{Region}.amazonaws.com",
    ]);
    for (const { Condition } of ofServices) expect(JSON.stringify(Condition)).toContain("AWS::AccountId");
  });

  it("let Lambda use the key for the checkpoints of this account's functions, and for nothing else of Lambda's", () => {
    const { Action, Condition } = keyStatements().find(({ Sid }) => Sid === "LambdaCheckpoints");
    expect(Action).toEqual(["kms:Decrypt", "kms:GenerateDataKey"]);
    expect(Condition.StringEquals).toEqual({ "aws:SourceAccount": { Ref: "AWS::AccountId" } });
    const functions = expect.stringMatching(/:lambda:\{Region\}:\{AccountId\}:function:\*$/);
    expect(Object.entries(Condition.ArnLike).map(([name, arn]) => [name, readable(arn)])).toEqual([
      ["kms:EncryptionContext:aws:lambda:FunctionArn", functions],
      ["aws:SourceArn", functions],
    ]);
  });
});
