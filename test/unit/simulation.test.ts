import { describe, expect, test } from "vitest";
import { discrepancies, type SourceAccount } from "../../bench/simulation/account.ts";
import { simulateBackfill } from "../../bench/simulation/backfill.ts";
import {
  longestFloorMs,
  MOST_REQUEST_RATIO,
  MOST_TIME_RATIO,
  ratioOf,
  timeBound,
} from "../../bench/simulation/bounds.ts";
import { TIMES } from "../../bench/simulation/deployment.ts";
import { EventClock } from "../../bench/simulation/event-clock.ts";
import { simulateLargeDay } from "../../bench/simulation/large-day.ts";
import { ModelKore } from "../../bench/simulation/model-kore.ts";
import { ModelledExecution } from "../../bench/simulation/modelled-execution.ts";
import { type OutageOptions, simulateNights } from "../../bench/simulation/outage.ts";
import { costOfDay } from "../../bench/simulation/single-days.ts";
import {
  byType,
  fewestRequests,
  ModelSessions,
  type Traffic,
  USUAL_HOURS,
  weekly,
} from "../../bench/simulation/traffic.ts";

const NOW = "2026-01-02T00:00:00Z";
const DAY_MS = 86_400_000;

const bot = (botId: string, sessionsOn: Traffic["sessionsOn"]): Traffic => {
  return { botId, sessionsOn, mix: [0.5, 0.3], hours: USUAL_HOURS };
};

const total = (accounts: readonly SourceAccount[], of: "sessions" | "requests") =>
  accounts.reduce((sum, account) => sum + account[of], 0);

describe("the event clock", () => {
  test("moves to whoever wakes first once all tasks sleep, and to equals in the order in which they fell asleep", async () => {
    const clock = new EventClock(NOW);
    const seen: string[] = [];
    const wake = async (name: string, ms: number) => {
      await clock.sleep(ms);
      seen.push(`${name} ${clock.now() - Date.parse(NOW)}`);
    };
    await clock.task(() =>
      clock.sideBySide([
        async () => {
          await wake("a", 30);
          await wake("a", 30);
        },
        () => wake("b", 30),
        () => wake("c", 10),
      ]),
    );
    expect(seen).toEqual(["c 10", "a 30", "b 30", "a 60"]);
  });

  test("stands still while a task does real work", async () => {
    const clock = new EventClock(NOW);
    const seen = await clock.task(() =>
      clock.sideBySide([
        async () => {
          for (let turn = 0; turn < 20; turn++) await new Promise((done) => setImmediate(done));
          return clock.now();
        },
        async () => {
          await clock.sleep(1_000);
          return clock.now();
        },
      ]),
    );
    expect(seen).toEqual([Date.parse(NOW), Date.parse(NOW) + 1_000]);
  });

  test("wakes a sleeper whose signal is aborted with its reason, and nobody else", async () => {
    const clock = new EventClock(NOW);
    const end = new AbortController();
    await clock.task(() =>
      clock.sideBySide([
        () => expect(clock.sleep(5_000, end.signal)).rejects.toThrow("enough"),
        async () => {
          await clock.sleep(10);
          end.abort(new Error("enough"));
          await clock.sleep(10);
        },
      ]),
    );
    expect(clock.now()).toBe(Date.parse(NOW) + 20);
  });
});

describe("the model of Kore", () => {
  const sessions = new ModelSessions(bot("st-1", () => 1_000));
  const [first, last] = [Date.parse(NOW), Date.parse(NOW) + DAY_MS - 1];

  test("has as many sessions in a day as in its parts, each once, newest first", () => {
    const page = sessions.page("dropOff", first, last, 0, 1_000);
    const middle = first + 11 * 3_600_000;
    expect(page).toHaveLength(500);
    expect(sessions.count("all", first, last)).toBe(1_000);
    expect(sessions.count("all", first, middle - 1) + sessions.count("all", middle, last)).toBe(1_000);
    expect(new Set(page.map(({ value }) => (value as { sessionId: string }).sessionId)).size).toBe(500);
    const starts = page.map(({ value }) => (value as { start_time: string }).start_time);
    expect(starts).toEqual(starts.toSorted().reverse());
    const pages = [0, 100, 200, 300, 400].flatMap((skip) => sessions.page("dropOff", first, last, skip, 100));
    expect(pages.map(({ raw }) => raw.toString())).toEqual(page.map(({ raw }) => raw.toString()));
  });

  test("joins the types in the list without a type, and days in a window of several", () => {
    const all = sessions.page("all", first - DAY_MS, last, 0, 3_000);
    expect(all).toHaveLength(2_000);
    const starts = all.map(({ value }) => (value as { start_time: string }).start_time);
    expect(starts).toEqual(starts.toSorted().reverse());
  });

  test("ends the simulation at the request that is one too many in a rolling minute", async () => {
    const clock = new EventClock(NOW);
    const quota = { perMinute: 3, perHour: 100 };
    const kore = new ModelKore([bot("st-1", () => 10)], { latencyMs: 0, quota, clock, isDown: () => false });
    const ask = () => kore.answer({ kind: "bot", botId: "st-1" }, { dateFrom: NOW, dateTo: NOW, limit: 1 });
    await clock.task(async () => {
      for (let request = 0; request < 3; request++) await ask();
      await clock.sleep(59_999);
      await expect(ask()).rejects.toThrow("more than 3 requests in 60000 ms");
      await clock.sleep(1);
      await ask();
    });
  });
});

describe("the modelled execution", () => {
  test("counts operations as Lambda does, and runs only while a branch does not wait", async () => {
    const clock = new EventClock(NOW);
    const execution = new ModelledExecution("x", clock, { beginMs: 300, checkpointMs: 0 });
    const sleep = (ms: number) => async () => {
      await clock.sleep(ms);
      return null;
    };
    await clock.task(() =>
      execution.run(async (context) => {
        await context.map("two", [1_000, 4_000], async (branch, ms) => {
          await branch.step("work", sleep(ms));
          await branch.wait("rest", { seconds: 60 });
        });
        await context.step("end", sleep(500));
      }),
    );
    // 1 start, 1 map, 2 branches, 2 steps, 2 waits, 1 step; the second invocation ends before the other branch wakes.
    expect(execution.use).toMatchObject({ operations: 9, invocations: 3, activeMs: 300 + 4_000 + 300 + 300 + 500 });
  });
});

describe("the simulation", () => {
  test("archives a month of two bots within two minutes of the time that the quota needs, and its numbers add up", async () => {
    const traffics = [bot("st-1", weekly(4_500)), bot("st-2", weekly(500))];
    const month = await simulateBackfill(traffics, "2025-12-01", "2025-12-31");
    expect(month.accounts.flatMap(discrepancies)).toEqual([]);
    expect(month.accounts.map(({ complete }) => complete)).toEqual([31, 31]);
    expect(total(month.accounts, "sessions")).toBeGreaterThan(140_000);
    // The hour's quota never binds here. In a year, what each execution needs besides is nothing beside the quota.
    expect(month.wallMs - longestFloorMs(month.accounts, "floorMs")).toBeLessThan(2 * 60_000);
    expect(month.bill.executions).toBe(2);
  });

  test("archives a day of 100,000 with few requests, in little more time than the quota needs", async () => {
    const day = await simulateLargeDay(
      bot("st-1", () => 100_000),
      "2026-01-01",
    );
    const [account] = day.accounts;
    expect(account && discrepancies(account)).toEqual([]);
    expect(account).toMatchObject({ sessions: 100_000, archived: 100_000, fewest: 1_000 });
    expect(account && ratioOf(account)).toBeLessThanOrEqual(MOST_REQUEST_RATIO);
    expect(timeBound("a day", day).value).toBeLessThanOrEqual(MOST_TIME_RATIO);
    const shape = { name: "the same", mix: [0.5, 0.3] as const, hours: USUAL_HOURS };
    expect(await costOfDay(100_000, shape)).toMatchObject({ requests: account?.requests, fewest: account?.fewest });
    // No request is answered in no time.
    expect(day.bill.gbSeconds).toBeGreaterThan(((account?.requests ?? 0) * TIMES.koreLatencyMs) / 1_000);
  });

  test("repairs in one night what a day without Kore broke, and has lost nothing", async () => {
    const options: OutageOptions = {
      traffics: [bot("st-1", weekly(700)), bot("st-2", weekly(200))],
      firstDay: "2026-03-02",
      nights: 5,
      from: "2026-03-04T00:00:00Z",
      to: "2026-03-05T00:00:00Z",
    };
    const outage = await simulateNights(options);
    const calm = await simulateNights({ ...options, to: options.from });
    expect(outage.nights.map(({ unfinished }) => unfinished)).toEqual([0, 2, 0, 0, 0]);
    expect(calm.nights.map(({ unfinished }) => unfinished)).toEqual([0, 0, 0, 0, 0]);
    expect(outage.accounts.flatMap(discrepancies)).toEqual([]);
    expect(total(outage.accounts, "sessions")).toBe(total(calm.accounts, "sessions"));
    // Each bot's one day is asked about eight times, and then in vain; the day after does it again from the start.
    expect(total(outage.accounts, "requests")).toBeLessThanOrEqual(total(calm.accounts, "requests") + 2 * 8);
  });

  test("counts full pages of each type", () => {
    expect(fewestRequests(byType(30_001, [1 / 3, 1 / 3]), 100)).toBe(301);
    expect(fewestRequests(byType(5, [0.5, 0.3]), 100)).toBe(3);
  });
});
