import { ledgerKey } from "../../functions/exporter/archive/layout.ts";
import { readableRecord } from "../../functions/exporter/archive/ledger.ts";
import type { Day } from "../../functions/exporter/export/calendar.ts";
import { sourceName } from "../../functions/exporter/export/export-day.ts";
import { shortestTimeMs } from "../../functions/exporter/kore/quota-floor.ts";
import type { Source } from "../../functions/exporter/kore/wire.ts";
import type { Bill } from "./cost.ts";
import { type Deployment, PAGE_SIZE, QUOTA } from "./deployment.ts";
import { DAY_MS, fewestRequests } from "./traffic.ts";

/** What one source came to. */
export interface SourceAccount {
  readonly source: string;
  /** Days that the ledger calls complete, of those that were to be archived. */
  readonly complete: number;
  readonly days: number;
  /** As the model has them, and as the ledger says they are archived. */
  readonly sessions: number;
  readonly archived: number;
  /** As the model met them, and as the exporter told of them. */
  readonly requests: number;
  readonly reported: number;
  /** Requests for nothing but full pages of each type. */
  readonly fewest: number;
  readonly wallMs: number;
  /** The least time in which the quota lets `requests` be sent, and `fewest`. */
  readonly floorMs: number;
  readonly fewestFloorMs: number;
}

/** What a backfill or a night came to. */
export interface Outcome {
  readonly accounts: readonly SourceAccount[];
  readonly bill: Bill;
  /** Until the last source was done. */
  readonly wallMs: number;
}

/** Holds a source's archive against its sessions. To be called within a task of the deployment's clock. */
export async function accountOf(
  deployment: Deployment,
  source: Source,
  days: readonly Day[],
  wallMs: number,
): Promise<SourceAccount> {
  const name = sourceName(source);
  const model = deployment.kore.sessionsOf(source);
  let [complete, sessions, archived, fewest] = [0, 0, 0, 0];
  for (const day of days) {
    const counts = model.ofDay(Date.parse(day) / DAY_MS);
    sessions += counts.dropOff + counts.selfService + counts.agent;
    fewest += fewestRequests(counts, PAGE_SIZE);
    const record = await readableRecord(deployment.archive, ledgerKey(day, name));
    archived += record?.archived.total ?? 0;
    if (record?.status === "complete" && record.problems.length === 0) complete++;
  }
  const requests = deployment.kore.requestsOf(source);
  return {
    source: name,
    complete,
    days: days.length,
    sessions,
    archived,
    requests,
    reported: deployment.reported.get(name) ?? 0,
    fewest,
    wallMs,
    floorMs: shortestTimeMs(requests, QUOTA),
    fewestFloorMs: shortestTimeMs(fewest, QUOTA),
  };
}

/** Sentences that say where an account does not add up; empty if it does. */
export function discrepancies(account: SourceAccount): string[] {
  const { source, complete, days, sessions, archived, requests, reported } = account;
  const found: string[] = [];
  if (complete !== days) found.push(`${source}: ${days - complete} of ${days} days are not complete`);
  if (archived !== sessions) found.push(`${source}: ${archived} sessions archived, ${sessions} modelled`);
  if (reported !== requests) found.push(`${source}: ${reported} requests reported, ${requests} met`);
  return found;
}
