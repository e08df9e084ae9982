import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Quota } from "../../functions/exporter/kore/quota.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Sends requests one after another; returns when the server may have seen each, at the earliest and the latest. */
async function send(
  count: number,
  limits: { perMinute: number; perHour: number },
  durationMs: (n: number) => number,
  batch = 1,
) {
  const clock = new VirtualClock("2026-01-01T00:00:00Z");
  const quota = new Quota(limits, clock, batch);
  const seen: { from: number; to: number }[] = [];
  const waits: number[] = [];
  for (let n = 0; n < count; n++) {
    await quota.run(
      async () => {
        const from = clock.now();
        clock.advance(durationMs(n));
        seen.push({ from, to: clock.now() });
      },
      (ms) => waits.push(ms),
    );
  }
  return { seen, waits, tookMs: clock.now() - Date.parse("2026-01-01T00:00:00Z") };
}

/** The most requests that any rolling window can have held, whenever between its two times each arrived. */
function mostIn(windowMs: number, seen: readonly { from: number; to: number }[]): number {
  let most = 0;
  for (const [first, { to }] of seen.entries()) {
    const within = seen.slice(first).filter(({ from }) => from < to + windowMs).length;
    most = Math.max(most, within);
  }
  return most;
}

describe("the quota", () => {
  test("is exceeded in no rolling window, however long requests take", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.integer({ min: 0, max: 30_000 }), { minLength: 1, maxLength: 150 }),
        fc.boolean(),
        async (perMinute, perHour, durations, inBatches) => {
          const batch = inBatches ? Math.min(perMinute, perHour) : 1;
          const { seen } = await send(durations.length, { perMinute, perHour }, (n) => durations[n] ?? 0, batch);
          expect(mostIn(MINUTE_MS, seen)).toBeLessThanOrEqual(perMinute);
          expect(mostIn(HOUR_MS, seen)).toBeLessThanOrEqual(perHour);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("lets half of the hour's requests go as fast as the minute allows", async () => {
    const { tookMs } = await send(900, { perMinute: 60, perHour: 1_800 }, () => 0);
    expect(tookMs).toBeLessThan(15 * MINUTE_MS);
  });

  test("never lets a long job stand still for more than about a minute", async () => {
    const { waits } = await send(5_000, { perMinute: 60, perHour: 1_800 }, () => 250);
    expect(Math.max(...waits)).toBeLessThan(1.1 * MINUTE_MS);
  });

  test("costs a long job at most 5 % more than the hourly limit itself", async () => {
    const count = 20_000;
    const { tookMs } = await send(count, { perMinute: 60, perHour: 1_800 }, () => 0);
    const fullHours = Math.floor((count - 1) / 1_800);
    const floorMs = fullHours * HOUR_MS + Math.floor(((count - 1) % 1_800) / 60) * MINUTE_MS;
    expect(tookMs / floorMs).toBeLessThan(1.05);
  });

  test("lets batches fill every place of the hour", async () => {
    const { tookMs } = await send(20_000, { perMinute: 60, perHour: 1_800 }, () => 400, 60);
    const floorMs = 11 * HOUR_MS + 3 * MINUTE_MS;
    expect(tookMs / floorMs).toBeLessThan(1.02);
  });

  test("goes on from its state as if it had never ended", async () => {
    const clock = new VirtualClock("2026-01-01T00:00:00Z");
    const limits = { perMinute: 5, perHour: 0 };
    const first = new Quota(limits, clock, 5);
    for (let n = 0; n < 5; n++) {
      await first.run(
        async () => undefined,
        () => undefined,
      );
    }
    const second = new Quota(limits, clock, 5, JSON.parse(JSON.stringify(first.state)));
    expect(second.wait()).toBe(first.wait());
    expect(second.wait()).toBeGreaterThan(59_000);
  });

  test("is not spread for work that fits into it", async () => {
    const clock = new VirtualClock("2026-01-01T00:00:00Z");
    const quota = new Quota({ perMinute: 0, perHour: 30 }, clock);
    quota.expect(30);
    for (let n = 0; n < 30; n++)
      await quota.run(
        async () => undefined,
        () => undefined,
      );
    expect(clock.slept).toEqual([]);
    quota.expect(2);
    await quota.run(
      async () => undefined,
      () => undefined,
    );
    expect(clock.slept).toHaveLength(1);
  });

  test("is no limit where it is 0", async () => {
    const { waits } = await send(5_000, { perMinute: 0, perHour: 0 }, () => 0);
    expect(waits).toEqual([]);
  });

  test("counts a request that failed", async () => {
    const clock = new VirtualClock("2026-01-01T00:00:00Z");
    const quota = new Quota({ perMinute: 1, perHour: 0 }, clock);
    const waits: number[] = [];
    await expect(
      quota.run(
        () => Promise.reject(new Error("lost")),
        () => undefined,
      ),
    ).rejects.toThrow("lost");
    await quota.run(
      async () => undefined,
      (ms) => waits.push(ms),
    );
    expect(waits).toHaveLength(1);
  });
});
