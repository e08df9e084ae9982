import { EXPECTED_TABLES } from "../../../cli/doctor/expected-tables.ts";
import { type StandIn, sampleSession, startStandIn } from "../../../demo/stand-in/server.ts";
import { type DeploymentServer, startDeploymentServer } from "../deployment-server.ts";
import { type Outcome, type StoredExecution, startLambdaServer } from "../lambda-server.ts";
import { startS3Server } from "../s3-server/server.ts";
import { startSecretsServer } from "../secrets-server.ts";
import { VirtualClock } from "../virtual-clock.ts";

/** What the documents say in place of one's own. */
export const NAMES = {
  host: "https://platform.kore.ai",
  bot: "st-your-bot-id",
  clientId: "cs-your-client-id",
  clientSecret: "your-client-secret",
  user: "zoe@example.com",
  bucket: "my-bucket",
  secret: "kore",
  function: "arn:aws:lambda:us-east-1:123456789012:function:exporter",
  hashKey: "0123456789abcdef0123456789abcdef",
} as const;

interface Range {
  readonly from: string;
  readonly to: string;
}

/** Kore and AWS, as far as documents ask them, over loopback. */
export interface World {
  readonly koreUrl: string;
  /** Variables with which the AWS SDK finds the servers. */
  readonly variables: Readonly<Record<string, string>>;
  /** Two stand-ins for Lambda: one knows the function's configuration, the other runs it. */
  readonly lambdaUrl: { readonly thatIsLookedAt: string; readonly thatWorks: string };
  close(): Promise<void>;
}

/** Starts a world in which it is `now`: a bot with 60 sessions a day since 2025, two odd ones, and a deployment. */
export async function startWorld(now: string): Promise<World> {
  const clock = new VirtualClock(now);
  const { clientId, clientSecret, bot } = NAMES;
  const credential = { clientId, clientSecret };
  const kore = await startStandIn({
    bots: [bot],
    from: "2025-01-01",
    to: now.slice(0, 10),
    sessionsPerDay: 60,
    lazy: true,
    credentials: { default: credential },
    requestsPerMinute: 0,
    requestsPerHour: 0,
    clock,
  });
  addOddSessions(kore);
  const [s3, secrets, deployment, lambda] = await Promise.all([
    startS3Server({ now: () => clock.now() }),
    startSecretsServer({ [NAMES.secret]: JSON.stringify({ ...credential, hashKey: NAMES.hashKey }) }),
    startDeploymentServer(),
    startLambdaServer({ clock, functionName: "exporter", begin: workAtOnce }),
  ]);
  s3.createBucket(NAMES.bucket, { objectLock: true });
  deploy(deployment, kore.url);
  const servers = { S3: s3, SECRETS_MANAGER: secrets, SCHEDULER: deployment, GLUE: deployment };
  return {
    koreUrl: kore.url,
    variables: {
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_REGION: "us-east-1",
      ...Object.fromEntries(Object.entries(servers).map(([name, { url }]) => [`AWS_ENDPOINT_URL_${name}`, url])),
    },
    lambdaUrl: { thatIsLookedAt: deployment.url, thatWorks: lambda.url },
    close: async () => {
      await Promise.all([kore, s3, secrets, deployment, lambda].map((server) => server.close()));
    },
  };
}

/** A session of `user` on one day, and one that is still going on a day later. */
function addOddSessions({ store }: StandIn): void {
  const { bot, user } = NAMES;
  const add = (startTime: string, sessionId: string, odd: object) =>
    store.add(bot, sampleSession({ botId: bot, startTime }, { sessionId, containmentType: "selfService", ...odd }));
  add("2026-01-02T10:00:00.000Z", "695796e0c1d2e3f4a5b6c7d8", { userId: user });
  add("2026-01-03T10:00:00.000Z", "6958e860c1d2e3f4a5b6c7d9", { sessionStatus: "active" });
}

/** A deployed function that has archived every day of a month as soon as it is started. */
function workAtOnce({ payload }: StoredExecution): Outcome {
  const event = JSON.parse(payload) as Range | { readonly estimate: Range };
  if ("estimate" in event) {
    const estimate = [{ source: NAMES.bot, sessions: daysOf(event.estimate).length * 12_000 }];
    return { status: "SUCCEEDED", result: { estimate, quota: { perMinute: 60, perHour: 1_800 }, pageSize: 100 } };
  }
  const days = daysOf(event).map((dt) => ({ source: NAMES.bot, dt, status: "complete" }));
  return { status: "SUCCEEDED", result: { days, left: 0 } };
}

function daysOf({ from, to }: Range): string[] {
  const days: string[] = [];
  for (let ms = Date.parse(from); ms <= Date.parse(to); ms += 86_400_000)
    days.push(new Date(ms).toISOString().slice(0, 10));
  return days;
}

/** What the stack makes, as far as `doctor` looks at it. */
function deploy({ functions, schedules, tables }: DeploymentServer, koreUrl: string): void {
  functions.push({
    arn: NAMES.function,
    alias: "live",
    state: "Active",
    stateReason: undefined,
    variables: {
      KORE_HOST: koreUrl,
      KORE_BOT_IDS: NAMES.bot,
      KORE_SECRET_ID: NAMES.secret,
      KORE_ARCHIVE: `s3://${NAMES.bucket}`,
      KORE_DEPLOYMENT: "KoreSessions",
    },
  });
  const targetArn = `${NAMES.function}:live`;
  const expression = "cron(15 2 * * ? *)";
  schedules.push({ name: "KoreSessions-Nightly", targetArn, state: "ENABLED", expression, timeZone: "UTC" });
  for (const { name, columns, partitionKeys, parameters, template } of EXPECTED_TABLES) {
    tables.set(`kore_sessions.${name}`, {
      Name: name,
      PartitionKeys: partitionKeys.map((key) => ({ Name: key, Type: "string" })),
      Parameters: {
        ...parameters,
        "projection.dt.range": "2019-01-01,NOW+1DAYS",
        "storage.location.template": `s3://${NAMES.bucket}/${template}`,
      },
      StorageDescriptor: { Columns: columns.map((column) => ({ Name: column.name, Type: column.type })) },
    });
  }
}
