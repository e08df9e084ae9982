import { InvokeCommand } from "@aws-sdk/client-lambda";
import { GetObjectCommand, ListObjectVersionsCommand, paginateListObjectsV2 } from "@aws-sdk/client-s3";
import type { Deployment } from "./deployment.ts";

/** What the function answered. */
export interface Answer {
  readonly error: string | undefined;
  readonly payload: {
    readonly days?: readonly { readonly source: string; readonly dt: string; readonly status: string }[];
    readonly left?: number;
    readonly digest?: { readonly number?: number; readonly sha256?: string };
    readonly errorMessage?: string;
  };
}

/** Invokes the deployed function through its alias, and waits for the answer. */
export async function invoke({ lambda, outputs }: Deployment, event: object): Promise<Answer> {
  const Payload = Buffer.from(JSON.stringify(event));
  const answer = await lambda.send(new InvokeCommand({ FunctionName: outputs.FunctionAlias, Payload }));
  return {
    error: answer.FunctionError,
    payload: JSON.parse(Buffer.from(answer.Payload ?? []).toString() || "{}"),
  };
}

/** Invokes it as the Scheduler does: Lambda answers at once, and tries again what fails. */
export async function invokeAsynchronously({ lambda, outputs }: Deployment, event: object): Promise<void> {
  const Payload = Buffer.from(JSON.stringify(event));
  await lambda.send(new InvokeCommand({ FunctionName: outputs.FunctionAlias, Payload, InvocationType: "Event" }));
}

/** Keys of the archive, in order. */
export async function keysOf({ s3, outputs }: Deployment, prefix = ""): Promise<string[]> {
  const keys: string[] = [];
  const pages = paginateListObjectsV2({ client: s3 }, { Bucket: outputs.ArchiveBucket, Prefix: prefix });
  for await (const { Contents = [] } of pages) keys.push(...Contents.flatMap(({ Key }) => Key ?? []));
  return keys.sort();
}

/** `key version` of every version below a prefix, in order. */
export async function versionsOf({ s3, outputs }: Deployment, prefix: string): Promise<string[]> {
  const answer = await s3.send(new ListObjectVersionsCommand({ Bucket: outputs.ArchiveBucket, Prefix: prefix }));
  if (answer.IsTruncated) throw new Error("more versions than one answer holds");
  return (answer.Versions ?? []).map(({ Key, VersionId }) => `${Key} ${VersionId}`).sort();
}

export async function bodyOf({ s3, outputs }: Deployment, key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: outputs.ArchiveBucket, Key: key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

/** Every line of JSON that the function has logged so far. */
export async function logLines({ aws, outputs }: Deployment): Promise<Record<string, unknown>[]> {
  const { events } = await aws.json<{ events: { message: string }[] }>("logs", "Logs_20140328.FilterLogEvents", {
    logGroupName: outputs.LogGroup,
  });
  return events
    .flatMap(({ message }) => message.split("\n"))
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}

/** Bodies of the messages that lie in a queue, which stay there. */
export async function messagesIn({ aws }: Deployment, queueUrl: string): Promise<string[]> {
  const answer = await aws.json<{ Messages?: { Body: string }[] }>("sqs", "AmazonSQS.ReceiveMessage", {
    QueueUrl: queueUrl,
    MaxNumberOfMessages: 10,
    VisibilityTimeout: 0,
  });
  return (answer.Messages ?? []).map(({ Body }) => Body);
}
