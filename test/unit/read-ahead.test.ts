import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readList } from "../../functions/exporter/kore/paging.ts";
import { ReadAhead } from "../../functions/exporter/kore/read-ahead.ts";
import {
  type SessionsAnswer,
  type SessionsApi,
  type SessionsQuery,
  sessionOf,
} from "../../functions/exporter/kore/wire.ts";

/** A request that somebody waits for. */
interface Asked {
  readonly query: SessionsQuery;
  readonly signal: AbortSignal | undefined;
  readonly answer: PromiseWithResolvers<SessionsAnswer>;
}

/** An API whose answers are given by hand. */
class SlowApi implements SessionsApi {
  readonly asked: Asked[] = [];
  expected = 0;

  expect(requests: number): void {
    this.expected = requests;
  }

  sessions(query: SessionsQuery, signal?: AbortSignal): Promise<SessionsAnswer> {
    const answer = Promise.withResolvers<SessionsAnswer>();
    signal?.addEventListener("abort", () => answer.reject(signal.reason));
    this.asked.push({ query, signal, answer });
    return answer.promise;
  }

  get skips(): (number | undefined)[] {
    return this.asked.map(({ query }) => query.skip);
  }
}

const ALL = { containmentType: "agent", dateFrom: "2026-01-01", dateTo: "2026-01-02" } as const;
const at = (skip: number, limit = 10): SessionsQuery => ({ ...ALL, skip, limit });

function page(total: number | null, rows: number): SessionsAnswer {
  const sessions = Array.from({ length: rows }, (_, index) => sessionOf(Buffer.from(`{"sessionId":"${index}"}`)));
  return { total, moreAvailable: true, sessions, invalidSessions: [] };
}

/** A reader that has had the first page of a list of so many sessions. */
async function afterFirstPage(total: number | null, rows = 10): Promise<{ api: SlowApi; ahead: ReadAhead }> {
  const api = new SlowApi();
  const ahead = new ReadAhead(api);
  const first = ahead.sessions(at(0));
  api.asked[0]?.answer.resolve(page(total, rows));
  await first;
  return { api, ahead };
}

describe("reading ahead", () => {
  test("asks for the page behind the wanted one while that is under way, and for it only once", async () => {
    const { api, ahead } = await afterFirstPage(40);
    expect(api.skips).toEqual([0]);
    const second = ahead.sessions(at(10));
    expect(api.skips).toEqual([0, 10, 20]);
    api.asked[1]?.answer.resolve(page(40, 10));
    await second;
    const third = ahead.sessions(at(20));
    expect(api.skips).toEqual([0, 10, 20, 30]);
    api.asked[2]?.answer.resolve(page(40, 10));
    expect((await third).sessions).toHaveLength(10);
    const fourth = ahead.sessions(at(30));
    expect(api.skips).toEqual([0, 10, 20, 30]);
    api.asked[3]?.answer.resolve(page(40, 10));
    expect((await fourth).total).toBe(40);
  });

  test.each([
    ["the list ends there", 20, 10],
    ["the page before was not full", 40, 9],
    ["no total was given", null, 10],
  ])("asks for nothing ahead where %s", async (_, total, rows) => {
    const { api, ahead } = await afterFirstPage(total, rows);
    void ahead.sessions(at(rows));
    expect(api.skips).toEqual([0, rows]);
  });

  test("gives up the page ahead where another one is wanted, and asks for that", async () => {
    const { api, ahead } = await afterFirstPage(40);
    const second = ahead.sessions(at(10));
    api.asked[1]?.answer.resolve(page(40, 4));
    await second;
    void ahead.sessions(at(14));
    expect(api.skips).toEqual([0, 10, 20, 14]);
    expect(api.asked[2]?.signal?.aborted).toBe(true);
  });

  test("does not take a page of another list for the next one", async () => {
    const { api, ahead } = await afterFirstPage(40);
    void ahead.sessions({ ...at(10), containmentType: "dropOff" });
    expect(api.asked.map(({ query }) => query.containmentType)).toEqual(["agent", "dropOff"]);
  });

  test("tells of a failure once, and gives up the page ahead", async () => {
    const { api, ahead } = await afterFirstPage(40);
    const second = ahead.sessions(at(10));
    api.asked[1]?.answer.reject(new Error("refused"));
    await expect(second).rejects.toThrow("refused");
    expect(api.asked[2]?.signal?.aborted).toBe(true);
  });

  test("tells of the failure of a page ahead when that page is wanted", async () => {
    const { api, ahead } = await afterFirstPage(40);
    const second = ahead.sessions(at(10));
    api.asked[2]?.answer.reject(new Error("refused"));
    api.asked[1]?.answer.resolve(page(40, 10));
    await second;
    await expect(ahead.sessions(at(20))).rejects.toThrow("refused");
  });

  test("gives up both pages when interrupted", async () => {
    const { api, ahead } = await afterFirstPage(40);
    const interrupt = new AbortController();
    const second = ahead.sessions(at(10), interrupt.signal);
    interrupt.abort(new Error("interrupted"));
    await expect(second).rejects.toThrow("interrupted");
    expect(api.asked.map(({ signal }) => signal?.aborted ?? false)).toEqual([false, true, true]);
  });

  test("passes on how many requests are expected", () => {
    const api = new SlowApi();
    new ReadAhead(api).expect(7);
    expect(api.expected).toBe(7);
  });

  test("brings the same rows as without, for the same requests, whatever the list does", async () => {
    const sizes = fc.record({
      rows: fc.nat(120),
      pageSize: fc.integer({ min: 1, max: 20 }),
      cap: fc.option(fc.nat(20)),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ rows, pageSize, cap }) => {
        const list = Array.from({ length: rows }, (_, index) => sessionOf(Buffer.from(String(index))));
        const read = async (wrap: (api: SessionsApi) => SessionsApi) => {
          const skips: number[] = [];
          const seen: string[] = [];
          const api: SessionsApi = {
            expect: () => {},
            sessions: async ({ skip = 0, limit = 0 }) => {
              skips.push(skip);
              const sessions = list.slice(skip, skip + Math.min(limit, cap === null ? limit : cap + 1));
              return { total: rows, moreAvailable: skip + sessions.length < rows, sessions, invalidSessions: [] };
            },
          };
          const take = (sessions: SessionsAnswer["sessions"]) =>
            seen.push(...sessions.map(({ raw }) => raw.toString())) && sessions.length;
          await readList(wrap(api), ALL, pageSize, 1_000, take);
          return { skips: skips.sort((one, other) => one - other), seen };
        };
        expect(await read((api) => new ReadAhead(api))).toEqual(await read((api) => api));
      }),
    );
  });
});
