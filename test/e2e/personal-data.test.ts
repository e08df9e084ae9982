import { createHmac } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { LedgerRecord } from "../../functions/exporter/archive/ledger.ts";
import { deploy } from "../support/durable-run.ts";
import { BOT, DAY, type Scenario, startScenario } from "../support/scenario.ts";
import { startSecretsServer } from "../support/secrets-server.ts";
import { readWithHyparquet } from "../support/session-file.ts";

const KEY = "the key of hashes, of 32 characters or more";
const hmac = (text: string) => createHmac("sha256", KEY).update(text).digest("hex");

/** Each marks a place where personal data can stand; none may be found again once rules cover it. */
const marker = (place: string) => `CANARY-${place}`;

/** Members that every session has, then those of its own. */
const sessionText = (id: string | null, start: string | null, members: string) =>
  `{${id === null ? "" : `"sessionId":"${id}", `}"botId":"${BOT}",${start === null ? "" : `"start_time":"${DAY}T${start}:00.000Z",`}"end_time":"${DAY}T23:00:00.000Z","sessionStatus":"closed",${members}}`;

const tag = (name: string, place: string) => `{"name":"${name}","value":"${marker(place)}"}`;

/** What Kore holds of the day, by containment type. */
const SESSIONS: Readonly<Record<string, readonly string[]>> = {
  agent: [
    sessionText(
      "s-plain",
      "10:00",
      `"userId":"${marker("user")}","tags":{"userTags":[${tag("callerName", "tag")}],` +
        `"sessionTags":[${tag("CallerNumber", "other-case")},{"name":"language","value":"de"}],"altText":[${tag("label", "alt")}]}`,
    ),
    sessionText(
      "s-odd",
      "11:00",
      `"\\u0075serId":"${marker("escaped-key")}","userId" : {"id":"${marker("object")}"},"more":[{"userId":"${marker("deep")}"}],` +
        `"tags":{"userTags":{"callerName":"${marker("map")}"},"newTags":[["${marker("list")}"],{"value":"${marker("nameless")}"}],` +
        `"sessionTags":[{"value":{"a":"${marker("value")}"},"extra":"${marker("extra")}","n\\u0061me":"callerName"},"${marker("text")}"],"altText":"${marker("alt-text")}"}`,
    ),
  ],
  selfService: [
    `"${marker("no-object")}"`,
    `["${marker("array")}"]`,
    sessionText(null, "12:00", `"userId":"${marker("no-id")}","note":"${marker("rejected")}"`),
    sessionText("s-no-start", null, `"userId":"${marker("no-start")}","note":"${marker("rejected-too")}"`),
  ],
  dropOff: [],
};
const EVERY_MARKER = [...JSON.stringify(SESSIONS).matchAll(/CANARY-[a-z-]+/g)].map(([text]) => text);

type Answer = { readonly status: number; readonly body: string };

/** A Kore that holds the sessions above. The first requests get the answers given instead. */
async function startCanaries(...instead: readonly Answer[]): Promise<string> {
  const left = [...instead];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { skip = 0, limit = 0 } = JSON.parse(Buffer.concat(parts).toString()) as { skip?: number; limit?: number };
    const answer = left.length > 1 ? left.shift() : left[0];
    if (answer && !(left.length === 1 && answer.status === 0)) {
      response.writeHead(answer.status).end(answer.body);
      return;
    }
    const type = new URL(request.url ?? "", "http://kore").searchParams.get("containmentType");
    const texts = type === null ? Object.values(SESSIONS).flat() : (SESSIONS[type] ?? []);
    const page = texts.slice(skip, skip + limit);
    const moreAvailable = skip + page.length < texts.length;
    const invalid = `"invalidSessions":[{"userId":"${marker("invalid")}"}]`;
    response.end(
      `{"total":${texts.length},"moreAvailable":${moreAvailable},"sessions":[${page.join(",")}],${invalid}}`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** After the answers that are given instead, the server behaves. */
const THEN_WELL: Answer = { status: 0, body: "" };

/** Answers that fail, and quote a session. */
const QUOTING: readonly Answer[] = [
  { status: 500, body: `{"errors":[{"msg":"cannot serialise ${marker("envelope")}","code":500}]}` },
  { status: 502, body: `<html>${marker("page")}</html>` },
  { status: 429, body: `slow down, ${marker("throttle")}` },
  { status: 200, body: `["${marker("no-api")}"]` },
  { status: 200, body: `{"errors":[{"msg":"${marker("said-well")}"}],"total":1}` },
  { status: 200, body: `{"total":1,"sessions":["${marker("cut")}` },
];

/** Everything below a folder, as text: what is compressed is read as it was before. */
async function textsBelow(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = files.map(async (path) => {
    if (path.endsWith(".parquet"))
      return JSON.stringify(await readWithHyparquet(path), (_key, value) =>
        String(value) === "[object Object]" || Array.isArray(value) ? value : String(value),
      );
    const bytes = await readFile(path);
    return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
  });
  return [...files, ...(await Promise.all(texts))].join("\n");
}

/** Collects whatever is written to the console while a test runs. */
function listen(): () => string {
  const heard: string[] = [];
  for (const method of ["log", "info", "warn", "error", "debug"] as const) {
    const spy = vi.spyOn(console, method).mockImplementation((...parts) => void heard.push(parts.join(" ")));
    onTestFinished(() => spy.mockRestore());
  }
  for (const stream of [process.stdout, process.stderr]) {
    const spy = vi.spyOn(stream, "write").mockImplementation((text) => heard.push(String(text)) > 0);
    onTestFinished(() => spy.mockRestore());
  }
  return () => heard.join("\n");
}

const found = (text: string) => [...new Set([...text.matchAll(/CANARY-[a-z-]+/g)].map(([canary]) => canary))].sort();

async function rejectedOf({ archive }: Scenario): Promise<{ code: string; raw: string | null }[]> {
  const text = await readFile(join(archive, "rejected", `dt=${DAY}`, `${BOT}.jsonl`), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

const sessionsOf = async (scenario: Scenario) => {
  const sql = "SELECT session_id, user_id, user_tags, session_tags, alt_text, raw FROM sessions ORDER BY 1";
  const { stdout } = await scenario.cli(["sql", "--json", sql]);
  return JSON.parse(stdout);
};

const HASH = { KORE_PII: "user_id=hash,tag:caller*=hash,alt_text=hash", KORE_HASH_KEY: KEY };
const DROP = { KORE_PII: "user_id=drop,tag:caller*=drop,alt_text=drop" };
const MODES: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ["hashed", HASH],
  ["dropped", DROP],
];

/** One night of the command line. */
async function byCommand(env: Readonly<Record<string, string>>, ...instead: readonly Answer[]) {
  const scenario = await startScenario({ sessionsPerDay: 0 });
  const url = await startCanaries(...instead);
  const { code, stdout, stderr } = await scenario.cli(["export", "--date", DAY], { KORE_HOST: url, ...env });
  return { scenario, code, said: stdout + stderr, left: await textsBelow(scenario.archive) };
}

/** The same, deployed. */
async function deployed(env: Readonly<Record<string, string>>, ...instead: readonly Answer[]) {
  const scenario = await startScenario({ sessionsPerDay: 0 });
  const url = await startCanaries(...instead);
  const heard = listen();
  const { scratch, plainly } = await deploy(scenario, { KORE_HOST: url, ...env });
  const failure = await plainly({ scheduledTime: `2026-01-03T02:15:00Z` }, 3_600_000).then(
    () => null,
    (error: Error) => error,
  );
  const said = `${heard()}\n${failure}\n${failure?.stack}`;
  return { scenario, failure, said, kept: await textsBelow(scratch), left: await textsBelow(scenario.archive) };
}

describe("personal data that is", () => {
  test.each(MODES)("%s is in no file of the archive, and nothing says it", async (_, env) => {
    const { scenario, code, said, left } = await byCommand(env, ...QUOTING.slice(0, 3), THEN_WELL);
    expect(code).toBe(0);
    expect(found(said)).toEqual([]);
    expect(found(left)).toEqual([]);
    expect(await scenario.ledger()).toMatchObject({ personal_data: env.KORE_PII, archived: { total: 2 } });
  });

  test.each(MODES)("%s is in no file of a deployed run, in scratch neither", async (_, env) => {
    const { scenario, failure, said, kept, left } = await deployed(env, ...QUOTING.slice(0, 3), THEN_WELL);
    expect(failure).toBeNull();
    expect(kept).toContain("s-plain");
    expect(said).toContain("day exported");
    expect(found(said + kept + left)).toEqual([]);
    expect(await scenario.ledger()).toMatchObject({ personal_data: env.KORE_PII, archived: { total: 2 } });
  });

  test("kept is all there", async () => {
    const { scenario, code, left } = await byCommand({});
    expect(code).toBe(0);
    expect(found(left)).toEqual(EVERY_MARKER.toSorted());
    const raws = (await rejectedOf(scenario)).map(({ raw }) => raw);
    expect(raws.toSorted()).toEqual([...(SESSIONS.selfService ?? [])].toSorted());
    expect((await sessionsOf(scenario)).map(({ raw }: { raw: string }) => raw).toSorted()).toEqual(
      [...(SESSIONS.agent ?? [])].toSorted(),
    );
    expect(await scenario.ledger()).toMatchObject({ personal_data: "keep" });
  });

  test("hashed can be found by its hash, in columns and raw alike", async () => {
    const { scenario } = await byCommand(HASH);
    const [, plain] = await sessionsOf(scenario);
    const [user, tagged, other, alt] = ["user", "tag", "other-case", "alt"].map((place) => hmac(marker(place)));
    expect(plain).toMatchObject({
      user_id: user,
      user_tags: [{ name: "callerName", value: tagged }],
      session_tags: [
        { name: "CallerNumber", value: other },
        { name: "language", value: "de" },
      ],
      alt_text: [{ name: "label", value: alt }],
    });
    const raw = ["user", "tag", "other-case", "alt"].reduce(
      (text, place) => text.replace(`"${marker(place)}"`, `"${hmac(marker(place))}"`),
      SESSIONS.agent?.[0] ?? "",
    );
    expect(plain.raw).toBe(raw);
  });

  test("hashed leaves of rejected rows their fingerprint", async () => {
    const { scenario } = await byCommand(HASH);
    const rows = (SESSIONS.selfService ?? []).map((text, index) => {
      const code = index === 3 ? "ERR_ROW_WITHOUT_START_TIME" : "ERR_ROW_WITHOUT_ID";
      return { code, containment_type: "selfService", raw: `hmac:${hmac(text)}` };
    });
    expect(await rejectedOf(scenario)).toEqual(expect.arrayContaining(rows));
    expect(await scenario.ledger()).toMatchObject({ status: "complete", rejected: rows.length });
  });

  test("dropped without a key leaves of rejected rows their number", async () => {
    const { scenario } = await byCommand(DROP);
    expect((await rejectedOf(scenario)).map(({ raw }) => raw)).toEqual([null, null, null, null]);
  });
});

describe("an answer that quotes a session", () => {
  const lasting = QUOTING.map((answer) => [`${answer.status} ${answer.body.slice(0, 12)}`, answer] as const);

  test.each(lasting)("(%s) is not shown where personal data is protected", async (_, answer) => {
    const [command, function_] = [await byCommand(DROP, answer), await deployed(DROP, answer)];
    expect(command.code).toBe(1);
    expect(function_.failure).not.toBeNull();
    expect(command.said).toMatch(/ERR_KORE_/);
    expect(command.left).toMatch(/ERR_KORE_/);
    expect(found(command.said + command.left)).toEqual([]);
    expect(found(function_.said + function_.kept + function_.left)).toEqual([]);
  });

  test("is shown where it is not", async () => {
    const { said } = await byCommand({}, { status: 200, body: `["${marker("no-api")}"]` });
    expect(found(said)).toEqual([marker("no-api")]);
  });

  test("does not hide what Kore says of a request that it refuses", async () => {
    const { said } = await byCommand(DROP, { status: 401, body: '{"errors":[{"msg":"Scope is incorrect!"}]}' });
    expect(said).toContain("Kore answered 401: Scope is incorrect!.");
  });
});

describe("the key of hashes", () => {
  async function withSecret(secret: object, pii: string) {
    const secrets = await startSecretsServer({ kore: JSON.stringify(secret) });
    onTestFinished(() => secrets.close());
    vi.stubEnv("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.url);
    vi.stubEnv("AWS_REGION", "us-east-1");
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
    onTestFinished(() => void vi.unstubAllEnvs());
    const scenario = await startScenario({ sessionsPerDay: 3 });
    const env = { KORE_CLIENT_ID: undefined, KORE_CLIENT_SECRET: undefined, KORE_SECRET_ID: "kore", KORE_PII: pii };
    const { code, stderr } = await scenario.cli(["export", "--date", DAY], env);
    return { scenario, code, stderr };
  }
  const credentials = { clientId: "cs-demo", clientSecret: "demo-secret-of-the-stand-in" };

  test.each([
    ["beside the credentials", { ...credentials, hashKey: KEY }],
    ["beside those of each source", { [BOT]: credentials, hashKey: ` ${KEY}\n` }],
  ])("is found in the secret %s", async (_, secret) => {
    const { scenario, code } = await withSecret(secret, "user_id=hash");
    expect(code).toBe(0);
    const users = (await sessionsOf(scenario)).map(({ user_id }: { user_id: string }) => user_id);
    const from = Date.parse(DAY);
    const known = scenario.kore.store
      .between(BOT, from, from + 86_400_000)
      .map(({ session }) => String(session.userId));
    expect(users.toSorted()).toEqual(known.map(hmac).toSorted());
  });

  test.each([
    ["is missing", credentials, "has no hashKey"],
    ["is too short", { ...credentials, hashKey: "short-but-secret" }, "at least 32 characters"],
    ["is no text", { ...credentials, hashKey: 7 }, "at least 32 characters"],
  ])("that %s ends a run that hashes before anything is asked", async (_, secret, says) => {
    const { scenario, code, stderr } = await withSecret(secret, "user_id=hash");
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error ERR_SECRET_UNREADABLE: /);
    expect(stderr).toContain(says);
    expect(stderr).not.toContain("short-but-secret");
    expect(scenario.kore.requests).toEqual([]);
  });

  test("is not needed to drop", async () => {
    const { scenario, code } = await withSecret(credentials, "user_id=drop");
    expect(code).toBe(0);
    expect(await scenario.ledger()).toMatchObject({ personal_data: "user_id=drop" });
  });
});

describe("other rules", () => {
  const ledgerOf = async (scenario: Scenario): Promise<LedgerRecord> => scenario.ledger();

  test("are for days exported from then on: status tells the days apart, and an export replaces them", async () => {
    const scenario = await startScenario({ sessionsPerDay: 3, to: "2026-01-03" });
    await scenario.cli(["export", "--from", DAY, "--to", "2026-01-03"]);
    expect((await scenario.cli(["status"])).stdout).not.toContain("personal data");
    expect((await scenario.cli(["status"], { KORE_PII: "keep" })).stdout).not.toContain("personal data");
    await scenario.cli(["export", "--repair"], DROP);
    expect(await ledgerOf(scenario)).toMatchObject({ revision: 2, personal_data: "keep" });
    const differs = (await scenario.cli(["status"], DROP)).stdout;
    expect(differs).toContain(`under (KORE_PII says ${DROP.KORE_PII}):\n  ${BOT}  keep: 2026-01-02 to 2026-01-03\n`);
    await scenario.cli(["export", "--date", DAY], DROP);
    expect(await ledgerOf(scenario)).toMatchObject({ status: "complete", personal_data: DROP.KORE_PII });
    expect((await scenario.cli(["status"])).stdout).toContain(
      `under:\n  ${BOT}  ${DROP.KORE_PII}: 2026-01-02\n  ${BOT}  keep: 2026-01-03\n`,
    );
    const { sources } = JSON.parse((await scenario.cli(["status", "--json"])).stdout);
    expect(sources[0].days.slice(-2).map(({ personal_data }: LedgerRecord) => personal_data)).toEqual([
      DROP.KORE_PII,
      "keep",
    ]);
    expect((await scenario.cli(["status"], { KORE_PII: "user_id" })).code).toBe(2);
  });

  test("of a failed export do not rename how the day's rows were treated", async () => {
    const { scenario } = await byCommand({});
    const refusing = await startCanaries({ status: 403, body: "{}" });
    await scenario.cli(["export", "--date", DAY], { ...DROP, KORE_HOST: refusing });
    expect(await ledgerOf(scenario)).toMatchObject({ revision: expect.any(Number), personal_data: "keep" });
    expect((await ledgerOf(scenario)).problems.map(({ code }) => code)).toContain("ERR_KORE_REFUSED");
  });

  test("do not go on with what a deployed run kept under the former ones", async () => {
    const small = { sessionsPerDay: 700, requestsPerMinute: 5, requestsPerHour: 0 };
    const scenario = await startScenario(small);
    listen();
    const quota = { KORE_REQUESTS_PER_MINUTE: "5", KORE_REQUESTS_PER_HOUR: "0" };
    const former = await deploy(scenario, quota);
    const night = { scheduledTime: "2026-01-03T02:15:00Z" };
    await expect(former.plainly(night, 80_000)).rejects.toMatchObject({ code: "ERR_INTERRUPTED" });
    const later = await deploy(scenario, { ...quota, ...DROP, KORE_SCRATCH: former.scratch });
    await later.plainly(night, 3_600_000, "request-2");
    expect(await ledgerOf(scenario)).toMatchObject({ status: "complete", personal_data: DROP.KORE_PII });
    const sessions: { user_id: string | null }[] = await sessionsOf(scenario);
    expect(sessions).toHaveLength(700);
    expect(sessions.filter(({ user_id }) => user_id !== null)).toEqual([]);
  });
});
