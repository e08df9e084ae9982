import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, onTestFinished, test } from "vitest";
import { type StandIn, type StandInOptions, sampleSession, startStandIn } from "../../demo/stand-in/server.ts";
import { fixedCredentials } from "../../functions/exporter/credentials.ts";
import { KoreClient, type KoreClientOptions } from "../../functions/exporter/kore/client.ts";
import { Quota } from "../../functions/exporter/kore/quota.ts";
import type { SessionsQuery, Source } from "../../functions/exporter/kore/wire.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const BOT = "st-support-0001";
const DAY = "2026-01-02";
const SECRET = "demo-secret-of-the-stand-in";
const credentials = { clientId: "cs-demo", clientSecret: SECRET };

function clientOf(url: string, clock: VirtualClock, options: Partial<KoreClientOptions> = {}): KoreClient {
  const client = new KoreClient({
    host: new URL(url),
    source: { kind: "bot", botId: BOT },
    credentials: fixedCredentials(credentials),
    quota: new Quota({ perMinute: 0, perHour: 0 }, clock),
    timeoutMs: 2_000,
    clock,
    random: () => 0.5,
    ...options,
  });
  onTestFinished(() => client.close());
  return client;
}

async function startPair(options: StandInOptions = {}, source: Source = { kind: "bot", botId: BOT }) {
  const clock = new VirtualClock("2026-01-04T04:00:00Z");
  const accounts = { default: credentials, account: credentials };
  const kore: StandIn = await startStandIn({ from: DAY, clock, credentials: accounts, ...options });
  onTestFinished(() => kore.close());
  return { kore, clock, client: clientOf(kore.url, clock, { source }) };
}

/** A server that answers every request in the same way, and what it was sent. */
async function startServer(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => answer(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const WINDOW = { dateFrom: `${DAY}T00:00:00.000Z`, dateTo: `${DAY}T23:59:59.999Z` };

describe("a question reaches the API with", () => {
  const special = sampleSession(
    { botId: BOT, startTime: `${DAY}T10:00:00Z`, containmentType: "agent" },
    {
      sessionId: "special",
      userId: "zoë@example.com",
      sessionType: "non-interactive",
      tags: { userTags: [], sessionTags: [{ name: "callId", value: "call/1 & 2" }], altText: [] },
    },
  );
  const queries: readonly (readonly [string, SessionsQuery])[] = [
    ["a containment type", { ...WINDOW, containmentType: "agent", limit: 100 }],
    ["a user", { ...WINDOW, userId: "zoë@example.com" }],
    ["tags", { ...WINDOW, tags: { callId: "call/1 & 2" } }],
    ["a session type", { ...WINDOW, sessionType: "non-interactive", limit: 100 }],
    ["a call id", { ...WINDOW, callId: "call/1 & 2" }],
    ["session ids", { sessionId: ["special"] }],
    ["plain dates", { dateFrom: DAY, dateTo: "2026-01-03", userId: "zoë@example.com", skip: 0, limit: 1 }],
  ];

  test.each(queries)("%s", async (_, query) => {
    const { kore, client } = await startPair();
    kore.store.add(BOT, special);
    const { sessions } = await client.sessions(query);
    expect(sessions.map(({ value }) => (value as { sessionId: string }).sessionId)).toContain("special");
    const { callId, containmentType, ...body } = query;
    expect(kore.requests.at(-1)).toMatchObject({ status: 200, body });
  });

  test("skip and limit", async () => {
    const { client } = await startPair();
    const all = await client.sessions({ ...WINDOW, limit: 50 });
    const part = await client.sessions({ ...WINDOW, skip: 10, limit: 5 });
    expect(part.sessions.map(String)).toEqual(all.sessions.slice(10, 15).map(String));
    expect(part.total).toBe(all.total);
    expect(part.moreAvailable).toBe(true);
  });

  test("no body at all, if nothing is asked in it", async () => {
    const { kore, client } = await startPair();
    await client.sessions({ containmentType: "agent" });
    expect(kore.requests.at(-1)).toMatchObject({ status: 200, body: undefined, containmentType: "agent" });
  });

  test("the account's address", async () => {
    const { kore, client } = await startPair({}, { kind: "account" });
    expect((await client.sessions(WINDOW)).total).toBe(480);
    expect(kore.requests.at(-1)).toMatchObject({ source: "account", status: 200 });
  });

  test("a fresh token of HS256 for each attempt", async () => {
    const tokens: string[] = [];
    const url = await startServer((request, response) => {
      tokens.push(String(request.headers.auth));
      response.writeHead(tokens.length < 3 ? 500 : 200).end('{"total":0,"moreAvailable":false,"sessions":[]}');
    });
    const clock = new VirtualClock("2026-01-04T04:00:00Z");
    await clientOf(url, clock).sessions({});
    expect(tokens.map((token) => decodeProtectedHeader(token))).toEqual(Array(3).fill({ alg: "HS256", typ: "JWT" }));
    const claims = tokens.map((token) => decodeJwt(token));
    expect(new Set(claims.map(({ jti }) => jti)).size).toBe(3);
    expect(claims.at(-1)).toMatchObject({ appId: "cs-demo", sub: "cs-demo", iat: Math.floor(clock.now() / 1000) });
    for (const { iat = 0, exp = 0 } of claims) expect(exp - iat).toBe(300);
  });

  test("a path before it, if the environment's address has one", async () => {
    const paths: unknown[] = [];
    const url = await startServer((request, response) => {
      paths.push(request.url);
      response.end('{"total":0,"moreAvailable":false,"sessions":[]}');
    });
    await clientOf(`${url}/kore/`, new VirtualClock("2026-01-04T04:00:00Z")).sessions({});
    expect(paths).toEqual([`/kore/api/public/bot/${BOT}/getSessions`]);
  });
});

describe("a question that the API's page forbids is not sent:", () => {
  const wrong: readonly (readonly [string, SessionsQuery, string])[] = [
    ["51 session ids", { sessionId: Array(51).fill("a") }, "51 ids"],
    ["no session ids", { sessionId: [] }, "0 ids"],
    ["7 days", { dateFrom: "2026-01-01", dateTo: "2026-01-08" }, "7 days or more"],
    ["an end before its begin", { dateFrom: "2026-01-02", dateTo: "2026-01-01" }, "lies before"],
    ["a date in another form", { dateFrom: "1 January 2026" }, '"1 January 2026"'],
    ["a date that does not exist", { dateTo: "2026-02-30" }, '"2026-02-30"'],
    ["half a row", { limit: 0.5 }, "limit is 0.5"],
    ["a negative skip", { skip: -1 }, "skip is -1"],
  ];

  test.each(wrong)("%s", async (_, query, says) => {
    const { kore, client } = await startPair();
    await expect(client.sessions(query)).rejects.toMatchObject({
      code: "ERR_SETTINGS",
      message: expect.stringContaining(says),
    });
    expect(kore.requests).toEqual([]);
  });
});

describe("the answer", () => {
  test("keeps each session's exact text", async () => {
    const { kore, client } = await startPair({ sessionsPerDay: 0 });
    const text = `{ "sessionId":"odd", "z":1.0, "a":12345678901234567890,\n "start_time":"${DAY}T10:00:00Z", "t":"\\u00e9 😀" }`;
    kore.store.addText(BOT, text, { containmentType: "agent" });
    const { sessions } = await client.sessions({ ...WINDOW, containmentType: "agent" });
    expect(sessions.map(({ raw }) => raw.toString())).toEqual([text]);
  });

  test("names the ids that Kore does not know", async () => {
    const { client } = await startPair();
    expect(await client.sessions({ sessionId: ["nobody"] })).toMatchObject({
      sessions: [],
      invalidSessions: ["nobody"],
    });
  });

  test.each([
    ['{"total":"7","moreAvailable":false,"sessions":[]}', { total: 7, moreAvailable: false }],
    ['{"total":-1,"sessions":[]}', { total: null, moreAvailable: null }],
    ['{"total":1.5,"moreAvailable":"yes","sessions":[]}', { total: null, moreAvailable: null }],
    ['{"total":0,"moreAvailable":false,"sessions":null}', { total: 0, sessions: [] }],
    ['{"total":0,"moreAvailable":false,"sessions":[],"invalidSessions":[1],"new":{}}', { invalidSessions: ["1"] }],
  ])("is taken as it is meant: %s", async (body, expected) => {
    const url = await startServer((_request, response) => response.end(body));
    expect(await clientOf(url, new VirtualClock("2026-01-04T04:00:00Z")).sessions({})).toMatchObject(expected);
  });
});

describe("an error", () => {
  test("holds neither the secret nor the token, even if the server sends them back", async () => {
    const url = await startServer((request, response) => {
      const msg = `bad token ${String(request.headers.auth)} for secret ${SECRET}`;
      response.writeHead(403).end(JSON.stringify({ errors: [{ msg, code: 1 }] }));
    });
    const failure = await clientOf(url, new VirtualClock("2026-01-04T04:00:00Z"))
      .sessions({})
      .catch((error: Error) => error);
    expect(String(failure)).toContain("bad token [secret] for secret [secret]");
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toMatch(/eyJ|demo-secret/);
  });

  test.each([
    ["a redirect", 302, { location: `/login?secret=${encodeURIComponent('se/cret"ü')}` }, ""],
    ["an escaped message", 403, {}, JSON.stringify({ errors: [{ msg: 'no se/cret"ü here' }] }).replace("/", "\\/")],
    ["a page", 200, {}, 'no se/cret"ü here'],
    ["an encoding", 200, { "content-encoding": "x-secret" }, "x"],
  ])("does not hold the secret that %s holds", async (_, status, headers, body) => {
    const url = await startServer((_request, response) => response.writeHead(status, headers).end(body));
    const own = fixedCredentials({ clientId: "cs-demo", clientSecret: 'se/cret"ü' });
    const client = clientOf(url, new VirtualClock("2026-01-04T04:00:00Z"), { credentials: own });
    const failure = await client.sessions({}).catch((error: Error) => error);
    expect(String(failure)).toMatch(/^ERR_KORE_/);
    expect(String(failure)).not.toMatch(/se\/cret|se%2F|ü/);
  });

  test("is what Kore says, even with status 200", async () => {
    const url = await startServer((_request, response) =>
      response.end('{"errors":[{"msg":"Invalid StreamId","code":400}],"total":0,"sessions":[]}'),
    );
    await expect(clientOf(url, new VirtualClock("2026-01-04T04:00:00Z")).sessions({})).rejects.toMatchObject({
      code: "ERR_KORE_REFUSED",
      message: expect.stringContaining("Invalid StreamId (code 400)"),
    });
  });

  test("is not caused by slashes before the path, which name no other host", async () => {
    const paths: unknown[] = [];
    const url = await startServer((request, response) => {
      paths.push(request.url);
      response.end('{"total":0,"moreAvailable":false,"sessions":[]}');
    });
    await clientOf(`${url}//127.0.0.1:9/`, new VirtualClock("2026-01-04T04:00:00Z")).sessions({
      containmentType: "agent",
    });
    expect(paths).toEqual([`//127.0.0.1:9/api/public/bot/${BOT}/getSessions?containmentType=agent`]);
  });

  test("shows what a stranger said on one line, without control characters", async () => {
    const url = await startServer((_request, response) => response.writeHead(404).end("\u001b[31mgone\r\naway"));
    await expect(clientOf(url, new VirtualClock("2026-01-04T04:00:00Z")).sessions({})).rejects.toMatchObject({
      code: "ERR_KORE_REFUSED",
      message: expect.stringContaining("Kore answered 404: [31mgone away."),
    });
  });

  test("tells that nobody listens", async () => {
    const client = clientOf("http://127.0.0.1:9", new VirtualClock("2026-01-04T04:00:00Z"));
    await expect(client.sessions({})).rejects.toMatchObject({
      code: "ERR_KORE_UNAVAILABLE",
      message: expect.stringContaining("ECONNREFUSED"),
    });
    expect(client.attempts).toBe(9);
  });

  test("tells that what answers speaks no HTTP, after asking again", async () => {
    const server = createTcpServer((socket) => socket.once("data", () => socket.end("220 mail.example.com ready\r\n")));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const client = clientOf(`http://127.0.0.1:${port}`, new VirtualClock("2026-01-04T04:00:00Z"));
    await expect(client.sessions({})).rejects.toMatchObject({
      code: "ERR_KORE_UNAVAILABLE",
      message: expect.stringContaining("does not match the HTTP/1.1 protocol"),
    });
    expect(client.attempts).toBe(9);
  });

  test("tells that the time was over", async () => {
    const url = await startServer(() => undefined);
    const client = clientOf(url, new VirtualClock("2026-01-04T04:00:00Z"), { timeoutMs: 20 });
    await expect(client.sessions({})).rejects.toMatchObject({
      code: "ERR_KORE_UNAVAILABLE",
      message: expect.stringContaining("within 0.02 s"),
    });
  });

  test("of a compressed bomb is that the answer is too large", async () => {
    const { gzipSync } = await import("node:zlib");
    const bomb = gzipSync(Buffer.alloc(80 * 1024 * 1024, 32));
    const url = await startServer((_request, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(bomb),
    );
    await expect(clientOf(url, new VirtualClock("2026-01-04T04:00:00Z")).sessions({})).rejects.toMatchObject({
      code: "ERR_KORE_ANSWER_TOO_LARGE",
    });
  });
});

test("closing the client ends what it still waits for, and asks nothing more", async () => {
  const url = await startServer((_, response) => response.writeHead(503).end());
  const isWaiting = Promise.withResolvers<void>();
  const clock = new VirtualClock("2026-01-04T04:00:00Z");
  const standing = {
    now: () => clock.now(),
    sleep: (_: number, signal?: AbortSignal) => {
      isWaiting.resolve();
      return new Promise<void>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    },
  };
  const client = clientOf(url, clock, { clock: standing });
  const asked = client.sessions({ skip: 0, limit: 1 }).catch((error: Error) => error.name);
  await isWaiting.promise;
  await client.close();
  expect(await asked).toBe("AbortError");
  expect(client.attempts).toBe(1);
});
