import { gunzipSync } from "node:zlib";
import { request } from "undici";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Fault, type StandIn, sampleSession, startStandIn } from "../../demo/stand-in/server.ts";
import { ask, BOT, dayBody, ids, NOW_MS, OTHER_BOT, page, readAll, token } from "./stand-in-client.ts";

const DAY = "2026-01-02";
let standIn: StandIn;

beforeEach(async () => {
  standIn = await startStandIn({
    from: "2026-01-01",
    to: "2026-01-03",
    sessionsPerDay: 30,
    pageCap: 10,
    requestsPerMinute: 0,
    requestsPerHour: 0,
    clock: { now: () => NOW_MS },
  });
});
afterEach(() => standIn.close());

/** The day without the next midnight, at most ten rows. */
function body(more: Record<string, unknown> = {}) {
  return { dateFrom: `${DAY}T00:00:00.000Z`, dateTo: `${DAY}T23:59:59.999Z`, limit: 10, ...more };
}

function truth(type?: string) {
  return standIn.store
    .between(BOT, Date.parse(DAY), Date.parse(DAY) + 86_400_000)
    .filter((row) => type === undefined || row.containmentType === type);
}

const truthIds = (type?: string) => truth(type).map((row) => row.sessionId);
const statuses = async (count: number, question: object = { body: body() }) => {
  const all: number[] = [];
  for (let index = 0; index < count; index++) all.push((await ask(standIn, question)).status);
  return all;
};

describe("a fault's selectors", () => {
  it("spare the first requests, then hit a number of them", async () => {
    standIn.misbehave({ kind: "refused", status: 503, after: 1, times: 2 });
    expect(await statuses(5)).toEqual([200, 503, 503, 200, 200]);
    expect(standIn.requests.map(({ fault }) => fault)).toEqual([undefined, "refused", "refused", undefined, undefined]);
  });

  it("follow one another", async () => {
    standIn.misbehave({ kind: "refused", status: 429, times: 1 }, { kind: "refused", status: 500, times: 1 });
    expect(await statuses(3)).toEqual([429, 500, 200]);
    expect(standIn.requests.every(({ quotaExceeded }) => quotaExceeded === undefined)).toBe(true);
  });

  it("choose by containment type, or by its absence", async () => {
    standIn.misbehave({ kind: "refused", status: 503, containmentType: "agent" });
    expect(await statuses(1, { type: "agent" })).toEqual([503]);
    expect([...(await statuses(1, { type: "dropOff" })), ...(await statuses(1))]).toEqual([200, 200]);
    standIn.misbehave({ kind: "refused", status: 412, containmentType: null });
    expect(await statuses(1, { type: "agent" })).toEqual([200]);
    const unfiltered = await ask(standIn, { body: body() });
    expect(JSON.parse(unfiltered.text)).toEqual({
      errors: [{ msg: "Validation errors/ Invalid arguments", code: 412 }],
    });
  });

  it("choose by source, page and day", async () => {
    standIn.misbehave({ kind: "refused", status: 503, source: OTHER_BOT });
    expect([...(await statuses(1)), ...(await statuses(1, { source: OTHER_BOT }))]).toEqual([200, 503]);
    standIn.misbehave({ kind: "refused", status: 503, onlyPages: true });
    expect([...(await statuses(1, { body: body({ limit: 1 }) })), ...(await statuses(1))]).toEqual([200, 503]);
    standIn.misbehave({ kind: "refused", status: 503, day: DAY });
    const others = [{ body: dayBody("2026-01-01") }, { body: dayBody("2026-01-03") }];
    expect([...(await statuses(1)), ...(await statuses(1, others[0])), ...(await statuses(1, others[1]))]).toEqual([
      503, 200, 200,
    ]);
  });

  it("do not take the millisecond before a window for its day", async () => {
    standIn.misbehave({ kind: "refused", status: 503, day: "2026-01-01" });
    const early = (dateFrom: string) => statuses(1, { body: body({ dateFrom }) });
    expect(await early("2026-01-01T23:59:59.999Z")).toEqual([200]);
    expect(await early("2026-01-01T23:00:00.000Z")).toEqual([503]);
  });

  it("do not see a request that is refused anyway", async () => {
    standIn.misbehave({ kind: "refused", status: 503, times: 1 });
    expect((await ask(standIn, { auth: "" })).status).toBe(401);
    expect(await statuses(2)).toEqual([503, 200]);
  });

  it("are cleared by misbehave()", async () => {
    standIn.misbehave({ kind: "refused", status: 503 });
    standIn.misbehave();
    expect(await statuses(1)).toEqual([200]);
  });
});

describe("in the place of the answer", () => {
  it.each([
    [{ kind: "refused", status: 429 }, null],
    [{ kind: "refused", status: 429, retryAfterSeconds: 7 }, "7"],
    [
      { kind: "refused", status: 503, retryAfterSeconds: 7, retryAfterForm: "http-date" },
      "Mon, 05 Jan 2026 08:00:07 GMT",
    ],
  ] satisfies [Fault, string | null][])("%o refuses with Retry-After %s", async (fault, retryAfter) => {
    standIn.misbehave(fault);
    const answer = await ask(standIn);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([fault.status, retryAfter]);
    expect(JSON.parse(answer.text).errors[0].msg).toMatch(/Rate limit|Internal Server Error/);
  });

  it("reset breaks the connection", async () => {
    standIn.misbehave({ kind: "reset", times: 1 });
    await expect(ask(standIn, { body: body() })).rejects.toMatchObject({ cause: { code: "ECONNRESET" } });
    expect(await statuses(1)).toEqual([200]);
    expect(standIn.requests[0]).toMatchObject({ status: 0, rows: 0, fault: "reset" });
  });

  it("hang never answers, and does not keep the server from closing", async () => {
    standIn.misbehave({ kind: "hang" });
    const stopped = new AbortController();
    const waiting = ask(standIn, { signal: stopped.signal });
    const outcome = expect(waiting).rejects.toThrow();
    while (standIn.requests.length === 0) await new Promise(setImmediate);
    stopped.abort();
    await outcome;
    const other = expect(ask(standIn)).rejects.toThrow();
    while (standIn.requests.length === 1) await new Promise(setImmediate);
    await standIn.close();
    await other;
  });

  it.each([
    ["html", 200, "text/html; charset=utf-8", /^<!DOCTYPE html>/],
    ["null", 200, "application/json; charset=utf-8", /^null$/],
    ["array", 200, "application/json; charset=utf-8", /^\[\]$/],
    ["no-sessions", 200, "application/json; charset=utf-8", /^\{"total":0,"moreAvailable":false\}$/],
    ["empty", 200, "application/json; charset=utf-8", /^$/],
    ["no-content", 204, null, /^$/],
    ["redirect", 302, "application/json; charset=utf-8", /^$/],
    ["encrypted-object", 200, "application/json; charset=utf-8", /^\{"data":"[A-Za-z0-9+/]+=*"\}$/],
    ["encrypted-string", 200, "application/json; charset=utf-8", /^"[A-Za-z0-9+/]+=*"$/],
    ["encrypted-jwe", 200, "application/jose", /^([\w-]+\.){4}[\w-]+$/],
  ] as const)("%s comes with status %i", async (shape, status, type, text) => {
    standIn.misbehave({ kind: "foreign-answer", shape });
    const answer = await ask(standIn);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([status, type]);
    expect(answer.text).toMatch(text);
  });

  it("redirect shows who follows it", async () => {
    standIn.misbehave({ kind: "foreign-answer", shape: "redirect" });
    const location = (await ask(standIn)).headers.get("location") ?? "";
    await (await request(new URL(location, standIn.url))).body.dump();
    expect(standIn.requests.at(-1)).toMatchObject({ status: 404, source: null });
  });
});

describe("in the reading", () => {
  it("page-cap shortens pages", async () => {
    standIn.misbehave({ kind: "page-cap", rows: 4 });
    expect(await page(standIn, { body: body() })).toMatchObject({
      total: 30,
      moreAvailable: true,
      sessions: { length: 4 },
    });
    expect(ids(await readAll(standIn, { body: body() }, 10))).toEqual(truthIds());
  });

  it("skip-ignored gives the first page for ever", async () => {
    standIn.misbehave({ kind: "skip-ignored" });
    const first = await page(standIn, { body: body() });
    expect(await page(standIn, { body: body({ skip: 20 }) })).toEqual(first);
  });

  it.each([
    ["inclusive", 30],
    ["exclusive", 28],
    ["exclusive-lower", 29],
    ["exclusive-upper", 29],
  ] as const)("%s bounds hold %i sessions", async (bounds, total) => {
    standIn.misbehave({ kind: "bounds", bounds });
    expect((await page(standIn, { body: body() })).total).toBe(total);
  });

  it("window-ignored gives all the bot's sessions", async () => {
    standIn.misbehave({ kind: "window-ignored" });
    expect((await page(standIn, { body: body() })).total).toBe(90);
  });

  it("two-types returns a session under another type too, in its place", async () => {
    const [guest] = truth("dropOff").slice(3);
    standIn.misbehave({ kind: "two-types", sessionId: guest?.sessionId ?? "", under: "agent" });
    const expected = truth().filter((row) => row.containmentType === "agent" || row === guest);
    const agent = await readAll(standIn, { type: "agent", body: body() }, 2);
    expect([agent.total, ids(agent)]).toEqual([expected.length, expected.map((row) => row.sessionId)]);
    expect((await page(standIn, { type: "dropOff", body: body() })).total).toBe(truth("dropOff").length);
    expect((await page(standIn, { body: body() })).total).toBe(30);
    const nextDay = await readAll(standIn, { type: "agent", body: dayBody("2026-01-03") });
    expect(ids(nextDay)).not.toContain(guest?.sessionId);
  });

  it("repeated-rows sends the first row of a page twice", async () => {
    standIn.misbehave({ kind: "repeated-rows", of: "page-first", counted: false });
    const read = await readAll(standIn, { body: body() });
    const [a = [], b = [], c = [], d = []] = [0, 9, 18, 27].map((from) => truthIds().slice(from, from + 9));
    expect(ids(read)).toEqual([a, b, c, d].flatMap((nine) => [nine[0], ...nine]));
    expect(read.total).toBe(30);
  });

  it("repeated-rows sends the last row of a page again as the next one's first", async () => {
    standIn.misbehave({ kind: "repeated-rows", of: "previous-page-last", counted: true });
    const read = await readAll(standIn, { body: body() });
    const all = truthIds();
    expect(ids(read)).toEqual([...all.slice(0, 10), ...all.slice(9, 19), ...all.slice(18, 28), ...all.slice(27)]);
    expect(read.total).toBe(33);
  });

  it.each(["page-first", "previous-page-last"] as const)(
    "repeated-rows (%s) is the same list whatever the limit of a request",
    async (of) => {
      standIn.misbehave({ kind: "repeated-rows", of, counted: true, every: 4 });
      const inTens = await readAll(standIn, { body: body() }, 10);
      const inThrees = await readAll(standIn, { body: body() }, 3);
      expect(ids(inThrees)).toEqual(ids(inTens));
      expect(inTens.sessions).toHaveLength(inTens.total);
      expect([...new Set(ids(inTens))]).toEqual(truthIds());
      expect((await page(standIn, { body: body({ limit: 1 }) })).total).toBe(inTens.total);
    },
  );

  it("repeated-rows does not follow a last full page with a page of one repeated row", async () => {
    standIn.misbehave({ kind: "repeated-rows", of: "previous-page-last", counted: true, every: 30 });
    const read = await readAll(standIn, { body: body() });
    expect([read.total, ids(read)]).toEqual([30, truthIds()]);
  });

  it("extra-rows adds rows of other days, counted or not", async () => {
    for (const [counted, total] of [[true, 32] as const, [false, 30] as const]) {
      standIn.misbehave({ kind: "extra-rows", of: "other-days", rows: 2, counted });
      const read = await readAll(standIn, { body: body() });
      expect(read.total).toBe(total);
      expect(ids(read).slice(0, 30)).toEqual(truthIds());
      expect(read.sessions).toHaveLength(32);
      const days = read.sessions.slice(30).map((session) => String(session.start_time).slice(0, 10));
      expect(days.every((day) => day !== DAY)).toBe(true);
    }
  });

  it("extra-rows adds rows of another bot", async () => {
    standIn.misbehave({ kind: "extra-rows", of: "other-bot", counted: true });
    const read = await readAll(standIn, { type: "agent", body: body() });
    expect(read.sessions.at(-1)).toMatchObject({ botId: OTHER_BOT, containmentType: "agent" });
    expect(read.total).toBe(truth("agent").length + 1);
  });

  it.each([
    ["no-id", (row: Record<string, unknown>) => !("sessionId" in row) && "start_time" in row],
    ["null-id", (row: Record<string, unknown>) => row.sessionId === null],
    ["no-start", (row: Record<string, unknown>) => !("start_time" in row) && "sessionId" in row],
    ["bad-start", (row: Record<string, unknown>) => row.start_time === "yesterday, about noon"],
    ["null", (row: unknown) => row === null],
    ["string", (row: unknown) => typeof row === "string"],
  ] as const)("broken-row spoils the row at a position of the list (%s)", async (as, isBroken) => {
    standIn.misbehave({ kind: "broken-row", as, position: 12 });
    const { total, sessions } = await readAll(standIn, { body: body() }, 7);
    expect([total, sessions.length]).toEqual([30, 30]);
    expect(sessions.map((row) => isBroken(row as Record<string, unknown>))).toEqual(
      Array.from({ length: 30 }, (_, index) => index === 12),
    );
  });
});

describe("in the counts", () => {
  const counts = async (fault: Fault) => {
    standIn.misbehave(fault);
    const { sessions, ...rest } = await page(standIn, { body: body({ skip: 25 }) });
    expect(sessions).toHaveLength(5);
    return rest;
  };

  it("total is off, that of the page, missing, null or a text", async () => {
    expect(await counts({ kind: "total", as: { offset: -3 } })).toEqual({ total: 27, moreAvailable: false });
    expect(await counts({ kind: "total", as: "rows-of-page" })).toEqual({ total: 5, moreAvailable: false });
    expect(await counts({ kind: "total", as: "missing" })).toEqual({ moreAvailable: false });
    expect(await counts({ kind: "total", as: "null" })).toEqual({ total: null, moreAvailable: false });
    expect(await counts({ kind: "total", as: "text" })).toEqual({ total: "30", moreAvailable: false });
  });

  it("moreAvailable is stuck or missing", async () => {
    expect(await counts({ kind: "more-available", as: true })).toEqual({ total: 30, moreAvailable: true });
    expect(await counts({ kind: "more-available", as: "missing" })).toEqual({ total: 30 });
    standIn.misbehave({ kind: "more-available", as: false });
    expect(await page(standIn, { body: body() })).toMatchObject({ total: 30, moreAvailable: false });
  });

  it("several faults add up", async () => {
    standIn.misbehave(
      { kind: "total", as: "missing" },
      { kind: "more-available", as: "missing" },
      { kind: "page-cap", rows: 1 },
    );
    const { sessions, ...rest } = await page(standIn, { body: body() });
    expect([sessions.length, rest]).toEqual([1, {}]);
    expect(standIn.requests.at(-1)?.fault).toBe("page-cap+total+more-available");
  });
});

describe("on the way", () => {
  const whole = async () => {
    standIn.misbehave();
    return (await ask(standIn, { body: body() })).text;
  };
  /** Without fetch's own decoding of the body. */
  const raw = async () => {
    const auth = await token();
    const headers = { auth, "content-type": "application/json" };
    const url = `${standIn.url}/api/public/bot/${BOT}/getSessions`;
    return request(url, { method: "POST", headers, body: JSON.stringify(body()) });
  };

  it("cut-body breaks the connection half-way", async () => {
    standIn.misbehave({ kind: "cut-body", as: "broken" });
    const answer = await raw();
    expect(Number(answer.headers["content-length"])).toBeGreaterThan(5000);
    await expect(answer.body.text()).rejects.toThrow(/aborted|terminated|other side closed/);
  });

  it("cut-body ends half-way, and HTTP calls it complete", async () => {
    const text = await whole();
    standIn.misbehave({ kind: "cut-body", as: "complete" });
    const answer = await raw();
    const half = Buffer.from(await answer.body.arrayBuffer());
    expect(half).toEqual(Buffer.from(text).subarray(0, Buffer.byteLength(text) >> 1));
  });

  it("gzip packs the body", async () => {
    const text = await whole();
    standIn.misbehave({ kind: "gzip" });
    const answer = await raw();
    expect(answer.headers["content-encoding"]).toBe("gzip");
    expect(gunzipSync(Buffer.from(await answer.body.arrayBuffer())).toString()).toBe(text);
  });

  it("bom puts a mark before the JSON", async () => {
    const text = await whole();
    standIn.misbehave({ kind: "bom" });
    const bytes = Buffer.from(await (await raw()).body.arrayBuffer());
    expect(bytes.subarray(0, 3)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]));
    expect(bytes.subarray(3).toString()).toBe(text);
  });

  it("trickle sends the whole body in pieces", async () => {
    const text = await whole();
    standIn.misbehave({ kind: "trickle", pieces: 5, everyMs: 2 });
    const answer = await raw();
    const pieces = await Array.fromAsync(answer.body as AsyncIterable<Buffer>);
    expect(pieces.length).toBeGreaterThan(1);
    expect(Buffer.concat(pieces).toString()).toBe(text);
  });

  it("huge-body is valid JSON of many mebibytes, announced or not", async () => {
    standIn.misbehave({ kind: "huge-body", mebibytes: 3, announced: true });
    const announced = await raw();
    const bytes = Buffer.from(await announced.body.arrayBuffer());
    expect(String(bytes.length)).toBe(announced.headers["content-length"]);
    expect(bytes.length).toBeGreaterThan(3 * 1024 * 1024);
    expect(JSON.parse(bytes.toString())).toMatchObject({ total: 0, sessions: [] });

    standIn.misbehave({ kind: "huge-body", mebibytes: 1 });
    const unannounced = await raw();
    expect(unannounced.headers["content-length"]).toBeUndefined();
    expect((await unannounced.body.arrayBuffer()).byteLength).toBeGreaterThan(1024 * 1024);
  });
});

describe("before a request", () => {
  it("a change by function shifts the set while it is read", async () => {
    const late = sampleSession({ botId: BOT, startTime: `${DAY}T23:59:59.999Z`, containmentType: "agent" });
    standIn.misbehave({ kind: "before-request", after: 1, times: 1, change: (store) => store.add(BOT, late) });
    const first = await page(standIn, { body: body() });
    const second = await page(standIn, { body: body({ skip: 10 }) });
    expect([first.total, second.total]).toEqual([30, 31]);
    expect(ids(second)[0]).toBe(ids(first)[9]);
  });

  it("a declared change adds, updates and removes", async () => {
    const [newest] = truthIds();
    const sessionId = newest ?? "";
    standIn.misbehave(
      {
        kind: "before-request",
        times: 1,
        change: [
          { op: "add", botId: BOT, session: { sessionId: "x", start_time: `${DAY}T01:00:00.000Z` } },
          {
            op: "addText",
            botId: BOT,
            text: "null",
            filing: { startTime: `${DAY}T01:00:00.000Z`, containmentType: "agent" },
          },
          { op: "update", botId: BOT, sessionId, changes: { sessionStatus: "active" } },
        ],
      },
      { kind: "before-request", after: 1, times: 1, change: [{ op: "remove", botId: BOT, sessionId }] },
    );
    expect(await page(standIn, { body: body() })).toMatchObject({
      total: 32,
      sessions: { 0: { sessionStatus: "active" } },
    });
    expect(ids(await page(standIn, { body: body() }))).not.toContain(sessionId);
    expect((await page(standIn, { body: body() })).total).toBe(31);
  });
});
