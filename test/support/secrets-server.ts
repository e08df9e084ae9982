import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** Error codes of GetSecretValue that a test can ask for. */
export type SecretsFailure = "AccessDeniedException" | "ResourceNotFoundException" | "InternalServiceErrorException";

/**
 * Speaks the one operation of Secrets Manager that the exporter uses, GetSecretValue, over loopback.
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
 */
export interface SecretsServer {
  readonly url: string;
  readonly clientSettings: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** Secrets by the id (name or ARN) under which they are asked for; a test may change them at any time. */
  readonly secrets: Map<string, string>;
  /** Ids that were asked for, with the status of the answer. */
  readonly requests: readonly { readonly secretId: string; readonly status: number }[];
  /** The next request fails so. */
  fail(code: SecretsFailure): void;
  close(): Promise<void>;
}

type Answer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

export async function startSecretsServer(secrets: Readonly<Record<string, string>> = {}): Promise<SecretsServer> {
  const values = new Map(Object.entries(secrets));
  const requests: { secretId: string; status: number }[] = [];
  const failures: SecretsFailure[] = [];
  const server = createServer(async (incoming, response) => {
    const secretId = secretIdOf(await text(incoming));
    const answer = refusalOf(incoming) ?? answerTo(secretId, values, failures.shift());
    requests.push({ secretId, status: answer.status });
    response.writeHead(answer.status, { "content-type": "application/x-amz-json-1.1" });
    response.end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    clientSettings: {
      endpoint: url,
      region: "us-east-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    },
    secrets: values,
    requests,
    fail: (code) => failures.push(code),
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

function secretIdOf(body: string): string {
  try {
    return String((JSON.parse(body) as { SecretId?: unknown }).SecretId);
  } catch {
    return "";
  }
}

function refusalOf({ headers }: IncomingMessage): Answer | undefined {
  const target = headers["x-amz-target"];
  if (!headers.authorization?.startsWith("AWS4-HMAC-SHA256 ")) {
    return failure("MissingAuthenticationTokenException", "Missing Authentication Token");
  }
  if (target === "secretsmanager.GetSecretValue") return undefined;
  return failure("UnknownOperationException", `${target} is not implemented by this test server`);
}

function answerTo(secretId: string, values: ReadonlyMap<string, string>, fault: SecretsFailure | undefined): Answer {
  if (fault === "InternalServiceErrorException") return { ...failure(fault, "injected"), status: 500 };
  if (fault === "AccessDeniedException") {
    return failure(fault, "User is not authorized to perform: secretsmanager:GetSecretValue");
  }
  const value = values.get(secretId);
  if (fault !== undefined || value === undefined) {
    return failure("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
  }
  const ARN = `arn:aws:secretsmanager:us-east-1:000000000000:secret:${secretId}`;
  const version = { VersionId: "00000000-0000-0000-0000-000000000001", VersionStages: ["AWSCURRENT"] };
  return { status: 200, body: { ARN, Name: secretId, SecretString: value, CreatedDate: 1_767_225_600, ...version } };
}

function failure(code: string, message: string): Answer {
  return { status: 400, body: { __type: code, message, Message: message } };
}
