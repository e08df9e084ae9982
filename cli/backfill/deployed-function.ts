import {
  GetDurableExecutionCommand,
  type GetDurableExecutionResponse,
  InvokeCommand,
  LambdaClient,
} from "@aws-sdk/client-lambda";
import { SettingsError } from "../../functions/exporter/errors.ts";
import type { FunctionName } from "./function-name.ts";
import { FunctionUnreachable } from "./function-unreachable.ts";

/** An execution that has ended, as AWS tells of it. `endedAt` is in milliseconds since 1970. */
export type Ended =
  | {
      readonly status: "SUCCEEDED";
      readonly endedAt: number;
      /** JSON. */
      readonly result: string;
    }
  | {
      readonly status: "FAILED" | "TIMED_OUT" | "STOPPED";
      readonly endedAt: number;
      /** A code of `errors.ts`, or whatever else AWS names. */
      readonly code: string;
      readonly message: string;
    };

/** The deployed function, asked through the AWS SDK, whose variables give the credentials, the Region and the endpoint. */
export class DeployedFunction {
  readonly #function: FunctionName;
  readonly #client: LambdaClient;

  constructor(name: FunctionName) {
    this.#function = name;
    this.#client = new LambdaClient(name.region === null ? {} : { region: name.region });
  }

  /**
   * Starts an execution and returns its ARN. With a name, the one that was started under it before with the same event
   * is found instead; null if the name belongs to an execution that is not this one. Throws `FunctionUnreachable`, or
   * `SettingsError` if the function is not durable.
   *
   * Never waits for the answer: AWS refuses that for a function whose executions may take more than 15 minutes.
   * https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-idempotency.html
   */
  async start(name: string | null, event: object, abortSignal: AbortSignal): Promise<string | null> {
    const command = new InvokeCommand({
      FunctionName: this.#function.qualified,
      InvocationType: "Event",
      Payload: JSON.stringify(event),
      ...(name !== null && { DurableExecutionName: name }),
    });
    try {
      const { DurableExecutionArn: arn } = await this.#client.send(command, { abortSignal });
      if (arn === undefined) throw this.#notDurable("AWS named no execution");
      // Whether a name is taken within a function or within an account is not for us to rely on.
      return arn.split(":")[6] === this.#function.name ? arn : null;
    } catch (error) {
      abortSignal.throwIfAborted();
      if (!(error instanceof Error) || error instanceof SettingsError) throw error;
      if (error.name === "DurableExecutionAlreadyStartedException") return null;
      if (error.name === "InvalidParameterValueException") throw this.#notDurable(error.message);
      throw this.#unreachable(error);
    }
  }

  /** How an execution ended; null while it is running. Throws `FunctionUnreachable`. */
  async look(arn: string, abortSignal: AbortSignal): Promise<Ended | null> {
    try {
      const command = new GetDurableExecutionCommand({ DurableExecutionArn: arn });
      return endedOf(await this.#client.send(command, { abortSignal }));
    } catch (error) {
      abortSignal.throwIfAborted();
      throw this.#unreachable(error);
    }
  }

  close(): void {
    this.#client.destroy();
  }

  #unreachable(cause: unknown): FunctionUnreachable {
    const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    const help = "Check the function's name, the Region, and the AWS credentials and their rights.";
    const message = `AWS cannot be asked about the function ${this.#function.qualified} (${reason}). ${help}`;
    return new FunctionUnreachable(message, isPassing(cause), cause);
  }

  #notDurable(reason: string): SettingsError {
    return new SettingsError([
      `The function ${this.#function.qualified} cannot be started as a durable execution (${reason}). ` +
        "If it is deployed with durable false, use --local.",
    ]);
  }
}

function endedOf(found: GetDurableExecutionResponse): Ended | null {
  const { Status: status, Error: error, Result: result = "", EndTimestamp: end } = found;
  const endedAt = end?.getTime() ?? Number.POSITIVE_INFINITY;
  if (status === "SUCCEEDED") return { status, endedAt, result };
  if (status !== "FAILED" && status !== "TIMED_OUT" && status !== "STOPPED") return null;
  return { status, endedAt, code: error?.ErrorType ?? status, message: error?.ErrorMessage ?? "" };
}

/** Without a status there was no answer; not found may be an execution that has just been queued. */
function isPassing(cause: unknown): boolean {
  const { $metadata, name } = cause as { $metadata?: { httpStatusCode?: number }; name?: string };
  const status = $metadata?.httpStatusCode;
  if (status === undefined) return name !== "CredentialsProviderError";
  return status === 404 || status === 429 || status >= 500;
}
