import {
  Duration,
  type aws_kms as kms,
  aws_lambda as lambda,
  aws_logs as logs,
  aws_lambda_nodejs as nodejs,
  RemovalPolicy,
  type aws_s3 as s3,
  type aws_secretsmanager as secretsmanager,
} from "aws-cdk-lib";
import { Construct } from "constructs";
import { LIVE_ALIAS } from "../../functions/exporter/contract.ts";
import { acknowledge } from "../acknowledge.ts";
import { exporterBundling } from "../bundling.ts";
import { DeadLetterQueue } from "./dead-letter-queue.ts";
import { ExporterRole } from "./exporter-role.ts";
import type { FunctionNetwork } from "./function-network.ts";

/** From here on a function has one whole CPU. */
const MEMORY_MB = 1769;
/** Lambda's longest. */
const TIMEOUT = Duration.minutes(15);

export interface ExporterFunctionProps {
  /** The handler's source file. */
  readonly entry: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly archive: s3.IBucket;
  readonly scratch: s3.IBucket;
  readonly secret: secretsmanager.ISecret;
  /** Key of the buckets, and of the logs. */
  readonly key: kms.IKey;
  /** Key of an existing secret, if it has one of its own. */
  readonly secretKey: kms.IKey | undefined;
  readonly network: FunctionNetwork | undefined;
  readonly removalPolicy: RemovalPolicy;
}

/** The function that exports, with its role, its logs and its dead letters. Always invoked through `live`. */
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
    this.function = this.#makeFunction(props);
    this.live = this.function.addAlias(LIVE_ALIAS);
    // On the alias: settings of the function itself hold for $LATEST only. Six hours outlast any run that is in the way.
    this.live.configureAsyncInvoke({ retryAttempts: 2, maxEventAge: Duration.hours(6) });
    acknowledge(this.function, {
      "Serverless-LambdaAsyncFailureDestination":
        "The function's dead-letter queue keeps the event of a failed run, and an alarm watches it.",
      "Serverless-LambdaTracing":
        "One function that calls Kore and S3: its logs and metrics tell what a trace would, without rights for X-Ray.",
    });
  }

  #makeFunction(props: ExporterFunctionProps): lambda.Function {
    const { role } = new ExporterRole(this, "Permissions", {
      ...props,
      logGroup: this.logGroup,
      inVpc: props.network !== undefined,
    });
    return new nodejs.NodejsFunction(this, "Function", {
      description: "Exports Kore sessions to the archive",
      entry: props.entry,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      bundling: exporterBundling(),
      awsSdkConnectionReuse: false,
      environment: { ...props.environment, NODE_OPTIONS: "--enable-source-maps" },
      memorySize: MEMORY_MB,
      timeout: TIMEOUT,
      // Two runs at once would share Kore's quota without knowing of each other.
      reservedConcurrentExecutions: 1,
      role,
      logGroup: this.logGroup,
      loggingFormat: lambda.LoggingFormat.JSON,
      deadLetterQueue: this.deadLetters.queue,
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
      ...props.network?.placement,
    });
  }
}
