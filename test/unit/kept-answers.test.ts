import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FolderStore } from "../../functions/exporter/archive/folder-store.ts";
import { Quota } from "../../functions/exporter/kore/quota.ts";
import { KoreRefusal } from "../../functions/exporter/kore/refusal.ts";
import type { KoreConnection, SessionsAnswer, SessionsQuery } from "../../functions/exporter/kore/wire.ts";
import { type KeptAnswer, KeptAnswers, requestsBelow } from "../../functions/exporter/steps/kept-answers.ts";
import { Pause } from "../../functions/exporter/steps/pause.ts";
import { RememberingApi } from "../../functions/exporter/steps/remembering-api.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const PREFIX = "days/st-support-0001/2026-01-02/attempt/answers-0-0/";

let root = "";
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kore-answers-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const newStore = () => new FolderStore(join(root, String(count++)), new VirtualClock("2026-01-03T02:15:00Z"));

const question = (skip: number): SessionsQuery => ({ containmentType: "agent", skip, limit: 100 });

function answer(...texts: string[]): SessionsAnswer {
  const sessions = texts.map((text) => ({ raw: Buffer.from(text), value: JSON.parse(text) as unknown }));
  return { total: texts.length, moreAvailable: false, sessions, invalidSessions: [] };
}

/** Asks as a run does: what is known is not asked again. Returns which questions had to be asked. */
async function turn(store: FolderStore, exchanges: readonly (readonly [SessionsQuery, SessionsAnswer])[], most = 99) {
  const kept = await KeptAnswers.load(store, PREFIX);
  const asked: SessionsQuery[] = [];
  for (const [query, given] of exchanges) {
    if (kept.again(query) !== null) continue;
    if (asked.length === most) break;
    asked.push(query);
    kept.add(query, given);
  }
  await kept.keep(asked.length);
  return asked;
}

/** Any JSON text, also as nobody would write it, with characters of every length. */
const jsonText = fc.oneof(
  fc.json({ stringUnit: "binary", maxDepth: 3 }),
  fc.string({ unit: "grapheme" }).map((text) => JSON.stringify({ sessionId: text })),
  fc.constantFrom('{\n "a": 1\r\n}\n', ' {"😀":"\\ud83d"} ', '"\\u2028 👩‍👩‍👧‍👦"', "null", '{"a":1,"a":2}', "1e400"),
);
const anyPage: fc.Arbitrary<SessionsAnswer> = fc.record({
  total: fc.option(fc.nat()),
  moreAvailable: fc.option(fc.boolean()),
  sessions: fc.array(
    jsonText.map((text) => ({ raw: Buffer.from(text), value: JSON.parse(Buffer.from(text).toString()) as unknown })),
    { maxLength: 6 },
  ),
  invalidSessions: fc.array(
    fc.string({ unit: "binary" }).map((text) => text.toWellFormed()),
    { maxLength: 3 },
  ),
});
const anyAnswer: fc.Arbitrary<KeptAnswer> = fc.oneof(
  { weight: 5, arbitrary: anyPage },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme" }).map((message) => new KoreRefusal(400, message)) },
);
const anyQuery: fc.Arbitrary<SessionsQuery> = fc.record(
  { userId: fc.string({ unit: "binary" }), skip: fc.nat(), tags: fc.dictionary(fc.string(), fc.string()) },
  { requiredKeys: [] },
);

describe("answers that are kept", () => {
  test("come back byte for byte, over any number of turns", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.tuple(anyQuery, anyAnswer), { maxLength: 4 }), { maxLength: 4 }),
        async (turns) => {
          const store = newStore();
          const before: (readonly [SessionsQuery, KeptAnswer])[] = [];
          for (const exchanges of [...turns, []]) {
            const kept = await KeptAnswers.load(store, PREFIX);
            for (const [query, given] of before) expect(kept.again(query)).toEqual(given);
            for (const [query, given] of exchanges) {
              expect(kept.again(query)).toBe(null);
              kept.add(query, given);
            }
            expect(kept.fresh).toBe(exchanges.length);
            await kept.keep(exchanges.length);
            expect(kept.fresh).toBe(0);
            before.push(...exchanges);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  test("keep their order beyond the tenth turn", async () => {
    const store = newStore();
    const all = Array.from({ length: 13 }, (_, n) => [question(n), answer(`{"n":${n}}`)] as const);
    for (let n = 0; n < all.length; n++) expect(await turn(store, all, 1)).toEqual([question(n)]);
    expect(await turn(store, all)).toEqual([]);
  });

  test("are given by the text of the session, and not by what was made of it", async () => {
    const store = newStore();
    const text = '{"a":1,"a":2, "big":12345678901234567890}';
    await turn(store, [[question(0), answer(text)]]);
    const again = (await KeptAnswers.load(store, PREFIX)).again(question(0));
    expect(again).toEqual({ ...answer(text), sessions: [{ raw: Buffer.from(text), value: JSON.parse(text) }] });
  });

  test("may be added to by the process that kept them", async () => {
    const store = newStore();
    const kept = await KeptAnswers.load(store, PREFIX);
    kept.add(question(0), answer('{"n":0}'));
    await kept.keep(1);
    kept.add(question(1), answer('{"n":1}'));
    await kept.keep(2);
    const again = await KeptAnswers.load(store, PREFIX);
    expect([again.again(question(0)), again.again(question(1))]).toEqual([answer('{"n":0}'), answer('{"n":1}')]);
    expect(await requestsBelow(store, PREFIX)).toBe(3);
  });

  test("end at a question that is not the one of before", async () => {
    const store = newStore();
    await turn(
      store,
      [0, 1, 2].map((n) => [question(n), answer()] as const),
    );
    const kept = await KeptAnswers.load(store, PREFIX);
    expect(kept.again(question(0))).not.toBe(null);
    expect(kept.again(question(7))).toBe(null);
    expect(kept.again(question(1))).toBe(null);
  });

  test("go on from another course than before, which is not asked about twice", async () => {
    const store = newStore();
    await turn(
      store,
      [0, 1, 2].map((n) => [question(n), answer()] as const),
    );
    const otherCourse = [0, 7, 8, 9].map((n) => [question(n), answer(`{"n":${n}}`)] as const);
    expect(await turn(store, otherCourse, 1)).toEqual([question(7)]);
    expect(await turn(store, otherCourse, 1)).toEqual([question(8)]);
    expect(await turn(store, otherCourse, 1)).toEqual([question(9)]);
    expect(await turn(store, otherCourse)).toEqual([]);
  });

  test("may be refusals, which are told by their status", async () => {
    const store = newStore();
    const kept = await KeptAnswers.load(store, PREFIX);
    kept.add(question(0), new KoreRefusal(412, "no"));
    kept.add(question(1), answer('{"n":1}'));
    await kept.keep(2);
    const again = await KeptAnswers.load(store, PREFIX);
    const refusal = again.again(question(0));
    expect(refusal).toBeInstanceOf(KoreRefusal);
    expect(refusal).toMatchObject({ status: 412, message: "no" });
    expect(again.again(question(1))).toEqual(answer('{"n":1}'));
  });

  test("of other questions are left alone", async () => {
    const store = newStore();
    await turn(store, [[question(0), answer("{}")]]);
    const other = await KeptAnswers.load(store, PREFIX.replace("answers-0-0", "answers-0-1"));
    expect(other.again(question(0))).toBe(null);
  });

  test("that are damaged are no answers", async () => {
    const store = newStore();
    await store.writeIf(`${PREFIX}00000-1.gz`, Buffer.from("no gzip"), null);
    await expect(KeptAnswers.load(store, PREFIX)).rejects.toThrow();
  });
});

describe("the requests that answers took", () => {
  test("are summed over every question of a day", async () => {
    const store = newStore();
    for (const [topic, ...requests] of [
      ["plan/", 1],
      ["answers-0-0/", 60, 12],
      ["answers-1-0/", 7],
    ] as const) {
      for (const [n, count] of requests.entries()) {
        const kept = await KeptAnswers.load(store, `days/one/${topic}`);
        for (let known = 0; known < n; known++) kept.again(question(known));
        kept.add(question(n), answer());
        await kept.keep(count);
      }
    }
    expect(await requestsBelow(store, "days/one/")).toBe(80);
    expect(await requestsBelow(store, "days/one/answers-0-0/")).toBe(72);
    expect(await requestsBelow(store, "days/other/")).toBe(0);
  });

  test("count where no answer came", async () => {
    const store = newStore();
    const kept = await KeptAnswers.load(store, PREFIX);
    await kept.keep(8);
    await (await KeptAnswers.load(store, PREFIX)).keep(5);
    expect(await requestsBelow(store, PREFIX)).toBe(13);
    expect((await KeptAnswers.load(store, PREFIX)).again(question(0))).toBe(null);
  });

  test("leave nothing where nothing was asked", async () => {
    const store = newStore();
    await (await KeptAnswers.load(store, PREFIX)).keep(0);
    expect(await Array.fromAsync(store.list(""))).toEqual([]);
  });
});

describe("asking in turns", () => {
  /** A turn that wants as many answers as it can have, for a quota of three a minute all of which was used some time ago. */
  async function turnAfter(usedMsAgo: number): Promise<{ asked: number; slept: number[]; pause: unknown }> {
    const clock = new VirtualClock("2026-01-03T02:15:00Z");
    const ended = [clock.now() - usedMsAgo, clock.now() - usedMsAgo, clock.now() - usedMsAgo];
    const quota = new Quota({ perMinute: 3, perHour: 0 }, clock, 3, { ended, granted: 0, expected: null });
    let attempts = 0;
    const client: KoreConnection = {
      get attempts() {
        return attempts;
      },
      expect: () => {},
      close: async () => {},
      sessions: () =>
        quota.run(
          async () => {
            attempts++;
            return answer("{}");
          },
          () => {},
        ),
    };
    const api = new RememberingApi(await KeptAnswers.load(newStore(), PREFIX), client, quota, clock, 3);
    const pause = await (async () => {
      for (let skip = 0; ; skip++) await api.sessions(question(skip));
    })().catch((error: unknown) => error);
    return { asked: attempts, slept: clock.slept, pause };
  }

  test("pauses until a second before Kore may be asked again, since a turn takes time to start", async () => {
    const { asked, slept, pause } = await turnAfter(20_000);
    expect({ asked, slept }).toEqual({ asked: 0, slept: [] });
    expect(pause).toBeInstanceOf(Pause);
    expect(pause).toMatchObject({ waitMs: 60_100 - 20_000 - 1_000 });
  });

  test("waits where it is for up to five seconds, and pauses when its requests are used up", async () => {
    const { asked, slept, pause } = await turnAfter(55_100);
    expect({ asked, slept }).toEqual({ asked: 3, slept: [5_000] });
    expect(pause).toMatchObject({ waitMs: 60_100 - 1_000 });
  });
});
