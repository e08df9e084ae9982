/** An answer that is no page of sessions, in the shape that Kore's public APIs give their errors. */
export interface Refusal {
  readonly status: number;
  readonly msg: string;
  readonly code: number;
  /** What exactly was wrong: for the log, never sent. */
  readonly reason: string;
}

export const INVALID_CREDENTIALS = "Invalid SDK credentials";

const MESSAGES: Readonly<Record<number, { readonly msg: string; readonly code: number }>> = {
  400: { msg: "Bad Request", code: 400 },
  401: { msg: INVALID_CREDENTIALS, code: 4002 },
  403: { msg: "Forbidden", code: 403 },
  404: { msg: "Not Found", code: 404 },
  405: { msg: "Method Not Allowed", code: 405 },
  408: { msg: "Request Timeout", code: 408 },
  412: { msg: "Validation errors/ Invalid arguments", code: 412 },
  413: { msg: "Payload Too Large", code: 413 },
  429: { msg: "Rate limit for this API has been reached. Please try again after some time.", code: 429 },
};

/** A refusal with the message that goes with its status, unless another is given. */
export function refusal(status: number, reason: string, msg?: string): Refusal {
  const usual = MESSAGES[status] ?? { msg: status >= 500 ? "Internal Server Error" : "Error", code: status };
  return { status, msg: msg ?? usual.msg, code: usual.code, reason };
}

export function isRefusal(value: object): value is Refusal {
  return "reason" in value;
}

export function refusalBody({ msg, code }: Refusal): string {
  return JSON.stringify({ errors: [{ msg, code }] });
}
