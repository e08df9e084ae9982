import type { Day } from "../../functions/exporter/export/calendar.ts";
import { accountOf, type Outcome, type SourceAccount } from "./account.ts";
import { billOf } from "./cost.ts";
import { Deployment, NIGHT_MS } from "./deployment.ts";
import { DAY_MS, type Traffic } from "./traffic.ts";

/** The nightly run after one day of one bot. */
export async function simulateLargeDay(traffic: Traffic, day: Day): Promise<Outcome> {
  const startsAt = new Date(Date.parse(day) + DAY_MS + NIGHT_MS).toISOString();
  const deployment = new Deployment({ traffics: [traffic], startsAt, buildsParquet: false });
  const { clock, archive, scratch, sources } = deployment;
  return clock.task(async () => {
    const startedAt = clock.now();
    await deployment.execute({ kind: "night", night: { previous: day, lookBackDays: 1, startDate: null } });
    const wallMs = clock.now() - startedAt;
    const bill = billOf(deployment.uses, [archive.requests, scratch.requests]);
    const accounts: SourceAccount[] = [];
    for (const source of sources) accounts.push(await accountOf(deployment, source, [day], wallMs));
    return { accounts, bill, wallMs };
  });
}
