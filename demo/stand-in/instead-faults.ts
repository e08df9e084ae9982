import type { InsteadFault } from "./faults.ts";
import { refusal } from "./refusals.ts";
import { jsonReply, type Reply, refusalReply, WHOLE } from "./reply.ts";

type Refused = Extract<InsteadFault, { kind: "refused" }>;
type Shape = Extract<InsteadFault, { kind: "foreign-answer" }>["shape"];

/** The reply that a fault puts in the place of the page. */
export function insteadReply(fault: InsteadFault, nowMs: number): Reply {
  switch (fault.kind) {
    case "refused":
      return refusalReply(refusal(fault.status, "fault", fault.msg), retryAfter(fault, nowMs));
    case "foreign-answer":
      return foreignReply(fault.shape);
    case "reset":
      return { status: 0, headers: {}, body: Buffer.alloc(0), delivery: { how: "reset" } };
    case "hang":
      return { status: 0, headers: {}, body: Buffer.alloc(0), delivery: { how: "hang" } };
  }
}

function retryAfter(fault: Refused, nowMs: number): Record<string, string> {
  const { retryAfterSeconds, retryAfterForm = "seconds" } = fault;
  if (retryAfterSeconds === undefined) return {};
  if (retryAfterForm === "seconds") return { "retry-after": String(retryAfterSeconds) };
  return { "retry-after": new Date(nowMs + retryAfterSeconds * 1000).toUTCString() };
}

const CIPHERTEXT = Buffer.from("only the platform's key opens this: ".repeat(8)).toString("base64");

/** A compact JWE has five base64url parts: header, encrypted key, initialisation vector, ciphertext, tag. */
const COMPACT_JWE = [
  JSON.stringify({ alg: "RSA-OAEP-256", enc: "A256GCM" }),
  "key".repeat(20),
  "iv-of-12-byt",
  CIPHERTEXT,
  "tag-of-16-bytes.",
]
  .map((part) => Buffer.from(part).toString("base64url"))
  .join(".");

const MAINTENANCE_PAGE =
  '<!DOCTYPE html>\n<html lang="en"><head><title>Maintenance</title></head><body><h1>We will be back soon</h1></body></html>\n';

function foreignReply(shape: Shape): Reply {
  switch (shape) {
    case "html":
      return textReply(200, "text/html; charset=utf-8", MAINTENANCE_PAGE);
    case "null":
      return jsonReply(200, "null");
    case "array":
      return jsonReply(200, "[]");
    case "no-sessions":
      return jsonReply(200, '{"total":0,"moreAvailable":false}');
    case "empty":
      return jsonReply(200, "");
    case "no-content":
      return { status: 204, headers: {}, body: Buffer.alloc(0), delivery: WHOLE };
    case "redirect":
      return jsonReply(302, "", { location: "/login?from=getSessions" });
    case "encrypted-object":
      return jsonReply(200, JSON.stringify({ data: CIPHERTEXT }));
    case "encrypted-string":
      return jsonReply(200, JSON.stringify(CIPHERTEXT));
    case "encrypted-jwe":
      return textReply(200, "application/jose", COMPACT_JWE);
  }
}

function textReply(status: number, type: string, text: string): Reply {
  return { status, headers: { "content-type": type }, body: Buffer.from(text), delivery: WHOLE };
}
