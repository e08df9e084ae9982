import {
  Duration,
  type aws_iam as iam,
  type aws_kms as kms,
  aws_lambda as lambda,
  aws_logs as logs,
  aws_lambda_nodejs as nodejs,
  RemovalPolicy,
  Size,
  type aws_s3 as s3,
  type aws_secretsmanager as secretsmanager,
} from "aws-cdk-lib";
import { Construct } from "constructs";
import { LIVE_ALIAS } from "../../functions/exporter/contract.ts";
import { acknowledge } from "../acknowledge.ts";
import { exporterBundling } from "../bundling.ts";
import { Checkpoints, DURABLE_CONFIG } from "./checkpoints.ts";
import { DeadLetterQueue } from "./dead-letter-queue.ts";
import { ExporterRole } from "./exporter-role.ts";
import type { FunctionNetwork } from "./function-network.ts";

/** From here on a function has one whole CPU. */
const MEMORY_MB = 1769;
/** Lambda's longest. */
const TIMEOUT = Duration.minutes(15);
/** A day of 2,000,000 sessions is 416 MB of Parquet before it is published; bots are exported side by side. */
const DISK = Size.gibibytes(4);
/** An event waits so long for Lambda to have a place for it. */
const MAX_EVENT_AGE = Duration.hours(6);
/** Further attempts of a plain function. What fails in a durable one was already tried again step by step. */
const PLAIN_RETRIES = 2;

export interface ExporterFunctionProps {
  /** True for a durable function: it waits without running, and goes on where it was, for as long as a run needs. */
  readonly durable: boolean;
  /** The handler's source file. */
  readonly entry: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly archive: s3.IBucket;
  readonly scratch: s3.IBucket;
  readonly secret: secretsmanager.ISecret;
  /** Key of the buckets, and of the logs. */
  readonly key: kms.IKey;
  /** Key that signs digests. */
  readonly signingKey: kms.IKey;
  /** Key of an existing secret, if it has one of its own. */
  readonly secretKey: kms.IKey | undefined;
  readonly network: FunctionNetwork | undefined;
  readonly removalPolicy: RemovalPolicy;
}

/**
 * The function that exports, with its role, its logs and its dead letters. Always invoked through `live`: a durable
 * function refuses an ARN without a qualifier. Several executions may be under way at once; leases in scratch keep them
 * from working on the same source.
 */
export class ExporterFunction extends Construct {
  readonly function: lambda.Function;
  readonly live: lambda.Alias;
  readonly logGroup: logs.LogGroup;
  readonly deadLetters: DeadLetterQueue;

  constructor(scope: Construct, id: string, props: ExporterFunctionProps) {
    super(scope, id);
    this.deadLetters = new DeadLetterQueue(this, "DeadLetters");
    this.logGroup = new logs.LogGroup(this, "Logs", {
      retention: logs.RetentionDays.ONE_YEAR,
      encryptionKey: props.key,
      removalPolicy: props.removalPolicy,
    });
    const { role } = new ExporterRole(this, "Permissions", {
      ...props,
      logGroup: this.logGroup,
      inVpc: props.network !== undefined,
    });
    this.function = this.#makeFunction(role, props);
    this.live = this.function.addAlias(LIVE_ALIAS);
    // On the alias: settings of the function itself hold for $LATEST only.
    this.live.configureAsyncInvoke({ retryAttempts: props.durable ? 0 : PLAIN_RETRIES, maxEventAge: MAX_EVENT_AGE });
    if (props.durable) {
      // Before the alias: nothing is to start that could not record how far it is.
      this.live.node.addDependency(
        new Checkpoints(this, "Checkpoints", { function: this.function, role, key: props.key }),
      );
    }
    acknowledge(this.function, {
      "Serverless-LambdaAsyncFailureDestination":
        "The function's dead-letter queue keeps the event of a failed run, and an alarm watches it.",
      "Serverless-LambdaTracing":
        "One function that calls Kore and S3: its logs and metrics tell what a trace would, without rights for X-Ray.",
    });
  }

  /**
   * A function is made durable when it is created, or never
   * (https://docs.aws.amazon.com/lambda/latest/dg/durable-configuration.html): two ids, so that the one replaces the other.
   */
  #makeFunction(role: iam.IRole, props: ExporterFunctionProps): lambda.Function {
    return new nodejs.NodejsFunction(this, props.durable ? "Function" : "PlainFunction", {
      description: "Exports Kore sessions to the archive",
      entry: props.entry,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      bundling: exporterBundling(),
      awsSdkConnectionReuse: false,
      environment: { ...props.environment, NODE_OPTIONS: "--enable-source-maps" },
      memorySize: MEMORY_MB,
      timeout: TIMEOUT,
      ephemeralStorageSize: DISK,
      ...(props.durable && { durableConfig: DURABLE_CONFIG }),
      role,
      logGroup: this.logGroup,
      loggingFormat: lambda.LoggingFormat.JSON,
      deadLetterQueue: this.deadLetters.queue,
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
      ...props.network?.placement,
    });
  }
}
