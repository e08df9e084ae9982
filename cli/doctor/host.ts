import { Agent, request } from "undici";
import type { Clock } from "../../functions/exporter/clock.ts";
import { connectionFailure } from "../../functions/exporter/kore/connection-failure.ts";
import { type Check, ok, problem, skipped } from "./checks.ts";
import { failed, whatHappened } from "./failure-text.ts";

const DEADLINE_MS = 5_000;

/** A token is for five minutes, and Kore does not say how far clocks may differ. */
const MOST_SKEW_MS = 60_000;

/** Whether the host can be reached, and what its clock says. */
export interface HostAnswer {
  readonly isReached: boolean;
  readonly checks: readonly Check[];
}

/**
 * Asks for nothing but an answer, `HEAD` without a token: no request of the API, so that no quota counts it. Any
 * status will do.
 */
export async function askHost(host: URL | undefined, clock: Clock, signal: AbortSignal): Promise<HostAnswer> {
  if (host === undefined) {
    const because = "KORE_HOST cannot be used.";
    return { isReached: false, checks: [skipped("host", because), skipped("clock", because)] };
  }
  const timeout = AbortSignal.timeout(DEADLINE_MS);
  const dispatcher = new Agent({ pipelining: 1, connections: 1 });
  try {
    const sentAt = clock.now();
    const response = await request(host, { method: "HEAD", dispatcher, signal: AbortSignal.any([timeout, signal]) });
    const checks = [
      ok("host", `${host.origin} answers`),
      checkClock(response.headers.date, (sentAt + clock.now()) / 2),
    ];
    return { isReached: true, checks };
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted)
      return unreached(problem("host", `${host.origin}: no answer within ${DEADLINE_MS / 1_000} s.`));
    const { error: known } = connectionFailure(error);
    const says = `${host.origin}: ${whatHappened(known)}`;
    return unreached(problem("host", says, failed("host", known).remedy));
  } finally {
    await dispatcher.destroy();
  }
}

function unreached(host: Check): HostAnswer {
  return { isReached: false, checks: [host, skipped("clock", "The host does not answer.")] };
}

/** Compares a header `Date`, which is exact to a second, with our time, in milliseconds since 1970. */
function checkClock(date: string | string[] | undefined, nowMs: number): Check {
  const theirs = Date.parse(String(date ?? ""));
  if (Number.isNaN(theirs)) return skipped("clock", "The host's answer has no usable Date.");
  const skewMs = nowMs - theirs;
  const seconds = Math.round(Math.abs(skewMs) / 1_000);
  if (Math.abs(skewMs) <= MOST_SKEW_MS)
    return ok("clock", seconds < 2 ? "agrees with the host's" : `${seconds} s apart`);
  return problem("clock", `This computer's clock is ${seconds} s ${skewMs > 0 ? "ahead of" : "behind"} the host's.`);
}
