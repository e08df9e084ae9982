import type { IncomingHttpHeaders } from "node:http";
import { ExporterError } from "../errors.ts";
import { type Show, whatTheApiSaid } from "./answer.ts";
import { KoreFailure } from "./failure.ts";
import { retryAfterMs } from "./retry.ts";

/**
 * The failure that a status other than 200 means, naming what the API said. `show` makes fit the messages of a refusal
 * (4xx), which tell of the request; `showBody` whatever else was sent, which may tell of sessions.
 */
export function refusal(
  status: number,
  headers: IncomingHttpHeaders,
  text: string,
  nowMs: number,
  show: Show,
  showBody: Show = show,
): KoreFailure {
  const said = whatTheApiSaid(text, status >= 400 && status < 500 ? show : showBody, showBody);
  const message = `Kore answered ${status}${said === "" ? "" : `: ${said}`}.`;
  if (status === 429) {
    const help = "Another program may share the quota; lower KORE_REQUESTS_PER_MINUTE, or run again later.";
    const error = new ExporterError("ERR_KORE_RATE_LIMITED", `${message} ${help}`);
    return new KoreFailure("passing", error, retryAfterMs(String(headers["retry-after"] ?? ""), nowMs));
  }
  if (status === 408 || status >= 500) {
    const error = new ExporterError("ERR_KORE_UNAVAILABLE", `${message} Run again later; nothing was lost.`);
    return new KoreFailure("passing", error, retryAfterMs(String(headers["retry-after"] ?? ""), nowMs));
  }
  if (status === 401) {
    const help =
      "Check the client id and secret, that the app has the scope 'Bot Sessions', that the scope is published, and " +
      "that the app belongs to this bot or account.";
    return new KoreFailure("unauthorized", new ExporterError("ERR_KORE_UNAUTHORIZED", `${message} ${help}`));
  }
  if (status >= 300 && status < 400) {
    const target = show(String(headers.location ?? "elsewhere"));
    const help = `It redirects to ${target}. Set KORE_HOST to the address that answers itself.`;
    return new KoreFailure("final", new ExporterError("ERR_KORE_REDIRECTED", `${message} ${help}`));
  }
  if (status < 300) {
    const help = "The Sessions History API answers 200. Check KORE_HOST, and any proxy between here and Kore.";
    return new KoreFailure("strange", new ExporterError("ERR_KORE_NOT_THE_API", `${message} ${help}`));
  }
  const help = "Check KORE_HOST, the bot id, and what the app may ask for.";
  return new KoreFailure("final", new KoreRefusal(status, `${message} ${help}`));
}

/** True for the refusals with which an API that wants a containment type may meet a question without one. */
export function isRefusedCount({ status }: KoreRefusal): boolean {
  return status === 400 || status === 412;
}

/** A 4xx that no retry mends. The status is kept: some are an answer to act on, such as a refused count. */
export class KoreRefusal extends ExporterError {
  readonly status: number;

  constructor(status: number, message: string) {
    super("ERR_KORE_REFUSED", message);
    this.status = status;
  }
}
