import { describe, expect, test } from "vitest";
import { BOT, DAY, type Scenario, startScenario } from "../support/scenario.ts";

const TYPES = ["dropOff", "selfService", "agent"];

/** Requests that reading each type's list page by page takes at least: floor(rows / page cap) + 1. */
function pageMinimum({ kore }: Scenario, windows: readonly [number, number][], pageCap: number): number {
  return windows
    .flatMap(([from, to]) =>
      TYPES.map(
        (type) =>
          kore.store
            .select(BOT, type, from - 1, to)
            .rows()
            .toArray().length,
      ),
    )
    .reduce((sum, rows) => sum + Math.floor(rows / pageCap) + 1, 0);
}

const FROM = Date.parse(DAY);
const TO = FROM + 86_400_000;

describe("a clean day costs", () => {
  test.each([0, 1, 60, 300])("of %i sessions, at most the page minimum and 5 requests", async (sessionsPerDay) => {
    const scenario = await startScenario({ sessionsPerDay, pageCap: 20 });
    expect((await scenario.exportDay()).code).toBe(0);
    const minimum = pageMinimum(scenario, [[FROM, TO]], 20);
    expect(scenario.kore.requests.length).toBeLessThanOrEqual(minimum + 5);
    expect((await scenario.ledger()).requests).toBe(scenario.kore.requests.length);
  });

  test("in several slices, 5 more for each, one for each split, and 4 for the day", async () => {
    const scenario = await startScenario({ sessionsPerDay: 400, pageCap: 20 });
    expect(await scenario.exportSliced(60)).toMatchObject({ ok: true });
    expect(await scenario.archived()).toEqual(scenario.truth());
    const slices = new Set(
      scenario.kore.requests
        .map(({ body }) => JSON.stringify(windowOf(body)))
        .filter((key) => key !== JSON.stringify([FROM, TO])),
    );
    const leaves = [...slices].map((key) => JSON.parse(key) as [number, number]).filter((one) => !isSplit(one, slices));
    expect(leaves.length).toBeGreaterThan(6);
    const minimum = pageMinimum(scenario, leaves, 20);
    const splits = leaves.length - 1;
    expect(scenario.kore.requests.length).toBeLessThanOrEqual(minimum + 5 * leaves.length + splits + 4);
    expect(scenario.kore.requests.every(({ quotaExceeded }) => quotaExceeded === undefined)).toBe(true);
  });
});

describe("a day of several slices", () => {
  test("is read again where a slice changed while others were read", async () => {
    const scenario = await startScenario({ sessionsPerDay: 200, pageCap: 20 });
    const moving = (await scenario.anySession("agent")) ?? "";
    scenario.kore.misbehave({
      kind: "before-request",
      after: 40,
      times: 1,
      change: (store) => void store.update(BOT, moving, { containmentType: "dropOff" }),
    });
    expect(await scenario.exportSliced(40)).toMatchObject({ ok: true });
    expect(await scenario.archived()).toEqual(scenario.truth());
  });

  test("shrinks to fewer parts without showing a row twice", async () => {
    const scenario = await startScenario({ sessionsPerDay: 200, pageCap: 20 });
    await scenario.exportSliced(40);
    expect(await scenario.exportSliced(1_000)).toMatchObject({ ok: true });
    expect(await scenario.archived()).toEqual(scenario.truth());
    expect((await scenario.ledger()).files.filter((file) => file.row_count === 0).length).toBeGreaterThan(3);
  });
});

/** The slice that a request asked about, from the question that reaches one millisecond further. */
function windowOf(body: unknown): [number, number] {
  const { dateFrom, dateTo } = body as { dateFrom: string; dateTo: string };
  return [Date.parse(dateFrom) + 1, Date.parse(dateTo)];
}

/** True for a window that was itself cut in two. */
function isSplit([from, to]: [number, number], windows: ReadonlySet<string>): boolean {
  return windows.has(JSON.stringify([from, from + Math.floor((to - from) / 2)]));
}
