import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Clock } from "../../functions/exporter/clock.ts";

/** How an execution stands, or ended. */
export type Outcome =
  | { readonly status: "RUNNING" }
  | { readonly status: "SUCCEEDED"; readonly result: unknown }
  | { readonly status: "FAILED" | "TIMED_OUT" | "STOPPED"; readonly errorType: string; readonly errorMessage: string };

/** A durable execution, as the server keeps it. */
export interface StoredExecution {
  readonly name: string;
  readonly arn: string;
  /** The payload, exactly as it came. */
  readonly payload: string;
  readonly startedAt: number;
  outcome: Outcome;
  endedAt: number | null;
}

export interface LambdaServerOptions {
  readonly clock: Clock;
  /** The one function there is, in account 123456789012 and us-east-1, with the alias `live`. */
  readonly functionName: string;
  /** False: a plain function, which is invoked without an execution, and refused an execution's name. */
  readonly durable?: boolean;
  /** Hears of an execution that has just been started, and says how it stands. Without it, executions keep running. */
  readonly begin?: (execution: StoredExecution) => Outcome;
}

/**
 * Speaks the operations of Lambda that the command line uses, Invoke and GetDurableExecution, over loopback.
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html,
 * https://docs.aws.amazon.com/lambda/latest/api/API_GetDurableExecution.html,
 * https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-idempotency.html
 */
export interface LambdaServer {
  readonly url: string;
  readonly arn: string;
  /** In the order in which they were started. */
  readonly executions: readonly StoredExecution[];
  /** Everything that was asked, as `POST invocations` or `GET execution`. */
  readonly requests: readonly string[];
  /** Keeps an execution as if it had been started and ended at a time before. */
  remember(name: string, payload: unknown, outcome: Outcome, endedAt: number): void;
  /** Ends a running execution now. */
  end(name: string, outcome: Outcome): void;
  /** The next request fails so. */
  fail(status: number, code: string): void;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

const ACCOUNT_ARN = "arn:aws:lambda:us-east-1:123456789012";

export async function startLambdaServer(options: LambdaServerOptions): Promise<LambdaServer> {
  const functionArn = `${ACCOUNT_ARN}:function:${options.functionName}`;
  const executions = new Executions(functionArn, options);
  const requests: string[] = [];
  const failures: Answer[] = [];
  const answerTo = async (incoming: IncomingMessage): Promise<Answer> => {
    const body = await text(incoming);
    const route = routeOf(incoming);
    requests.push(`${incoming.method} ${route.operation}`);
    const refused = failures.shift() ?? refusalOf(incoming);
    if (refused !== undefined) return refused;
    if (route.operation === "execution") return executions.look(route.of);
    const { "x-amz-invocation-type": type, "x-amz-durable-execution-name": name } = incoming.headers;
    return wrongInvocation(route.of, type, functionArn, options) ?? executions.start(name?.toString() ?? null, body);
  };
  const server = createServer(async (incoming, response) => send(response, await answerTo(incoming)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arn: functionArn,
    executions: executions.all,
    requests,
    remember: (name, payload, outcome, endedAt) => executions.remember(name, JSON.stringify(payload), outcome, endedAt),
    end: (name, outcome) => executions.end(name, outcome),
    fail: (status, code) => failures.push(failure(status, code, "injected")),
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

/** The function that is invoked, or the execution that is asked about. */
function routeOf({ method, url = "" }: IncomingMessage): { operation: "invocations" | "execution"; of: string } {
  const { pathname } = new URL(url, "http://lambda");
  const invoked = method === "POST" && /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(pathname);
  if (invoked) return { operation: "invocations", of: decodeURIComponent(invoked[1] ?? "") };
  const [, looked = ""] = /^\/2025-12-01\/durable-executions\/([^/]+)$/.exec(pathname) ?? [];
  return { operation: "execution", of: decodeURIComponent(looked) };
}

class Executions {
  readonly all: StoredExecution[] = [];
  readonly #functionArn: string;
  readonly #options: LambdaServerOptions;

  constructor(functionArn: string, options: LambdaServerOptions) {
    this.#functionArn = functionArn;
    this.#options = options;
  }

  start(given: string | null, payload: string): Answer {
    const { durable = true, begin, clock } = this.#options;
    if (!durable && given === null) return { status: 202, body: "" };
    if (!durable) {
      return failure(400, "InvalidParameterValueException", "The function is not configured for durable executions.");
    }
    const name = given ?? `unnamed-${this.all.length}`;
    if (!/^[a-zA-Z0-9-_]{1,64}$/.test(name)) {
      return failure(400, "InvalidParameterValueException", `1 validation error detected: Value '${name}'`);
    }
    const known = this.all.find((execution) => execution.name === name);
    if (known !== undefined && known.payload !== payload) {
      const message = `The durable execution with the specified name has already been started: ${name}`;
      return failure(409, "DurableExecutionAlreadyStartedException", message);
    }
    const execution = known ?? this.#keep(name, payload, { status: "RUNNING" }, null);
    if (known === undefined && begin !== undefined) {
      execution.outcome = begin(execution);
      execution.endedAt = execution.outcome.status === "RUNNING" ? null : clock.now();
    }
    return { status: 202, headers: { "X-Amz-Durable-Execution-Arn": execution.arn }, body: "" };
  }

  look(arn: string): Answer {
    const execution = this.all.find((one) => one.arn === arn);
    if (execution === undefined) return failure(404, "ResourceNotFoundException", `Execution not found: ${arn}`);
    const { name, payload, startedAt, endedAt, outcome } = execution;
    const seconds = (ms: number) => Math.round(ms) / 1_000;
    const body = {
      DurableExecutionArn: arn,
      DurableExecutionName: name,
      FunctionArn: `${this.#functionArn}:7`,
      InputPayload: payload,
      StartTimestamp: seconds(startedAt),
      Status: outcome.status,
      ...(endedAt !== null && { EndTimestamp: seconds(endedAt) }),
      ...(outcome.status === "SUCCEEDED" && { Result: JSON.stringify(outcome.result) }),
      ...("errorType" in outcome && { Error: { ErrorType: outcome.errorType, ErrorMessage: outcome.errorMessage } }),
      Version: "7",
    };
    return { status: 200, body: JSON.stringify(body) };
  }

  remember(name: string, payload: string, outcome: Outcome, endedAt: number): void {
    this.#keep(name, payload, outcome, endedAt);
  }

  end(name: string, outcome: Outcome): void {
    const execution = this.all.find((one) => one.name === name);
    if (execution === undefined) throw new Error(`no execution is called ${name}`);
    Object.assign(execution, { outcome, endedAt: this.#options.clock.now() });
  }

  #keep(name: string, payload: string, outcome: Outcome, endedAt: number | null): StoredExecution {
    const id = `00000000-0000-4000-8000-${String(this.all.length).padStart(12, "0")}`;
    const arn = `${this.#functionArn}:7/durable-execution/${name}/${id}`;
    const execution = { name, arn, payload, startedAt: this.#options.clock.now(), outcome, endedAt };
    this.all.push(execution);
    return execution;
  }
}

function refusalOf({ headers }: IncomingMessage): Answer | undefined {
  if (headers.authorization?.startsWith("AWS4-HMAC-SHA256 ")) return undefined;
  return failure(403, "MissingAuthenticationTokenException", "Missing Authentication Token");
}

function wrongInvocation(
  asked: string,
  type: unknown,
  functionArn: string,
  { functionName, durable = true }: LambdaServerOptions,
): Answer | undefined {
  const refuse = (message: string) => failure(400, "InvalidParameterValueException", message);
  const [name, qualifier] = asked.replace(functionArn, functionName).split(":");
  if (name !== functionName || (qualifier !== undefined && qualifier !== "live")) {
    return failure(404, "ResourceNotFoundException", `Function not found: ${asked}`);
  }
  if (durable && qualifier === undefined) {
    return refuse("You cannot invoke a durable function using an unqualified ARN.");
  }
  if (type === "Event") return undefined;
  return refuse("This function's executions may take longer than 15 minutes; it cannot be invoked synchronously.");
}

function failure(status: number, code: string, message: string): Answer {
  const body = JSON.stringify({ Type: status < 500 ? "User" : "Service", Message: message, message });
  return { status, headers: { "x-amzn-ErrorType": code }, body };
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(body);
}
