import { ACCOUNT_SOURCE } from "../../functions/exporter/contract.ts";
import { ExporterError, SettingsError } from "../../functions/exporter/errors.ts";
import { requestsForDays } from "../../functions/exporter/export/estimate.ts";
import type { QuotaLimits } from "../../functions/exporter/kore/quota.ts";
import { shortestTimeMs } from "../../functions/exporter/kore/quota-floor.ts";
import { counted } from "../amounts.ts";
import { table } from "../table.ts";
import { type EstimateAnswer, readEstimate, saidFailure } from "./answers.ts";
import type { Month } from "./months.ts";
import { untilEnded, type WaitPorts } from "./patience.ts";

const POLL_MS = 2_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** How much there is to archive, days that are archived already included. Null where Kore gave no totals. */
export interface Estimate {
  readonly sources: readonly SourceEstimate[];
  readonly quota: QuotaLimits;
}

interface SourceEstimate {
  readonly source: string;
  readonly sessions: number | null;
  readonly requests: number | null;
  /** The least time that the quota allows. */
  readonly shortestMs: number | null;
  /** Why nobody knows, if something failed. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/**
 * Asks the deployed function, which has the credentials, how much there is to do, of the sources named, or else of all
 * that it has. Throws the function's own error if that is one of ours, `SettingsError` if the account is named and the
 * function archives bots or the function is not durable, or `ERR_FUNCTION_FAILED`.
 */
export async function askEstimate(
  sources: readonly string[],
  range: Month,
  days: number,
  ports: WaitPorts,
): Promise<Estimate> {
  const bots = sources.map((source) => (source === ACCOUNT_SOURCE ? {} : { bot: source }));
  const asked = bots.length > 0 ? bots : [{}];
  const answers = await Promise.all(
    asked.map((bot) => askOnce({ estimate: { from: range.from, to: range.to }, ...bot }, ports)),
  );
  const counted = answers.flatMap(({ estimate }) => estimate);
  const others = counted.map(({ source }) => source).filter((source) => source !== ACCOUNT_SOURCE);
  if (sources.includes(ACCOUNT_SOURCE) && others.length > 0) {
    throw new SettingsError([
      `The function archives the bots ${others.join(", ")}, not the account. Name bots, or none.`,
    ]);
  }
  const [first] = answers as [EstimateAnswer, ...EstimateAnswer[]];
  return estimateOf(counted, days, first.quota, first.pageSize);
}

/** Without a name of its own, each question is an execution of its own. */
async function askOnce(event: object, ports: WaitPorts): Promise<EstimateAnswer> {
  const arn = await ports.deployed.start(null, event, ports.signal);
  if (arn === null) throw new ExporterError("ERR_FUNCTION_FAILED", "AWS started an execution of another function.");
  const ended = await untilEnded(arn, POLL_MS, ports, () => {});
  if (ended.status === "SUCCEEDED") return readEstimate(ended.result);
  throw saidFailure(ended.code, ended.message);
}

type Counted = Pick<SourceEstimate, "source" | "sessions"> & { readonly error?: SourceEstimate["error"] };

/** What so many sessions of each source cost in requests and time. */
export function estimateOf(counted: readonly Counted[], days: number, quota: QuotaLimits, pageSize: number): Estimate {
  const sources = counted.map(({ source, sessions, error = null }) => {
    const requests = sessions === null ? null : requestsForDays(sessions, days, pageSize);
    const shortestMs = requests === null ? null : shortestTimeMs(requests, quota);
    return { source, sessions, requests, shortestMs, error };
  });
  return { sources, quota };
}

/** A table for people, and how long it takes in all. */
export function estimateText({ sources, quota }: Estimate): string {
  const rows = sources.map(({ source, sessions, requests, shortestMs }) => [
    source,
    sessions?.toLocaleString("en") ?? "unknown",
    requests?.toLocaleString("en") ?? "unknown",
    shortestMs === null ? "unknown" : duration(shortestMs),
  ]);
  const times = sources.flatMap(({ shortestMs }) => (shortestMs === null ? [] : [shortestMs]));
  const known = times.length === sources.length ? "" : "Where Kore gives no totals, nobody can tell. ";
  const longest = times.length === 0 ? "" : `At least ${duration(Math.max(...times))} in all, sources side by side`;
  const limits = longest && `, at ${requestsIn(quota.perMinute)} a minute and ${limit(quota.perHour)} an hour. `;
  const titles = ["source", "sessions", "requests", "at least"];
  const failed = sources.flatMap(({ source, error }) => (error ? [`${source}: ${error.code} ${error.message}\n`] : []));
  return `${table(titles, rows)}${failed.join("")}${known}${longest}${limits}What is archived already is left alone.\n`;
}

/** The same for programs. */
export function estimateJson({ sources, quota }: Estimate): object {
  return {
    sources: sources.map(({ source, sessions, requests, shortestMs }) => {
      return {
        source,
        sessions,
        requests,
        hours: shortestMs === null ? null : Number((shortestMs / HOUR_MS).toFixed(1)),
      };
    }),
    quota: { per_minute: quota.perMinute, per_hour: quota.perHour },
  };
}

function duration(ms: number): string {
  return ms < 2 * HOUR_MS ? counted(Math.ceil(ms / MINUTE_MS), "minute") : `${(ms / HOUR_MS).toFixed(1)} hours`;
}

function limit(requests: number): string {
  return requests === 0 ? "any number" : requests.toLocaleString("en");
}

function requestsIn(requests: number): string {
  return requests === 0 ? "any number of requests" : counted(requests, "request");
}
