import { MOST_OPERATIONS } from "../../functions/exporter/lambda/durable-host.ts";
import { discrepancies, type Outcome, type SourceAccount } from "./account.ts";
import { type Bound, holds, longestFloorMs, ratioOf, worstOf } from "./bounds.ts";
import { type Bill, PRICES } from "./cost.ts";
import { PAGE_SIZE, QUOTA, TIMES } from "./deployment.ts";
import type { OutageOutcome } from "./outage.ts";
import type { DayCost } from "./single-days.ts";

const HOUR_MS = 3_600_000;

/** Days of one size, as they cost. */
export interface SizeCosts {
  readonly sessions: number;
  readonly expected: readonly DayCost[];
  readonly busyHour: DayCost;
}

const whole = (value: number): string => Math.round(value).toLocaleString("en");
const ratio = (value: number): string => value.toFixed(3);
const hours = (ms: number): string => (ms / HOUR_MS).toFixed(2);
const dollars = (value: number): string => `$${value.toFixed(2)}`;

/** A table in Markdown; the first column is text, the others numbers. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** What was taken for granted, as a list. */
export function assumptions(): string {
  const { perMinute, perHour } = QUOTA;
  return [
    `- Kore: ${TIMES.koreLatencyMs} ms an answer, ${PAGE_SIZE} sessions a page, ${perMinute} requests a minute and ${perHour} an hour for each bot, both checked as rolling windows when a request arrives: one too many ends the simulation. Sessions of past days stand still.`,
    `- S3: ${TIMES.s3RequestMs} ms a request. A step: ${TIMES.checkpointMs} ms to record. An invocation: ${TIMES.beginMs} ms before its first new step; it lives until every source waits.`,
    `- The function: one processor (1,769 MB, arm64); ${TIMES.readMsPerRow * 1_000} µs to look at a row each time a step meets it, ${TIMES.buildMsPerRow * 1_000} µs more to build it.`,
    `- Prices: $${(PRICES.gbSecond * 1e6).toFixed(4)} a million GB-s, $${(PRICES.invocation * 1e6).toFixed(2)} a million invocations, $${(PRICES.durableOperation * 1e6).toFixed(2)} a million durable operations, $${PRICES.durableGbWritten} a GB written, $${PRICES.s3PutOrList * 1_000} a thousand PUT or LIST, $${(PRICES.s3GetOrHead * 1_000).toFixed(4)} a thousand GET or HEAD.`,
    "- Nothing dies: no step is done twice. Storage, logs, KMS and other fixed costs are those of [cost.md](cost.md).",
  ].join("\n");
}

/** Accounts source by source, and all together. */
export function accountsTable({ accounts, wallMs }: Outcome): string {
  const row = (name: string, parts: readonly SourceAccount[], of: Omit<SourceAccount, "source">) => [
    name,
    whole(sum(parts.map(({ sessions }) => sessions))),
    whole(of.requests),
    whole(of.fewest),
    ratio(ratioOf(of)),
    hours(of.wallMs),
    hours(of.floorMs),
    ratio(of.wallMs / of.floorMs),
    hours(of.fewestFloorMs),
    ratio(of.wallMs / of.fewestFloorMs),
  ];
  const [first] = accounts;
  if (first === undefined) throw new TypeError("there is no account");
  const all = {
    ...first,
    requests: sum(accounts.map(({ requests }) => requests)),
    fewest: sum(accounts.map(({ fewest }) => fewest)),
    wallMs,
    floorMs: longestFloorMs(accounts, "floorMs"),
    fewestFloorMs: longestFloorMs(accounts, "fewestFloorMs"),
  };
  const rows = accounts.map((account) => row(account.source, [account], account));
  const head = [
    "bot",
    "sessions",
    "requests",
    "full pages",
    "ratio",
    "hours",
    "floor",
    "ratio",
    "pages' floor",
    "ratio",
  ];
  return table(head, accounts.length === 1 ? rows : [...rows, row("**all**", accounts, all)]);
}

/** What the executions used and cost. */
export function billTable(bill: Bill): string {
  const { lambda, durable, s3, total } = bill.dollars;
  return table(
    ["used", "", "cost"],
    [
      ["executions", whole(bill.executions), ""],
      ["durable operations in all", whole(bill.operations), ""],
      [`of one execution, at most (it ends itself at ${whole(MOST_OPERATIONS)})`, whole(bill.mostOperations), ""],
      ["results of steps, kB", whole(bill.bytesWritten / 1_000), dollars(durable)],
      ["invocations", whole(bill.invocations), ""],
      ["GB-seconds", whole(bill.gbSeconds), dollars(lambda)],
      ["longest invocation, s", whole(bill.longestInvocationMs / 1_000), ""],
      [`longest step, s (${bill.longestStep})`, whole(bill.longestStepMs / 1_000), ""],
      ["PUT and LIST", whole(bill.s3PutsAndLists), ""],
      ["GET and HEAD", whole(bill.s3GetsAndHeads), dollars(s3)],
      ["**all**", "", `**${dollars(total)}**`],
    ],
  );
}

/** The nights with an outage beside the same nights without one. */
export function nightsTable(outage: OutageOutcome, calm: OutageOutcome): string {
  const rows = outage.nights.map(({ previous, requests, wallMs, unfinished }, index) => {
    const without = calm.nights[index];
    return [previous, whole(requests), whole(without?.requests ?? 0), (wallMs / 60_000).toFixed(1), whole(unfinished)];
  });
  const all = sum(outage.nights.map(({ requests }) => requests));
  const allCalm = sum(calm.nights.map(({ requests }) => requests));
  const head = ["night after", "requests", "without the outage", "minutes", "days not complete in the morning"];
  return table(head, [...rows, ["**all**", `**${whole(all)}**`, `**${whole(allCalm)}**`, "", ""]]);
}

/** Requests over full pages by the size of the day. */
export function sizesTable(sizes: readonly SizeCosts[]): string {
  const head = ["sessions of the day", "slices", "requests at worst", "full pages", "median", "worst", "one busy hour"];
  return table(
    head,
    sizes.map(({ sessions, expected, busyHour }) => {
      const worst = worstOf(expected);
      const ratios = expected.map(ratioOf).sort((one, other) => one - other);
      const median = ratios[Math.floor(ratios.length / 2)] ?? Number.NaN;
      const figures = [worst.slices, worst.requests, worst.fewest].map(whole);
      return [whole(sessions), ...figures, ...[median, ratioOf(worst), ratioOf(busyHour)].map(ratio)];
    }),
  );
}

/** The bounds, and whether they hold. */
export function boundsTable(bounds: readonly Bound[]): string {
  const rows = bounds.map((bound) => {
    return [bound.what, ratio(bound.value), bound.most.toFixed(2), holds(bound) ? "yes" : "**no**"];
  });
  return table(["what", "is", "at most", "holds"], rows);
}

/** One sentence for each account that does not add up. */
export function wrongAccounts(accounts: readonly SourceAccount[]): string[] {
  return accounts.flatMap(discrepancies);
}
