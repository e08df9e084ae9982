import { ledgerKey } from "../../functions/exporter/archive/layout.ts";
import { readableRecord } from "../../functions/exporter/archive/ledger.ts";
import { addDays, type Day, daysFromTo } from "../../functions/exporter/export/calendar.ts";
import { sourceName } from "../../functions/exporter/export/export-day.ts";
import { accountOf, type SourceAccount } from "./account.ts";
import { type Bill, billOf } from "./cost.ts";
import { Deployment, NIGHT_MS } from "./deployment.ts";
import { DAY_MS, type Traffic } from "./traffic.ts";

/** Some nights, during a part of which Kore does not answer. */
export interface OutageOptions {
  readonly traffics: readonly Traffic[];
  readonly firstDay: Day;
  readonly nights: number;
  /** Of the first request that fails, and the first that does not: ISO 8601. */
  readonly from: string;
  readonly to: string;
}

/** One night of the outage scenario. */
export interface NightReport {
  readonly previous: Day;
  /** Requests of all sources. */
  readonly requests: number;
  readonly wallMs: number;
  /** Days of a source, up to the previous one, that are not complete in the morning. */
  readonly unfinished: number;
}

/** What the nights came to. */
export interface OutageOutcome {
  readonly nights: readonly NightReport[];
  readonly accounts: readonly SourceAccount[];
  readonly bill: Bill;
}

/** Runs a deployment night by night, as its schedule does. Days are built and published in full. */
export async function simulateNights(options: OutageOptions): Promise<OutageOutcome> {
  const { traffics, firstDay, nights, from, to } = options;
  const [downFrom, downTo] = [Date.parse(from), Date.parse(to)];
  const startsAt = new Date(Date.parse(firstDay)).toISOString();
  const isDown = (now: number) => now >= downFrom && now < downTo;
  const deployment = new Deployment({ traffics, startsAt, buildsParquet: true, isDown });
  const { clock, archive, scratch, sources } = deployment;
  const days = daysFromTo(firstDay, addDays(firstDay, nights - 1));
  return clock.task(async () => {
    const reports: NightReport[] = [];
    for (const previous of days) {
      await clock.sleep(Date.parse(previous) + DAY_MS + NIGHT_MS - clock.now());
      reports.push(await oneNight(deployment, previous, firstDay));
    }
    const bill = billOf(deployment.uses, [archive.requests, scratch.requests]);
    const accounts: SourceAccount[] = [];
    for (const source of sources) accounts.push(await accountOf(deployment, source, days, 0));
    return { nights: reports, accounts, bill };
  });
}

async function oneNight(deployment: Deployment, previous: Day, firstDay: Day): Promise<NightReport> {
  const { clock, kore, archive, sources } = deployment;
  const requests = () => sources.reduce((sum, source) => sum + kore.requestsOf(source), 0);
  const before = requests();
  const startedAt = clock.now();
  await deployment.execute({ kind: "night", night: { previous, lookBackDays: 16, startDate: firstDay } });
  const wallMs = clock.now() - startedAt;
  let unfinished = 0;
  for (const day of daysFromTo(firstDay, previous)) {
    for (const source of sources) {
      const record = await readableRecord(archive, ledgerKey(day, sourceName(source)));
      if (record?.status !== "complete" || record.problems.length > 0) unfinished++;
    }
  }
  return { previous, requests: requests() - before, wallMs, unfinished };
}
