import { writeFile } from "node:fs/promises";
import { EXPORTER_VERSION } from "../functions/exporter/contract.ts";
import { SLICE_BUDGET } from "../functions/exporter/export/read-day.ts";
import { simulateBackfill } from "./simulation/backfill.ts";
import { type Bound, holds, requestBound, timeBound } from "./simulation/bounds.ts";
import { simulateLargeDay } from "./simulation/large-day.ts";
import { type OutageOptions, simulateNights } from "./simulation/outage.ts";
import * as report from "./simulation/report.ts";
import { BUSY_HOUR, EXPECTED_SHAPES } from "./simulation/shapes.ts";
import { costOfDay } from "./simulation/single-days.ts";
import { type Mix, type Traffic, USUAL_HOURS, weekly } from "./simulation/traffic.ts";

const PAGE = "docs/simulation.md";

const MIXES: readonly Mix[] = [
  [0.5, 0.3],
  [0.2, 0.7],
  [0.9, 0.08],
];

/** Average sessions a day of ten bots. The largest has up to 40,000 on a Monday. */
const YEAR_SIZES = [25_000, 3_000, 2_500, 2_000, 1_500, 1_200, 1_000, 800, 600, 500];
const NIGHT_SIZES = [8_000, 2_500, 1_600, 1_200, 900, 700, 500, 400, 300, 200];
const LARGE_DAY = 2_000_000;
/** A day just too large for a slice, or for two, costs the most beside its pages. */
const DAY_SIZES = [
  ...new Set([30_000, 30_001, SLICE_BUDGET + 1, 45_000, 60_001, 2 * SLICE_BUDGET + 1, 100_000, 250_000, 1_000_000]),
].sort((one, other) => one - other);
/** Larger days are read in fewer shapes: they differ less, and take long. */
const ALL_SHAPES_UP_TO = 100_000;

const OUTAGE: OutageOptions = {
  traffics: bots(NIGHT_SIZES),
  firstDay: "2026-03-02",
  nights: 21,
  // The schedule starts at 02:15: the largest bot's day is half read by then.
  from: "2026-03-10T02:16:30Z",
  to: "2026-03-13T02:16:30Z",
};

function bots(sizes: readonly number[]): Traffic[] {
  return sizes.map((size, index) => {
    const mix = MIXES[index % MIXES.length] ?? [0.5, 0.3];
    return { botId: `bot-${size}`, sessionsOn: weekly(size), mix, hours: USUAL_HOURS };
  });
}

async function simulateSizes(): Promise<report.SizeCosts[]> {
  const sizes: report.SizeCosts[] = [];
  for (const sessions of DAY_SIZES) {
    const shapes = EXPECTED_SHAPES.filter((_, index) => sessions <= ALL_SHAPES_UP_TO || index % 3 === 1);
    const expected = [];
    for (const shape of shapes) expected.push(await costOfDay(sessions, shape));
    sizes.push({ sessions, expected, busyHour: await costOfDay(sessions, BUSY_HOUR) });
  }
  return sizes;
}

/** Runs one part, and says on stderr how long it took. */
async function part<T>(name: string, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work();
  console.error(`${name}: ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
  return result;
}

const sizes = await part("days of several sizes", simulateSizes);
const largeTraffic = { ...bots([LARGE_DAY])[0], sessionsOn: () => LARGE_DAY } as Traffic;
const large = await part("one large day", () => simulateLargeDay(largeTraffic, "2026-01-08"));
const outage = await part("an outage", () => simulateNights(OUTAGE));
const calm = await part("the same nights without it", () => simulateNights({ ...OUTAGE, to: OUTAGE.from }));
const year = await part("a year", () => simulateBackfill(bots(YEAR_SIZES), "2025-01-01", "2025-12-31"));

const bounds: Bound[] = [
  ...sizes.map(({ sessions, expected }) => requestBound(sessions, expected)),
  timeBound("a year of ten bots", year),
  timeBound(`one day of ${LARGE_DAY.toLocaleString("en")}`, large),
];
const wrong = report.wrongAccounts([year, large, outage, calm].flatMap(({ accounts }) => accounts));
const broken = bounds.filter((bound) => !holds(bound));
const days = outage.nights.length * NIGHT_SIZES.length;

const page = `# Simulation

What cannot be run in an hour: the exporter's own planner, pager, quota, lease, steps and durable host, in virtual time,
against a model of Kore, S3 and Lambda that gives real rows and counts everything. Written by \`npm run simulate\` on
${new Date().toISOString().slice(0, 10)}, version ${EXPORTER_VERSION}, Node ${process.version}.

\`full pages\` is the fewest requests possible: the sessions of each day and containment type in full pages, a page for a
type that has none. \`floor\` is the
least time in which the quota lets the requests be sent that were sent, \`pages' floor\` the least for full pages alone.

## Assumed

${report.assumptions()}

## Bounds

${report.boundsTable(bounds)}

## A year of ten bots

2025-01-01 to 2025-12-31, as \`backfill\` does it: an execution for each bot and month, the most recent month first, bots side by side;
half a minute until the command sees that a month is over. A bot is named for the sessions that it has on an average day; weekdays differ by up to three times. Parquet is counted, not written.

${report.accountsTable(year)}

${report.billTable(year.bill)}

## One day of ${LARGE_DAY.toLocaleString("en")} sessions

The nightly run for one bot.

${report.accountsTable(large)}

${report.billTable(large.bill)}

## Three days without Kore

${outage.nights.length} nights of ten bots, in full: days are built, published and looked back on. Every request fails from ${OUTAGE.from} to
${OUTAGE.to}. In the end the ledger calls ${sumOf(outage.accounts.map(({ complete }) => complete))} of ${days} days complete.

${report.nightsTable(outage, calm)}

${report.billTable(outage.bill)}

## Requests for a day

By the day's size, over ${EXPECTED_SHAPES.length} shapes: types in equal parts, of 50, 30 and 20 %, 90, 8 and 2 %, 98, 1 and 1 %, and only one, each over
usual and over level hours; above ${ALL_SHAPES_UP_TO.toLocaleString("en")} sessions a third of them. \`one busy hour\` is a day that takes place in one hour, and has no
bound.

${report.sizesTable(sizes)}
`;

function sumOf(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

await writeFile(PAGE, page);
console.log(page);
for (const sentence of wrong) console.error(`does not add up: ${sentence}`);
for (const { what, value, most } of broken)
  console.error(`does not hold: ${what} is ${value.toFixed(3)}, at most ${most}`);
process.exitCode = broken.length > 0 || wrong.length > 0 ? 1 : 0;
