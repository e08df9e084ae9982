import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { daysFromTo } from "../../functions/exporter/export/calendar.ts";
import { estimateSessions, requestsForDays } from "../../functions/exporter/export/estimate.ts";
import { shortestTimeMs } from "../../functions/exporter/kore/quota-floor.ts";
import type { SessionsAnswer, SessionsQuery } from "../../functions/exporter/kore/wire.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** When the last of so many requests goes out if each is sent as early as both rolling windows let it. */
function simulated(requests: number, perMinute: number, perHour: number): number {
  const sent: number[] = [];
  for (let n = 0; n < requests; n++) {
    const freeAt = (limit: number, windowMs: number) =>
      limit === 0 ? 0 : (sent[n - limit] ?? Number.NEGATIVE_INFINITY) + windowMs;
    sent.push(Math.max(sent.at(-1) ?? 0, freeAt(perMinute, MINUTE_MS), freeAt(perHour, HOUR_MS)));
  }
  return sent.at(-1) ?? 0;
}

describe("the least time that the quota allows", () => {
  test("is when the last request goes out if each goes as early as it can", () => {
    const limit = fc.oneof(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 600 }));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_500 }), limit, limit, (requests, perMinute, perHour) => {
        expect(shortestTimeMs(requests, { perMinute, perHour })).toBe(simulated(requests, perMinute, perHour));
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    [1, 0],
    [60, 0],
    [61, MINUTE_MS],
    [1_800, 29 * MINUTE_MS],
    [1_801, HOUR_MS],
    [36_500, 20 * HOUR_MS + 8 * MINUTE_MS],
  ])("for %d requests with Kore's own quota is %d ms", (requests, ms) => {
    expect(shortestTimeMs(requests, { perMinute: 60, perHour: 1_800 })).toBe(ms);
  });

  test("grows with the minute alone where that allows less than the hour", () => {
    expect(shortestTimeMs(62, { perMinute: 1, perHour: 61 })).toBe(61 * MINUTE_MS);
    expect(shortestTimeMs(62, { perMinute: 1, perHour: 60 })).toBe(61 * MINUTE_MS);
    expect(shortestTimeMs(60, { perMinute: 1, perHour: 59 })).toBe(60 * MINUTE_MS);
    expect(shortestTimeMs(1_000, { perMinute: 1, perHour: 1_800 })).toBe(999 * MINUTE_MS);
  });
});

/** An API with a session at the start of each hour, which keeps what it was asked; `total` replaces its count. */
function hourlyApi(total?: SessionsAnswer["total"]) {
  const asked: { from: number; to: number }[] = [];
  const sessions = async ({ dateFrom = "", dateTo = "" }: SessionsQuery): Promise<SessionsAnswer> => {
    const window = { from: Date.parse(dateFrom), to: Date.parse(dateTo) };
    asked.push(window);
    const count = Math.floor(window.to / HOUR_MS) - Math.ceil(window.from / HOUR_MS) + 1;
    return { sessions: [], total: total === undefined ? count : total, moreAvailable: false, invalidSessions: [] };
  };
  const reader = { api: { sessions, expect() {} }, source: { kind: "account" } as const, pageSize: 100 };
  return { asked, reader };
}

describe("the estimate of the sessions of a range", () => {
  test("counts a year in 53 questions, each shorter than the API allows", async () => {
    const { asked, reader } = hourlyApi();
    const days = daysFromTo("2025-01-01", "2025-12-31");
    const sessions = await estimateSessions(reader, days.toReversed(), "Europe/Berlin");
    expect(asked).toHaveLength(53);
    expect(Math.max(...asked.map(({ from, to }) => to - from))).toBeLessThan(7 * 24 * HOUR_MS);
    expect(sessions).toBeGreaterThanOrEqual(365 * 24);
    expect(sessions).toBeLessThanOrEqual(365 * 24 + 53);
    expect(asked[0]?.from).toBe(Date.parse("2024-12-31T23:00:00Z") - 1);
    expect(asked.at(-1)?.to).toBe(Date.parse("2025-12-31T23:00:00Z"));
  });

  test("leaves out what lies between the days", async () => {
    const { asked, reader } = hourlyApi();
    await estimateSessions(reader, ["2025-03-01", "2025-01-01", "2025-01-02"], "UTC");
    expect(asked.map(({ from, to }) => [new Date(from + 1).toISOString(), new Date(to).toISOString()])).toEqual([
      ["2025-01-01T00:00:00.000Z", "2025-01-03T00:00:00.000Z"],
      ["2025-03-01T00:00:00.000Z", "2025-03-02T00:00:00.000Z"],
    ]);
  });

  test("is unknown where the API gives no totals, and zero for no days", async () => {
    const { asked, reader } = hourlyApi(null);
    expect(await estimateSessions(reader, ["2025-01-01", "2025-06-01"], "UTC")).toBeNull();
    expect(asked).toHaveLength(1);
    expect(await estimateSessions(reader, [], "UTC")).toBe(0);
  });
});

describe("the requests that days cost", () => {
  test("are their pages, and eight for each slice or day", () => {
    expect(requestsForDays(0, 31, 100)).toBe(31 * 8 + 4);
    expect(requestsForDays(310_000, 31, 100)).toBe(3_100 + 31 * 8 + 4);
    expect(requestsForDays(300_000, 1, 100)).toBe(3_000 + 10 * 8 + 4);
  });
});
