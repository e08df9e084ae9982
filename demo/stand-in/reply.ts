import { type Refusal, refusalBody } from "./refusals.ts";

/** What goes back over HTTP. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly delivery: Delivery;
}

/** How a reply goes over the connection. */
export type Delivery =
  | { readonly how: "whole" }
  /** The connection breaks after half of the body. */
  | { readonly how: "broken" }
  | { readonly how: "trickle"; readonly pieces: number; readonly everyMs: number }
  /** The body repeats, piece by piece, what a padded JSON text has in its middle. */
  | { readonly how: "padded"; readonly mebibytes: number; readonly announced: boolean }
  | { readonly how: "reset" }
  | { readonly how: "hang" };

export const WHOLE: Delivery = { how: "whole" };

export function jsonReply(
  status: number,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  const type = { "content-type": "application/json; charset=utf-8" };
  return {
    status,
    headers: { ...type, ...headers },
    body: typeof body === "string" ? Buffer.from(body) : body,
    delivery: WHOLE,
  };
}

export function refusalReply(refused: Refusal, headers: Readonly<Record<string, string>> = {}): Reply {
  return jsonReply(refused.status, refusalBody(refused), headers);
}
