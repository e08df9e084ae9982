import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { EXPECTED_TABLES } from "../../cli/doctor/expected-tables.ts";
import { checkUp, stubAws } from "../support/check-up.ts";
import { type DeployedTable, type DeploymentServer, startDeploymentServer } from "../support/deployment-server.ts";
import { type S3Server, startS3Server } from "../support/s3-server/server.ts";
import { BOT, type Scenario, startScenario } from "../support/scenario.ts";
import { type SecretsServer, startSecretsServer } from "../support/secrets-server.ts";

const ARN = "arn:aws:lambda:us-east-1:123456789012:function:exporter";
const ARCHIVE = "s3://archive-bucket";
const CANARY = "canary-secret-of-the-stand-in";

afterEach(() => vi.unstubAllEnvs());

interface Deployed {
  readonly aws: DeploymentServer;
  readonly s3: S3Server;
  readonly secrets: SecretsServer;
  readonly scenario: Scenario;
  /** What `doctor` needs to find the function. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A stand-in for Kore, and a deployment as the stack makes it, in servers that the AWS SDK finds by its variables. */
async function deploy(): Promise<Deployed> {
  const [aws, s3, secrets] = await Promise.all([startDeploymentServer(), startS3Server(), startSecretsServer()]);
  onTestFinished(async () => {
    await Promise.all([aws.close(), s3.close(), secrets.close()]);
  });
  stubAws({ LAMBDA: aws, SCHEDULER: aws, GLUE: aws, S3: s3, SECRETS_MANAGER: secrets });
  const scenario = await startScenario({ credentials: { default: { clientId: "cs-demo", clientSecret: CANARY } } });
  s3.createBucket("archive-bucket");
  secrets.secrets.set("kore", JSON.stringify({ clientId: "cs-demo", clientSecret: CANARY }));
  aws.functions.push({
    arn: ARN,
    alias: "live",
    state: "Active",
    stateReason: undefined,
    variables: {
      KORE_HOST: scenario.kore.url,
      KORE_BOT_IDS: BOT,
      KORE_SECRET_ID: "kore",
      KORE_ARCHIVE: ARCHIVE,
      KORE_DEPLOYMENT: "KoreSessions",
      NODE_OPTIONS: "--enable-source-maps",
    },
  });
  for (const name of ["KoreSessions-Another1", "KoreSessions-Another2", "KoreSessions-Nightly"]) {
    const targetArn = name.endsWith("Nightly") ? `${ARN}:live` : `${ARN}-2:live`;
    aws.schedules.push({ name, targetArn, state: "ENABLED", expression: "cron(15 2 * * ? *)", timeZone: "UTC" });
  }
  for (const table of tables()) aws.tables.set(`kore_sessions.${table.Name}`, table);
  const unset = ["HOST", "BOT_IDS", "CLIENT_ID", "CLIENT_SECRET", "ARCHIVE"].map((name) => [`KORE_${name}`, undefined]);
  return { aws, s3, secrets, scenario, env: { ...Object.fromEntries(unset), KORE_FUNCTION: `${ARN}:live` } };
}

function tables(): DeployedTable[] {
  return EXPECTED_TABLES.map(({ name, columns, partitionKeys, parameters, template }) => ({
    Name: name,
    PartitionKeys: partitionKeys.map((key) => ({ Name: key, Type: "string" })),
    Parameters: {
      ...parameters,
      "projection.dt.range": "2019-01-01,NOW+1DAYS",
      "storage.location.template": `${ARCHIVE}/${template}`,
    },
    StorageDescriptor: { Columns: columns.map((column) => ({ Name: column.name, Type: column.type })) },
  }));
}

/** Exports yesterday into the bucket, as the deployed function would. */
async function runNightly({ scenario }: Deployed): Promise<void> {
  const env = { KORE_ARCHIVE: ARCHIVE, KORE_CLIENT_SECRET: CANARY };
  expect(await scenario.cli(["export"], env)).toMatchObject({ code: 0 });
}

const check = ({ scenario, env }: Deployed, ...args: string[]) => checkUp(scenario, env, "--deployed", ...args);

describe("doctor on a deployment", () => {
  test("finds nothing where all is well, asks with reads alone, and shows no secret", async () => {
    const deployed = await deploy();
    await runNightly(deployed);
    const writes = () => deployed.s3.requests.filter(({ method }) => method !== "GET" && method !== "HEAD").length;
    const before = writes();
    const found = await check(deployed);
    expect(found).toMatchObject({ code: 0, problems: [], stderr: "" });
    expect(found.of("secret")[0]?.says).toBe(`kore holds them for ${BOT}`);
    expect(found.of("function")[0]?.says).toBe(`exporter, version 7, archives ${BOT} to ${ARCHIVE}`);
    expect(found.of("schedule")[0]?.says).toBe("KoreSessions-Nightly is on: cron(15 2 * * ? *), UTC");
    expect(found.of("tables")[0]?.says).toBe("sessions and exports of kore_sessions are as expected");
    expect(deployed.aws.requests).toEqual([
      "GetFunctionConfiguration",
      "ListSchedules",
      "ListSchedules",
      "GetSchedule",
      "GetTable",
      "GetTable",
    ]);
    expect(writes()).toBe(before);
    expect(found.stdout).not.toContain("canary");
  });

  test("checks the settings of here unless told otherwise", async () => {
    const { scenario, env } = await deploy();
    const found = await checkUp(scenario, env);
    expect(found.code).toBe(2);
    expect(found.status("function")).toBe("ok");
  });

  test("takes the function from --function, by its name too", async () => {
    const { scenario, env } = await deploy();
    const found = await checkUp(scenario, { ...env, KORE_FUNCTION: undefined }, "--deployed", "--function", "exporter");
    expect(found.of("function")[0]?.status).toBe("ok");
    expect(found.of("schedule")[0]?.status).toBe("ok");
  });

  test("takes the tables from --stack where there is no function", async () => {
    const { scenario, aws } = await deploy();
    const found = await checkUp(scenario, { KORE_CLIENT_SECRET: CANARY }, "--stack", "KoreSessions");
    expect(found.of("tables")[0]?.says).toMatch(/as expected$/);
    expect(found.status("function")).toBe("skipped");
    expect(aws.requests).toEqual(["GetTable", "GetTable"]);
  });

  test("names a schedule that is on although no run ended for a day", async () => {
    const deployed = await deploy();
    await runNightly(deployed);
    deployed.scenario.clock.advance(27 * 3_600_000);
    const found = await check(deployed);
    expect(found.problems).toEqual(["last-run"]);
    expect(found.of("last-run")[0]?.remedy).toContain("RunMissing");
    deployed.scenario.clock.advance(-2 * 3_600_000);
    expect((await check(deployed)).problems).toEqual([]);
  });

  test("says that --deployed needs a function", async () => {
    const { scenario, env } = await deploy();
    const found = await checkUp(scenario, { ...env, KORE_FUNCTION: undefined }, "--deployed");
    expect(found.code).toBe(2);
    expect(found.of("settings")[0]?.remedy).toMatch(/^Set KORE_FUNCTION/);
  });
});

describe("doctor names, on a deployment,", () => {
  interface Trouble {
    readonly trouble: string;
    readonly make: (deployed: Deployed) => unknown;
    readonly check: "function" | "schedule" | "tables";
    readonly says: RegExp;
    readonly remedy: RegExp;
  }
  const table = ({ aws }: Deployed, name: string) => aws.tables.get(`kore_sessions.${name}`) as DeployedTable;
  const column = (deployed: Deployed, name: string) =>
    table(deployed, "sessions").StorageDescriptor.Columns.find(({ Name }) => Name === name) ?? { Type: "" };

  const troubles: readonly Trouble[] = [
    {
      trouble: "a function that Lambda does not know",
      make: ({ aws }) => aws.functions.splice(0),
      check: "function",
      says: /^arn:.*:live: ResourceNotFoundException: Function not found/,
      remedy: /output FunctionAlias/,
    },
    {
      trouble: "a function that it may not ask about",
      make: ({ aws }) => aws.refused.set("GetFunctionConfiguration", "AccessDeniedException"),
      check: "function",
      says: /AccessDeniedException/,
      remedy: /lambda:GetFunctionConfiguration/,
    },
    {
      trouble: "a function that cannot be started",
      make: ({ aws: { functions } }) => Object.assign(functions[0] ?? {}, { state: "Failed", stateReason: "its key" }),
      check: "function",
      says: /^exporter cannot be started: State is Failed \(its key\)\.$/,
      remedy: /KORE_FUNCTION/,
    },
    {
      trouble: "a schedule that is disabled",
      make: ({ aws: { schedules } }) => Object.assign(schedules[2] ?? {}, { state: "DISABLED" }),
      check: "schedule",
      says: /^The schedule KoreSessions-Nightly is disabled\.$/,
      remedy: /choose KoreSessions-Nightly and then Enable/,
    },
    {
      trouble: "that nothing starts the function",
      make: ({ aws }) => aws.schedules.splice(2),
      check: "schedule",
      says: /^No schedule starts arn:aws:lambda:.*:exporter:live\.$/,
      remedy: /npx cdk deploy/,
    },
    {
      trouble: "a schedule that it may not ask about",
      make: ({ aws }) => aws.refused.set("ListSchedules", "AccessDeniedException"),
      check: "schedule",
      says: /AccessDeniedException/,
      remedy: /scheduler:ListSchedules/,
    },
    {
      trouble: "a column of another type",
      make: (deployed) => Object.assign(column(deployed, "end_time"), { Type: "string" }),
      check: "tables",
      says: /^kore_sessions: sessions has end_time as string instead of timestamp\.$/,
      remedy: /npx cdk deploy/,
    },
    {
      trouble: "a column that is missing",
      make: (deployed) => table(deployed, "exports").StorageDescriptor.Columns.pop(),
      check: "tables",
      says: /^kore_sessions: exports lacks the column previous_sha256\.$/,
      remedy: /npx cdk deploy/,
    },
    {
      trouble: "a containment type that is not projected",
      make: (deployed) =>
        Object.assign(table(deployed, "sessions").Parameters, { "projection.containment_type.values": "agent" }),
      check: "tables",
      says: /sessions has projection\.containment_type\.values as agent instead of dropOff/,
      remedy: /npx cdk deploy/,
    },
    {
      trouble: "days that end before today",
      make: (deployed) => Object.assign(table(deployed, "exports").Parameters, { "projection.dt.range": "2019,2025" }),
      check: "tables",
      says: /exports has projection\.dt\.range as 2019,2025, which does not end with NOW/,
      remedy: /npx cdk deploy/,
    },
    {
      trouble: "partitions of another kind",
      make: (deployed) => table(deployed, "sessions").PartitionKeys.pop(),
      check: "tables",
      says: /sessions is partitioned by dt string\.$/,
      remedy: /npx cdk deploy/,
    },
    {
      trouble: "files of another archive",
      make: (deployed) =>
        Object.assign(table(deployed, "exports").Parameters, { "storage.location.template": "s3://b/exports/dt=x/" }),
      check: "tables",
      says: /exports has its files at s3:\/\/b\/exports\/dt=x\/\.$/,
      remedy: /npx cdk deploy/,
    },
    {
      trouble: "AWS credentials that have expired",
      make: ({ aws }) => aws.refused.set("GetTable", "ExpiredTokenException"),
      check: "tables",
      says: /^kore_sessions: ExpiredTokenException: refused: GetTable\.$/,
      remedy: /aws sso login/,
    },
    {
      trouble: "a table that is not there",
      make: ({ aws }) => aws.tables.delete("kore_sessions.exports"),
      check: "tables",
      says: /EntityNotFoundException: Table exports not found/,
      remedy: /npx cdk deploy/,
    },
  ];

  test.each(troubles)("$trouble", async ({ make, check: name, says, remedy }) => {
    const deployed = await deploy();
    await runNightly(deployed);
    make(deployed);
    const found = await check(deployed);
    expect(found).toMatchObject({ code: 1, problems: [name] });
    expect(found.of(name)[0]?.says).toMatch(says);
    expect(found.of(name)[0]?.remedy).toMatch(remedy);
  });

  test("a function that is no exporter", async () => {
    const deployed = await deploy();
    Object.assign(deployed.aws.functions[0] ?? {}, { variables: {} });
    const found = await check(deployed);
    expect(found.of("function")[0]?.says).toBe("exporter is no exporter: it has no variable KORE_ARCHIVE.");
    expect(found.code).toBe(2);
  });
});

describe("doctor on a secret in Secrets Manager", () => {
  const troubles: readonly { trouble: string; text?: string; fails?: true; says: RegExp; remedy: RegExp }[] = [
    {
      trouble: "is not there",
      says: /^kore: ResourceNotFoundException: Secrets Manager can't find the specified secret\.$/,
      remedy: /^Check KORE/,
    },
    { trouble: "may not be read", fails: true, says: /AccessDeniedException/, remedy: /secretsmanager:GetSecretValue/ },
    { trouble: "is not JSON", text: CANARY, says: /^The secret is not JSON\.$/, remedy: /^Store {"clientId"/ },
    {
      trouble: "holds nothing for the bot",
      text: JSON.stringify({ "st-other": { clientId: "cs-demo", clientSecret: CANARY } }),
      says: /^The secret holds no clientId and clientSecret for st-support-0001\.$/,
      remedy: /^Store/,
    },
  ];

  test.each(troubles)("names one that $trouble, and shows nothing of it", async ({ text, fails, says, remedy }) => {
    const deployed = await deploy();
    deployed.secrets.secrets.delete("kore");
    if (text !== undefined) deployed.secrets.secrets.set("kore", text);
    if (fails) for (let time = 0; time < 9; time++) deployed.secrets.fail("AccessDeniedException");
    const found = await check(deployed);
    expect(found.of("secret")[0]?.status).toBe("problem");
    expect(found.of("secret")[0]?.says).toMatch(says);
    expect(found.of("secret")[0]?.remedy).toMatch(remedy);
    expect(found.status("host")).toBe("ok");
    expect(found.status("token")).toBe("skipped");
    expect(found.code).toBe(1);
    expect(found.stdout).not.toContain("canary");
  });

  test("names a key of hashes that is missing", async () => {
    const deployed = await deploy();
    Object.assign(deployed.aws.functions[0]?.variables ?? {}, { KORE_PII: "user_id=hash" });
    const found = await check(deployed);
    expect(found.problems).toContain("personal-data");
    expect(found.of("personal-data")[0]?.says).toMatch(/has no hashKey\.$/);
    expect(found.status("token")).toBe("ok");
  });
});
