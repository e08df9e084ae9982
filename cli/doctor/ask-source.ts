import type { Connect } from "../../functions/exporter/connect.ts";
import { asExporterError, ExporterError } from "../../functions/exporter/errors.ts";
import { sourceName } from "../../functions/exporter/export/export-day.ts";
import type { KoreEvent } from "../../functions/exporter/kore/client.ts";
import type { Quota } from "../../functions/exporter/kore/quota.ts";
import { isRefusedCount, KoreRefusal } from "../../functions/exporter/kore/refusal.ts";
import type { SessionsAnswer, SessionsQuery, Source } from "../../functions/exporter/kore/wire.ts";
import type { CommandIo } from "../io.ts";
import { toldRequest } from "../progress/request-line.ts";

/** What asking takes: the parts of a command's world that a check needs. */
export type CheckIo = Pick<CommandIo, "clock" | "signal" | "log">;

/** What a source said: its answer, why there is none, or that our own quota had no room for the request. */
export type Said =
  | { readonly kind: "answer"; readonly answer: SessionsAnswer }
  | { readonly kind: "failure"; readonly error: ExporterError }
  | { readonly kind: "no room" };

/** A source, with what it said when it was asked for its newest session. */
export interface AskedSource {
  readonly source: Source;
  readonly name: string;
  readonly quota: Quota;
  readonly said: Said;
}

/** How far back sources are asked: Kore refuses a span of seven days. */
export const ASKED_DAYS = 6;

/** One request to a source, through the exporter's own client and a quota. It is not repeated: a check is not to wait. */
export async function askSource(
  source: Source,
  query: SessionsQuery,
  { connect, quota, io }: { readonly connect: Connect; readonly quota: Quota; readonly io: CheckIo },
): Promise<Said> {
  const giveUp = new AbortController();
  const client = connect(source, quota, io.clock, (event) => {
    if (event.kind === "waiting") giveUp.abort(event.error ?? NO_ROOM);
    else tell(source, event, io);
  });
  try {
    return { kind: "answer", answer: await client.sessions(query, AbortSignal.any([io.signal, giveUp.signal])) };
  } catch (error) {
    io.signal.throwIfAborted();
    return error === NO_ROOM ? { kind: "no room" } : { kind: "failure", error: asExporterError(error) };
  } finally {
    await client.close();
  }
}

const NO_ROOM = new ExporterError("ERR_KORE_RATE_LIMITED", "The quota of the settings has no room.");

function tell(source: Source, event: Exclude<KoreEvent, { kind: "waiting" }>, { log }: CheckIo): void {
  log.debug("request", () => toldRequest(sourceName(source), event));
}

/** What a failure means, by Kore's own words. Their source: docs/doctor.md. */
export type Cause =
  | "scope"
  | "credentials"
  | "rate"
  | "encrypted"
  | "unknown bot"
  | "wants a type"
  | "secret"
  | "other";

/** Reads the cause out of a failure. */
export function causeOf(error: ExporterError): Cause {
  switch (error.code) {
    case "ERR_KORE_UNAUTHORIZED":
      return /scope is incorrect/i.test(error.message) ? "scope" : "credentials";
    case "ERR_KORE_RATE_LIMITED":
      return "rate";
    case "ERR_KORE_ENCRYPTED":
      return "encrypted";
    case "ERR_SECRET_UNREADABLE":
      return "secret";
    default:
      return refusalCause(error);
  }
}

function refusalCause(error: ExporterError): Cause {
  if (!(error instanceof KoreRefusal)) return "other";
  if (/invalid streamid/i.test(error.message)) return "unknown bot";
  return isRefusedCount(error) ? "wants a type" : "other";
}
