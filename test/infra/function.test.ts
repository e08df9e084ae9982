import { describe, expect, it } from "vitest";
import { ENVIRONMENT } from "../../functions/exporter/contract.ts";
import { type Json, REQUIRED, readable, synthesise } from "./synthesise.ts";

const properties = (settings?: Record<string, unknown>): Json =>
  synthesise(settings).one("AWS::Lambda::Function").Properties;

const environment = (settings?: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(properties(settings).Environment.Variables).map(([name, value]) => [name, readable(value)]),
  );

describe("the exporter function", () => {
  it.each([true, false])("runs on Node 24 and arm64 with one CPU and 4 GiB of disk (durable: %s)", (durable) => {
    expect(properties({ durable })).toMatchObject({
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      MemorySize: 1769,
      EphemeralStorage: { Size: 4096 },
      Timeout: 900,
      Handler: "index.handler",
    });
    expect(properties({ durable })).not.toHaveProperty("ReservedConcurrentExecutions");
  });

  it("is durable: an execution takes 36 hours at most, is known for 30 days, and is encrypted with the stack's key", () => {
    const { KMSKeyArn, ...limits } = properties().DurableConfig;
    expect(limits).toEqual({ ExecutionTimeout: 36 * 3600, RetentionPeriodInDays: 30 });
    expect(readable(KMSKeyArn)).toBe("{Key.Arn}");
  });

  it("outlives no page that it left in scratch", () => {
    const { Rules } = synthesise().one("AWS::S3::Bucket", "Scratch").Properties.LifecycleConfiguration;
    for (const { ExpirationInDays } of Rules) {
      expect(ExpirationInDays * 24 * 3600).toBeGreaterThan(properties().DurableConfig.ExecutionTimeout);
    }
  });

  it("is plain where the settings say so, and another function then, since none can be changed into the other", () => {
    expect(properties({ durable: false })).not.toHaveProperty("DurableConfig");
    const idOf = (durable: boolean) =>
      Object.entries(synthesise({ durable }).resources).find(([, { Type }]) => Type === "AWS::Lambda::Function")?.[0];
    expect(idOf(false)).not.toBe(idOf(true));
  });

  it("gets the settings under the names of the contract, and no secret value", () => {
    const settings = { startDate: "2026-01-01", timeZone: "Europe/Berlin", scheduleTime: "04:00", requestsPerHour: 0 };
    expect(environment(settings)).toEqual({
      KORE_HOST: "https://kore.example.com",
      KORE_BOT_IDS: "st-1,st-2",
      KORE_SECRET_ID: "{Secret}",
      KORE_ARCHIVE: "s3://{ArchiveBucket}",
      KORE_SCRATCH: "s3://{ScratchBucket}",
      KORE_SIGNING_KEY: "{SigningKey.Arn}",
      KORE_TIME_ZONE: "Europe/Berlin",
      KORE_REQUESTS_PER_MINUTE: "60",
      KORE_REQUESTS_PER_HOUR: "0",
      KORE_PAGE_SIZE: "100",
      KORE_LOOK_BACK_DAYS: "16",
      KORE_START_DATE: "2026-01-01",
      KORE_DEPLOYMENT: "KoreSessions",
      NODE_OPTIONS: "--enable-source-maps",
    });
  });

  it("exports the account instead of bots where the settings say so", () => {
    const variables = environment({ bots: undefined, account: true });
    expect(variables[ENVIRONMENT.account]).toBe("true");
    expect(variables).not.toHaveProperty(ENVIRONMENT.botIds);
    expect(environment()).not.toHaveProperty(ENVIRONMENT.account);
  });

  it("is told the rules for personal data, if there are any", () => {
    expect(environment({ personalData: "user_id=hash" })[ENVIRONMENT.personalData]).toBe("user_id=hash");
    expect(environment()).not.toHaveProperty(ENVIRONMENT.personalData);
  });

  it("is told whose digests it may believe besides its own, if anybody's", () => {
    const trustedKeys = ["a".repeat(64), "b".repeat(64)];
    expect(environment({ trustedKeys })[ENVIRONMENT.trustedKeys]).toBe(trustedKeys.join(","));
    expect(environment()).not.toHaveProperty(ENVIRONMENT.trustedKeys);
  });

  it("reads the existing secret where the settings name one", () => {
    const secretArn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:kore-AbCdEf";
    expect(environment({ secretArn })[ENVIRONMENT.secretId]).toBe(secretArn);
  });

  it("fits the environment's 4 KB with as many bots as the settings allow", () => {
    const bots = Array.from({ length: 75 }, (_, index) => `st-${String(index).padStart(36, "0")}`);
    const size = Object.entries(environment({ bots })).reduce(
      (sum, [name, value]) => sum + name.length + value.length,
      0,
    );
    expect(size).toBeGreaterThan(3000);
    expect(size).toBeLessThan(3700);
  });

  it("logs as JSON to its own encrypted group, for a year", () => {
    const group = synthesise().one("AWS::Logs::LogGroup");
    expect(group.Properties.RetentionInDays).toBe(365);
    expect(readable(group.Properties.KmsKeyId)).toBe("{Key.Arn}");
    expect(properties().LoggingConfig).toEqual({
      LogFormat: "JSON",
      LogGroup: { Ref: expect.stringMatching(/^ExporterLogs/) },
    });
  });

  it.each([true, false])("keeps every version, and is invoked by the alias live (durable: %s)", (durable) => {
    const made = synthesise({ durable });
    expect(made.one("AWS::Lambda::Version").DeletionPolicy).toBe("Retain");
    const alias = made.one("AWS::Lambda::Alias").Properties;
    expect([alias.Name, alias.FunctionVersion["Fn::GetAtt"][1]]).toEqual(["live", "Version"]);
  });

  it.each([
    [true, 0, "ExporterFunctionAliaslive"],
    [false, 2, "ExporterPlainFunctionAliaslive"],
  ])(
    "retries a failed run by its alias only where it did not do so itself (durable: %s)",
    (durable, attempts, alias) => {
      const retries = synthesise({ durable }).one("AWS::Lambda::EventInvokeConfig").Properties;
      expect(retries).toMatchObject({ MaximumRetryAttempts: attempts, MaximumEventAgeInSeconds: 6 * 3600 });
      expect(JSON.stringify(retries.Qualifier)).toContain(alias);
    },
  );

  it("leaves the events of runs that failed for good in its own queue", () => {
    expect(readable(properties().DeadLetterConfig.TargetArn)).toBe("{ExporterDeadLettersQueue.Arn}");
  });
});

describe("a private Kore environment", () => {
  const vpc = { vpcId: "vpc-0123abcd", subnetIds: ["subnet-0123abcd", "subnet-4567cdef"] };

  it("is reached from the subnets, out through Kore's port and HTTPS, and in through none", () => {
    const made = synthesise({ vpc, host: "https://kore.internal:8443" });
    expect(made.one("AWS::Lambda::Function").Properties.VpcConfig.SubnetIds).toEqual(vpc.subnetIds);
    const group = made.one("AWS::EC2::SecurityGroup").Properties;
    expect(group.VpcId).toBe(vpc.vpcId);
    expect(group.SecurityGroupEgress.map(({ FromPort, ToPort }: Json) => [FromPort, ToPort])).toEqual([
      [443, 443],
      [8443, 8443],
    ]);
    expect(group.SecurityGroupIngress).toBeUndefined();
  });

  it("lets the function out to AWS, where checkpoints go, whatever Kore's port", () => {
    const { SecurityGroupEgress } = synthesise({ vpc, host: "https://kore.internal:8443" }).one(
      "AWS::EC2::SecurityGroup",
    ).Properties;
    expect(SecurityGroupEgress).toContainEqual(
      expect.objectContaining({ CidrIp: "0.0.0.0/0", IpProtocol: "tcp", FromPort: 443, ToPort: 443 }),
    );
  });

  it("is reached with the security groups that the settings name, and none is made", () => {
    const made = synthesise({ vpc: { ...vpc, securityGroupIds: ["sg-0123abcd"] } });
    expect(made.all("AWS::EC2::SecurityGroup")).toEqual([]);
    expect(made.one("AWS::Lambda::Function").Properties.VpcConfig.SecurityGroupIds).toEqual(["sg-0123abcd"]);
  });

  it("is not assumed", () => {
    expect(properties()).not.toHaveProperty("VpcConfig");
    expect(REQUIRED).not.toHaveProperty("vpc");
  });
});
