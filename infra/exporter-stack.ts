import { RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { databaseOf } from "../functions/exporter/contract.ts";
import { AccessLogBucket } from "./constructs/access-log-bucket.ts";
import { Alarms } from "./constructs/alarms.ts";
import { AnalystPolicy } from "./constructs/analyst-policy.ts";
import { ArchiveBucket } from "./constructs/archive-bucket.ts";
import { ArchiveKey } from "./constructs/archive-key.ts";
import { ArchiveTables } from "./constructs/archive-tables.ts";
import { Dashboard } from "./constructs/dashboard.ts";
import { ExporterFunction } from "./constructs/exporter-function.ts";
import { FunctionNetwork } from "./constructs/function-network.ts";
import { KoreSecret } from "./constructs/kore-secret.ts";
import { NightlySchedule } from "./constructs/nightly-schedule.ts";
import { QueryWorkgroup } from "./constructs/query-workgroup.ts";
import { ScratchBucket } from "./constructs/scratch-bucket.ts";
import { SigningKey } from "./constructs/signing-key.ts";
import { functionEnvironment } from "./function-environment.ts";
import { addOutputs } from "./outputs.ts";
import type { ExporterSettings } from "./settings.ts";
import { warnAbout } from "./warnings.ts";

export interface ExporterStackProps extends StackProps {
  readonly settings: ExporterSettings;
  /** Source file of the function's handler. */
  readonly handlerEntry: string;
}

/** One exporter of one Kore environment: archive, function, schedule, tables, queries and alarms. */
export class ExporterStack extends Stack {
  constructor(scope: Construct, id: string, props: ExporterStackProps) {
    super(scope, id, { description: "Archives Kore.ai sessions every night as Parquet on S3", ...props });
    const { settings } = props;
    const removalPolicy = settings.removal === "destroy" ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN;
    const databaseName = databaseOf(this.stackName);
    const workgroupName = this.stackName;

    const { key } = new ArchiveKey(this, "Key", { ...settings, removalPolicy, workgroupName });
    const signingKey = new SigningKey(this, "Signing", { removalPolicy }).key;
    const accessLogs = new AccessLogBucket(this, "AccessLogs", { removalPolicy }).bucket;
    const archive = new ArchiveBucket(this, "Archive", { ...settings, key, accessLogs, removalPolicy }).bucket;
    const scratch = new ScratchBucket(this, "Scratch", { key, accessLogs, removalPolicy }).bucket;
    const { secret, ownKey } = new KoreSecret(this, "Secret", { ...settings, key, removalPolicy });

    const exporter = new ExporterFunction(this, "Exporter", {
      durable: settings.durable,
      entry: props.handlerEntry,
      environment: functionEnvironment(settings, {
        archiveBucket: archive.bucketName,
        scratchBucket: scratch.bucketName,
        secretArn: secret.secretArn,
        signingKeyArn: signingKey.keyArn,
      }),
      archive,
      scratch,
      secret,
      key,
      signingKey,
      secretKey: ownKey,
      network: settings.vpc && new FunctionNetwork(this, "Network", { ...settings.vpc, host: settings.host }),
      removalPolicy,
    });
    const schedule = new NightlySchedule(this, "Nightly", {
      target: exporter.live,
      time: settings.scheduleTime,
      timeZone: settings.timeZone,
    });

    const tables = new ArchiveTables(this, "Tables", { archive, databaseName, startDate: settings.startDate });
    new QueryWorkgroup(this, "Queries", {
      workgroupName,
      database: tables.database,
      key,
      scanLimitGigabytes: settings.athenaScanLimitGigabytes,
    });
    const analysts = new AnalystPolicy(this, "Analysts", { archive, key, databaseName, workgroupName });

    const alarms = new Alarms(this, "Alarms", {
      deployment: this.stackName,
      durable: settings.durable,
      function: exporter.function,
      functionDeadLetters: exporter.deadLetters.queue,
      scheduleDeadLetters: schedule.deadLetters.queue,
      key,
      email: settings.alarmEmail,
    });
    new Dashboard(this, "Dashboard", {
      deployment: this.stackName,
      durable: settings.durable,
      alarms: alarms.all,
      function: exporter.function,
      deadLetters: [exporter.deadLetters.queue, schedule.deadLetters.queue],
    });

    addOutputs(this, {
      durable: settings.durable,
      archive,
      secret,
      signingKey,
      databaseName,
      workgroupName,
      live: exporter.live,
      logGroup: exporter.logGroup,
      functionDeadLetters: exporter.deadLetters.queue,
      scheduleDeadLetters: schedule.deadLetters.queue,
      analysts: analysts.policy,
    });
    warnAbout(this, settings);
  }
}
