import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type StandIn, type StandInOptions, sampleSession, startStandIn } from "../../demo/stand-in/server.ts";
import { type Answer, ask, BOT, dayBody, ids, NOW_MS, OTHER_BOT, page, readAll, token } from "./stand-in-client.ts";

const DAY = "2026-01-02";
let standIn: StandIn;
let nowMs: number;

async function restart(options: StandInOptions = {}): Promise<void> {
  await standIn?.close();
  standIn = await startStandIn({
    from: DAY,
    requestsPerMinute: 0,
    requestsPerHour: 0,
    clock: { now: () => nowMs },
    ...options,
  });
}

function refused(answer: Answer, status: number, msg: string, code: number): void {
  expect([answer.status, JSON.parse(answer.text)]).toEqual([status, { errors: [{ msg, code }] }]);
}

const INVALID = ["Validation errors/ Invalid arguments", 412] as const;

beforeEach(async () => {
  nowMs = NOW_MS;
  await restart();
});
afterEach(() => standIn.close());

describe("the stand-in's pages", () => {
  it("hold a bot's sessions of the window and type, newest first, and say how many there are", async () => {
    const truth = standIn.store.between(BOT, Date.parse(DAY), Date.parse(DAY) + 86_400_000);
    for (const type of ["dropOff", "selfService", "agent"]) {
      const expected = truth.filter((row) => row.containmentType === type);
      const read = await readAll(standIn, { type, body: dayBody(DAY) }, 30);
      expect(read.total).toBe(expected.length);
      expect(ids(read)).toEqual(expected.map((row) => row.sessionId));
    }
    const all = await readAll(standIn, { body: dayBody(DAY) }, 30);
    expect([all.total, ids(all)]).toEqual([240, truth.map((row) => row.sessionId)]);
  });

  it("hold every bot's sessions for the account", async () => {
    const read = await readAll(standIn, { source: "account", body: dayBody(DAY) });
    expect(ids(read)).toEqual(standIn.store.all("account").map((row) => row.sessionId));
    expect(new Set(read.sessions.map((session) => session.botId))).toEqual(new Set([BOT, OTHER_BOT]));
  });

  it("send each session's text unchanged", async () => {
    const text =
      '{"sessionId" : "x","start_time":"2026-01-02T12:00:00.000Z", "n":1.0,"big":12345678901234567890,"é":"\\u00e9"}';
    standIn.store.addText(BOT, text, { containmentType: "agent" });
    const answer = await ask(standIn, { type: "agent", body: dayBody(DAY) });
    expect(answer.text).toContain(text);
    expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
  });

  it("include a session at either bound", async () => {
    const [from, to] = ["2026-01-02T00:00:00.000Z", "2026-01-02T23:59:59.999Z"];
    const at = async (dateFrom: string, dateTo: string) => (await page(standIn, { body: { dateFrom, dateTo } })).total;
    expect(await at(from, to)).toBe(240);
    expect(await at("2026-01-02T00:00:00.001Z", to)).toBe(239);
    expect(await at(from, "2026-01-02T23:59:59.998Z")).toBe(239);
  });

  it("say whether more follow, also past the end", async () => {
    const at = async (skip: number) => {
      const { total, moreAvailable, sessions } = await page(standIn, { body: dayBody(DAY, { skip, limit: 100 }) });
      return [total, moreAvailable, sessions.length];
    };
    expect(await at(0)).toEqual([240, true, 100]);
    expect(await at(140)).toEqual([240, false, 100]);
    expect(await at(139)).toEqual([240, true, 100]);
    expect(await at(200)).toEqual([240, false, 40]);
    expect(await at(500)).toEqual([240, false, 0]);
  });

  it("hold at most the cap, and 20 rows without a limit", async () => {
    expect((await page(standIn, { body: dayBody(DAY, { limit: 1000 }) })).sessions).toHaveLength(100);
    const { dateFrom, dateTo } = dayBody(DAY);
    expect((await page(standIn, { body: { dateFrom, dateTo } })).sessions).toHaveLength(20);
    await restart({ pageCap: 7 });
    expect((await page(standIn, { body: dayBody(DAY) })).sessions).toHaveLength(7);
  });

  it("show what the store says now", async () => {
    const body = dayBody(DAY);
    const before = await page(standIn, { type: "agent", body });
    const late = sampleSession({ botId: BOT, startTime: "2026-01-02T12:00:00.000Z" }, { sessionStatus: "active" });
    standIn.store.add(BOT, late);
    standIn.store.update(BOT, String(late.sessionId), { containmentType: "agent" });
    standIn.store.remove(BOT, String(before.sessions[0]?.sessionId));

    const after = await readAll(standIn, { type: "agent", body });
    expect(after.total).toBe(before.total);
    expect(ids(after)).toContain(late.sessionId);
    expect(ids(after)).not.toContain(before.sessions[0]?.sessionId);
  });

  it("return sessions of a type that nobody announced only without a type", async () => {
    standIn.store.add(BOT, { sessionId: "v", start_time: "2026-01-02T12:00:00.000Z", containmentType: "voicemail" });
    standIn.store.add(BOT, sampleSession({ botId: BOT, startTime: "2026-01-02T12:00:00.000Z" }), {
      containmentType: null,
    });
    const totalOf = async (type?: string) => (await page(standIn, { ...(type && { type }), body: dayBody(DAY) })).total;
    const typed = await Promise.all(["dropOff", "selfService", "agent"].map(totalOf));
    expect(typed.reduce((sum, total) => sum + total)).toBe(240);
    expect(await totalOf()).toBe(242);
  });

  it("come from a lazily generated day as well", async () => {
    const expected = standIn.store.all(BOT).map((row) => row.sessionId);
    await restart({ lazy: true });
    expect(ids(await readAll(standIn, { body: dayBody(DAY) }))).toEqual(expected);
  });
});

describe("the stand-in's questions", () => {
  it("may have no body: the last seven days", async () => {
    const answer = await ask(standIn, { headers: { "content-type": "text/plain" } });
    expect(JSON.parse(answer.text)).toMatchObject({ total: 240 });
    nowMs += 5 * 86_400_000;
    expect(JSON.parse((await ask(standIn, { auth: await token({ nowMs }) })).text)).toMatchObject({ total: 0 });
  });

  it("may give plain dates, which begin at midnight", async () => {
    const total = async (dateFrom: string, dateTo: string) =>
      (await page(standIn, { body: { dateFrom, dateTo } })).total;
    expect(await total("2026-01-02", "2026-01-03")).toBe(240);
    expect(await total("2026-01-02", "2026-01-02")).toBe(1);
    expect(await total("2026-01-03", "2026-01-04")).toBe(0);
  });

  it("may say offset instead of skip", async () => {
    const bySkip = await page(standIn, { body: dayBody(DAY, { skip: 7, limit: 3 }) });
    expect(await page(standIn, { body: dayBody(DAY, { offset: 7, limit: 3 }) })).toEqual(bySkip);
  });

  it("are refused for a window of seven days or more", async () => {
    const body = { dateFrom: "2026-01-01T00:00:00.000Z", dateTo: "2026-01-08T00:00:00.000Z" };
    const msg = "The duration between dateTo and dateFrom should be less than 7 days";
    refused(await ask(standIn, { body }), 400, msg, 400);
    expect((await ask(standIn, { body: { ...body, dateTo: "2026-01-07T23:59:59.999Z" } })).status).toBe(200);
  });

  it.each([
    ["an unknown member", { page: 1 }],
    ["a callId in the body", { callId: "x" }],
    ["a limit that is a text", { limit: "100" }],
    ["a limit of 0", { limit: 0 }],
    ["a negative skip", { skip: -1 }],
    ["a fractional skip", { skip: 1.5 }],
    ["skip and offset at once", { skip: 1, offset: 1 }],
    ["an instant without milliseconds", { dateFrom: "2026-01-02T00:00:00Z" }],
    ["an instant with an offset", { dateFrom: "2026-01-02T00:00:00.000+01:00" }],
    ["a day that does not exist", { dateTo: "2026-02-30" }],
    ["an hour that does not exist", { dateTo: "2026-01-02T25:00:00.000Z" }],
    ["a number for a date", { dateFrom: NOW_MS }],
    ["bounds in the wrong order", { dateFrom: "2026-01-03", dateTo: "2026-01-02" }],
    ["an unknown session type", { sessionType: "nonInteractive" }],
    ["tags in a list", { tags: [{ name: "a", value: "b" }] }],
    ["one session id as a text", { sessionId: "x" }],
    ["51 session ids", { sessionId: Array.from({ length: 51 }, (_, index) => String(index)) }],
    ["an empty user id", { userId: "" }],
  ])("are refused for %s", async (_, body) => {
    refused(await ask(standIn, { body }), 412, ...INVALID);
  });

  it.each([
    "?containmentType=selfservice",
    "?containmentType=",
    "?limit=1",
    "?containmentType=agent&containmentType=agent",
  ])("are refused for the query %s", async (parameters) => {
    refused(await ask(standIn, { parameters, body: dayBody(DAY) }), 412, ...INVALID);
  });

  it("are refused for a body that is no JSON object, or has another content type", async () => {
    refused(await ask(standIn, { text: "{" }), 412, ...INVALID);
    refused(await ask(standIn, { text: "null" }), 412, ...INVALID);
    const headers = { "content-type": "text/plain" };
    refused(await ask(standIn, { body: dayBody(DAY), headers }), 412, ...INVALID);
    expect(
      (await ask(standIn, { body: {}, headers: { "content-type": "application/json; charset=utf-8" } })).status,
    ).toBe(200);
  });

  it("are refused for another method, path or bot", async () => {
    refused(await ask(standIn, { method: "PUT" }), 405, "Method Not Allowed", 405);
    refused(await ask(standIn, { source: "st-unknown" }), 400, "Invalid StreamId", 400);
    for (const source of ["a/b", "%E0"]) expect((await ask(standIn, { source })).status).toBe(404);
    refused(await ask(standIn, { text: " ".repeat(1_100_000) }), 413, "Payload Too Large", 413);
  });
});

describe("the stand-in's filters", () => {
  it("find sessions by id, whatever else is asked, and name the ids that do not exist", async () => {
    const [newest, second] = standIn.store.all(BOT);
    const sessionId = [second?.sessionId, "nobody", newest?.sessionId, newest?.sessionId];
    const question = { parameters: "?containmentType=agent", body: { sessionId, dateFrom: "2020-01-01", skip: 9 } };
    const found = await page(standIn, question);
    expect(ids(found)).toEqual([newest?.sessionId, second?.sessionId]);
    expect(found).toMatchObject({ total: 2, moreAvailable: false, invalidSessions: ["nobody"] });

    const elsewhere = await page(standIn, { source: OTHER_BOT, body: { sessionId: [newest?.sessionId] } });
    expect(elsewhere).toMatchObject({ total: 0, invalidSessions: [newest?.sessionId] });
    expect(await page(standIn, { body: dayBody(DAY) })).not.toHaveProperty("invalidSessions");
  });

  it("narrow a window by user, session type, tags and call", async () => {
    const tags = (name: string, value: unknown) => ({ userTags: [], sessionTags: [{ name, value }] });
    const add = (number: number, changes: Record<string, unknown>) =>
      standIn.store.add(BOT, sampleSession({ botId: BOT, startTime: "2026-01-02T12:00:00.000Z", number }, changes))
        .sessionId;
    const user = add(1, { userId: "ada@example.com" });
    const silent = add(2, { userId: "ada@example.com", sessionType: "non-interactive" });
    const tagged = add(3, { tags: tags("attempts", 3) });
    const called = add(4, { tags: tags("callId", "call-7") });

    const found = async (body: object, parameters?: string) =>
      ids(await page(standIn, { body: dayBody(DAY, { ...body }), ...(parameters !== undefined && { parameters }) }));
    expect(await found({ userId: "ada@example.com" })).toEqual([user, silent]);
    expect(await found({ userId: "ada@example.com", sessionType: "non-interactive" })).toEqual([silent]);
    expect(await found({ userId: "ada@example.com", limit: 1, skip: 1 })).toEqual([silent]);
    expect(await found({ tags: { attempts: "3" } })).toContain(tagged);
    expect(await found({ tags: { attempts: "3", topic: "billing" } })).toEqual([]);
    expect(await found({}, "?callId=call-7")).toEqual([called]);
    expect(await found({ dateFrom: "2026-01-02T12:00:00.001Z" }, "?callId=call-7")).toEqual([]);
  });
});

describe("the stand-in's tokens", () => {
  const with401 = async (auth: string, msg: string, source = BOT) =>
    refused(await ask(standIn, { auth, source }), 401, msg, 4002);

  it("are needed", () => with401("", "Invalid SDK credentials"));
  it("are refused when malformed", () => with401("not.a-token", "Invalid JWT token"));
  it("are refused with another signature", async () => {
    await with401(await token({ secret: "another secret of the same length" }), "Invalid SDK credentials");
  });

  it.each([
    ["an unknown appId", { appId: "someone" }],
    ["no appId", { appId: undefined }],
    ["no sub", { sub: undefined }],
    ["an empty sub", { sub: "" }],
    ["no jti", { jti: undefined }],
    ["no iat", { iat: undefined }],
    ["no exp", { exp: undefined }],
    ["an iat more than a minute ahead", { iat: NOW_MS / 1000 + 90, exp: NOW_MS / 1000 + 200 }],
    ["an exp more than a minute past", { iat: NOW_MS / 1000 - 300, exp: NOW_MS / 1000 - 90 }],
    ["a life of more than an hour", { exp: NOW_MS / 1000 + 3601 }],
    ["an exp before its iat", { exp: NOW_MS / 1000 - 10 }],
  ])("are refused with %s", async (_, claims) => with401(await token({ claims }), "Invalid SDK credentials"));

  it("may be off by less than a minute", async () => {
    const iat = NOW_MS / 1000;
    for (const claims of [{ iat: iat + 50 }, { iat: iat - 100, exp: iat - 50 }]) {
      expect((await ask(standIn, { auth: await token({ claims }) })).status).toBe(200);
    }
  });

  it("are refused under another algorithm", async () => {
    await with401(await token({ alg: "HS512" }), "Invalid SDK credentials");
    const [, payload] = (await token()).split(".");
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    await with401(`${none}.${payload}.`, "Invalid SDK credentials");
  });

  it("open once", async () => {
    const auth = await token();
    expect((await ask(standIn, { auth })).status).toBe(200);
    await with401(auth, "Invalid SDK credentials");
    expect(standIn.requests.map(({ reason }) => reason)).toEqual([undefined, "jti was used before"]);
  });

  it("open only their own source", async () => {
    const [bot, account] = ["secret-of-the-support-bot", "secret-of-the-account"];
    await restart({
      credentials: {
        [BOT]: { clientId: "cs-bot", clientSecret: bot },
        account: { clientId: "cs-account", clientSecret: account },
        default: { clientId: "cs-rest", clientSecret: "secret-of-the-rest" },
      },
    });
    const ofBot = () => token({ secret: bot, claims: { appId: "cs-bot" } });
    const ofAccount = () => token({ secret: account, claims: { appId: "cs-account" } });
    const ofRest = () => token({ secret: "secret-of-the-rest", claims: { appId: "cs-rest" } });
    const wrongScope = "Permission denied. Scope is incorrect!";

    expect((await ask(standIn, { auth: await ofBot() })).status).toBe(200);
    expect((await ask(standIn, { source: "account", auth: await ofAccount() })).status).toBe(200);
    expect((await ask(standIn, { source: OTHER_BOT, auth: await ofRest() })).status).toBe(200);
    await with401(await ofBot(), wrongScope, OTHER_BOT);
    await with401(await ofBot(), wrongScope, "account");
    await with401(await ofAccount(), wrongScope);
    await with401(await ofRest(), wrongScope);
  });

  it("follow a rotated secret at once", async () => {
    standIn.rotateSecret("default", "the secret of the second quarter");
    await with401(await token(), "Invalid SDK credentials");
    const auth = await token({ secret: "the secret of the second quarter" });
    expect((await ask(standIn, { auth })).status).toBe(200);
    expect(() => standIn.rotateSecret("nobody", "x")).toThrow(/no credential named "nobody"/);
  });
});

describe("the stand-in's quota", () => {
  const statusAt = async (atMs: number, source = BOT) => {
    nowMs = atMs;
    return (await ask(standIn, { source, auth: await token({ nowMs }) })).status;
  };

  it("refuses a request beyond the minute's, without saying when to come back", async () => {
    await restart({ requestsPerMinute: 2, requestsPerHour: 0 });
    expect(await statusAt(NOW_MS)).toBe(200);
    expect(await statusAt(NOW_MS + 30_000)).toBe(200);
    nowMs = NOW_MS + 59_999;
    const answer = await ask(standIn, { auth: await token({ nowMs }) });
    refused(answer, 429, "Rate limit for this API has been reached. Please try again after some time.", 429);
    expect(answer.headers.get("retry-after")).toBeNull();
    expect(standIn.requests.map(({ quotaExceeded }) => quotaExceeded)).toEqual([undefined, undefined, true]);
  });

  it("rolls, counts refused requests too, and is each source's own", async () => {
    await restart({ requestsPerMinute: 2, requestsPerHour: 0 });
    expect(await statusAt(NOW_MS)).toBe(200);
    expect((await ask(standIn, { auth: "" })).status).toBe(401);
    expect(await statusAt(NOW_MS + 1, OTHER_BOT)).toBe(200);
    expect(await statusAt(NOW_MS + 59_999)).toBe(429);
    expect(await statusAt(NOW_MS + 60_000)).toBe(200);
  });

  it("limits the hour as well", async () => {
    await restart({ requestsPerMinute: 60, requestsPerHour: 3 });
    for (const minute of [0, 10, 20]) expect(await statusAt(NOW_MS + minute * 60_000)).toBe(200);
    expect(await statusAt(NOW_MS + 59 * 60_000)).toBe(429);
    expect(await statusAt(NOW_MS + 60 * 60_000)).toBe(429);
    expect(await statusAt(NOW_MS + 80 * 60_000)).toBe(200);
  });

  it("is 60 a minute unless another is given", async () => {
    await standIn.close();
    standIn = await startStandIn({ clock: { now: () => NOW_MS } });
    const statuses: number[] = [];
    for (let request = 0; request < 61; request++) statuses.push((await ask(standIn)).status);
    expect(statuses).toEqual([...Array(60).fill(200), 429]);
  });
});

describe("the stand-in itself", () => {
  it("remembers every request", async () => {
    const body = dayBody(DAY, { limit: 3 });
    await ask(standIn, { type: "agent", body });
    await ask(standIn, { source: "account", text: "{" });
    await ask(standIn, { method: "GET" });
    expect(standIn.requests).toEqual([
      { at: NOW_MS, source: BOT, containmentType: "agent", body, status: 200, rows: 3, jti: expect.any(String) },
      {
        at: NOW_MS,
        source: "account",
        containmentType: null,
        body: undefined,
        status: 412,
        rows: 0,
        reason: expect.any(String),
      },
      {
        at: NOW_MS,
        source: BOT,
        containmentType: null,
        body: undefined,
        status: 405,
        rows: 0,
        reason: "GET instead of POST",
      },
    ]);
    standIn.resetRequests();
    expect(standIn.requests).toEqual([]);
  });

  it("dates its answers by its own clock", async () => {
    expect((await ask(standIn)).headers.get("date")).toBe("Mon, 05 Jan 2026 08:00:00 GMT");
  });

  it("generates the days it is told to, and refuses a range that is none", async () => {
    await restart({ from: "2026-02-27", to: "2026-03-02", sessionsPerDay: 5, bots: ["only"] });
    const days = standIn.store.all("only").map((row) => String(row.session.start_time).slice(0, 10));
    expect([...new Set(days)]).toEqual(["2026-03-02", "2026-03-01", "2026-02-28", "2026-02-27"]);
    expect(days).toHaveLength(20);
    await expect(startStandIn({ from: "2026-01-02", to: "2026-01-01" })).rejects.toThrow(/not a range of days/);
  });
});
