import { daysOfMonth, monthsOf } from "../../cli/backfill/months.ts";
import { type Day, daysFromTo } from "../../functions/exporter/export/calendar.ts";
import type { Source } from "../../functions/exporter/kore/wire.ts";
import { accountOf, type Outcome, type SourceAccount } from "./account.ts";
import { billOf } from "./cost.ts";
import { Deployment } from "./deployment.ts";
import type { Traffic } from "./traffic.ts";

/** `backfill` looks this often whether a month has ended. */
const POLL_MS = 30_000;

/**
 * Archives the past as `backfill` does: an execution for each source and month, the most recent month first, a source's
 * months one after another, sources side by side.
 */
export async function simulateBackfill(traffics: readonly Traffic[], from: Day, to: Day): Promise<Outcome> {
  const deployment = new Deployment({ traffics, startsAt: "2026-01-10T08:00:00Z", buildsParquet: false });
  const { clock, sources, archive, scratch } = deployment;
  const days = daysFromTo(from, to);
  return clock.task(async () => {
    const startedAt = clock.now();
    const walls = await clock.sideBySide(
      sources.map((source) => async () => {
        for (const month of monthsOf(days)) await archiveMonth(deployment, source, daysOfMonth(month));
        return clock.now() - startedAt;
      }),
    );
    const bill = billOf(deployment.uses, [archive.requests, scratch.requests]);
    const accounts: SourceAccount[] = [];
    for (const [index, source] of sources.entries()) {
      accounts.push(await accountOf(deployment, source, days, walls[index] ?? 0));
    }
    return { accounts, bill, wallMs: Math.max(...walls) };
  });
}

async function archiveMonth(deployment: Deployment, source: Source, days: readonly Day[]): Promise<void> {
  let leftBefore = Number.POSITIVE_INFINITY;
  for (;;) {
    const outcomes = await deployment.execute({ kind: "days", days }, [source]);
    await deployment.clock.sleep(POLL_MS);
    const left = outcomes.reduce((sum, outcome) => sum + outcome.left, 0);
    if (left === 0) return;
    if (left >= leftBefore) throw new TypeError(`executions come no further: ${left} days are left`);
    leftBefore = left;
  }
}
