import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { answerOf, type S3State } from "./api.ts";
import type { Fault } from "./faults.ts";
import { type Operation, operationOf, type S3Answer, S3Error, type S3Request } from "./protocol.ts";
import { xmlError } from "./xml.ts";

/** One request, as it was answered. */
export interface LoggedRequest {
  readonly method: string;
  readonly operation: Operation | "unknown";
  readonly bucket: string;
  readonly key: string;
  readonly headers: IncomingMessage["headers"];
  /** 0 if the connection was cut instead. */
  readonly status: number;
}

/** Reads one request to its end, answers it or cuts the connection, and tells what it did. */
export async function exchange(
  state: S3State,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<LoggedRequest> {
  const rawBody = await buffer(incoming);
  const target = targetOf(incoming);
  const log = { method: target.method, bucket: target.bucket, key: target.key, headers: target.headers };
  let operation: LoggedRequest["operation"] = "unknown";
  try {
    operation = operationOf(target.method, target.key, target.query);
    const request = { ...target, operation, rawBody };
    const fault = state.trouble.next(request);
    if (typeof fault === "object" && "meanwhile" in fault) await fault.meanwhile();
    const answer = carryOut(state, request, fault);
    if (answer === null) response.destroy();
    else await send(response, request.method, answer, fault === "cut answer");
    return { ...log, operation, status: answer?.status ?? 0 };
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    await send(response, target.method, xmlError(error, `/${target.bucket}/${target.key}`), false);
    return { ...log, operation, status: error.status };
  }
}

function targetOf(incoming: IncomingMessage) {
  const { pathname, searchParams } = new URL(incoming.url ?? "/", "http://localhost");
  const [, bucket = "", ...segments] = pathname.split("/").map(decodeURIComponent);
  const method = incoming.method ?? "GET";
  return { method, bucket, key: segments.join("/"), query: searchParams, headers: incoming.headers };
}

/** The answer, or null if the connection is to be cut. */
function carryOut(state: S3State, request: S3Request, fault: Fault["how"] | undefined): S3Answer | null {
  if (fault === "lost request") return null;
  if (typeof fault === "object" && "answer" in fault) throw new S3Error(fault.answer, fault.code, "injected");
  if (typeof fault === "object" && "body" in fault) return { status: 200, body: fault.body };
  const isCorrupt = fault === "corrupt request";
  const answer = answerOf(state, isCorrupt ? { ...request, rawBody: corrupted(request.rawBody) } : request);
  if (fault === "lost answer") return null;
  if (typeof fault === "object" && "rewrite" in fault) return { ...answer, body: fault.rewrite(String(answer.body)) };
  return fault === "corrupt answer" ? { ...answer, body: corrupted(Buffer.from(answer.body ?? "")) } : answer;
}

function corrupted(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  const middle = copy.length >> 1;
  if (copy.length > 0) copy.writeUInt8(copy.readUInt8(middle) ^ 1, middle);
  return copy;
}

async function send(response: ServerResponse, method: string, answer: S3Answer, isCut: boolean): Promise<void> {
  const body = Buffer.from(answer.body ?? "");
  const length = { "content-length": String(body.length) };
  response.writeHead(answer.status, {
    "x-amz-request-id": "TEST",
    ...(answer.status === 204 ? {} : length),
    ...answer.headers,
  });
  if (isCut) {
    response.write(body.subarray(0, body.length >> 1), () => response.destroy());
    await once(response, "close");
    return;
  }
  response.end(method === "HEAD" ? undefined : body);
}
