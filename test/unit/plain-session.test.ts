import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TapedText, tapeOf } from "../../functions/exporter/json-tape.ts";
import { writeSessionFile } from "../../functions/exporter/parquet/writer.ts";
import { identityOf } from "../../functions/exporter/sessions/identity.ts";
import { mapSession } from "../../functions/exporter/sessions/map.ts";
import { PlainSession } from "../../functions/exporter/sessions/plain-session.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plain-session-"));
});

afterAll(() => rm(folder, { recursive: true }));

const documented = {
  sessionId: "s-1",
  botId: "st-1",
  channel: "rtm",
  userId: "u-1",
  start_time: "2026-01-02T03:04:05.678Z",
  end_time: "2026-01-02T03:05:05.000Z",
  session_lang: ["en", "日本語"],
  sessionType: "interactive",
  containmentType: "agent",
  isDeveloper: false,
  sessionStatus: "closed",
  tags: {
    userTags: [{ name: "topic", value: 'he said "hi"\n' }],
    sessionTags: [],
    altText: [{ name: "x", value: "\\ \u2028 é" }, null],
  },
  noOfMessagesExchanged: 12,
  noOfTasksExecuted: 0,
};

function read(json: string): PlainSession | null {
  const taped = tapeOf(Buffer.from(json));
  const session = new PlainSession();
  return taped !== null && session.read(taped) ? session : null;
}

function mapped(json: string) {
  const session = mapSession({ raw: Buffer.from(json), value: JSON.parse(json) });
  return "rejected" in session ? null : session;
}

/** Whether the session makes the same file both ways; true for one that is not plain. */
async function expectSame(json: string): Promise<boolean> {
  const plain = read(json);
  const identity = identityOf(tapeOf(Buffer.from(json)) ?? new TapedText(Buffer.alloc(0), 0, 0, new Int32Array(2), 0));
  const { row, coerced } = mapped(json) ?? {};
  if (identity !== null) {
    expect(identity).toEqual({ sessionId: row?.session_id, startTime: row?.start_time, botId: row?.bot_id });
  }
  if (plain === null) return false;
  expect(coerced).toEqual([]);
  const { sha256 } = await writeSessionFile([plain], join(folder, "plain.parquet"));
  expect(sha256).toBe((await writeSessionFile(row ? [row] : [], join(folder, "row.parquet"))).sha256);
  return true;
}

describe("a plain session", () => {
  test("is one as Kore documents it, and is written as the row that it maps to", async () => {
    expect(await expectSame(JSON.stringify(documented))).toBe(true);
    expect(await expectSame(JSON.stringify(documented, null, 2))).toBe(true);
    expect(identityOf(tapeOf(Buffer.from(JSON.stringify(documented))) as never)).not.toBeNull();
  });

  test.each<[string, object]>([
    ["escapes of every kind in its texts", { userId: '"\\/\b\f\n\r\té😀\u0000' }],
    [
      "nulls",
      { botId: null, end_time: null, session_lang: null, tags: null, isDeveloper: null, noOfTasksExecuted: null },
    ],
    ["members that nobody knows", { custom: { sessionId: "other", list: [1, [2]] }, another: "\\" }],
    [
      "null and empty lists, null texts and tags without names",
      { session_lang: [null, ""], tags: { userTags: null, altText: [{}] } },
    ],
    ["negative and long integers", { noOfMessagesExchanged: -999_999_999_999_999, noOfTasksExecuted: -0 }],
    ["other members in a tag", { tags: { userTags: [{ id: 1, name: "n", value: null }] } }],
  ])("may have %s", async (_, members) => {
    expect(await expectSame(JSON.stringify({ ...documented, ...members }))).toBe(true);
  });

  test.each<[string, string]>([
    ["a number as a text", JSON.stringify({ ...documented, userId: 7 })],
    ["a count as a text", JSON.stringify({ ...documented, noOfTasksExecuted: "7" })],
    ["a count with a fraction", JSON.stringify({ ...documented, noOfTasksExecuted: 1.5 })],
    ["a count of 16 digits", JSON.stringify({ ...documented, noOfTasksExecuted: 1_000_000_000_000_000 })],
    ["an instant of another form", JSON.stringify({ ...documented, end_time: "2026-01-02T03:05:05Z" })],
    ["a day that only some months have", JSON.stringify({ ...documented, start_time: "2026-01-31T00:00:00.000Z" })],
    ["a day that no month has", JSON.stringify({ ...documented, start_time: "2026-02-30T00:00:00.000Z" })],
    ["true as 1", JSON.stringify({ ...documented, isDeveloper: 1 })],
    [
      "a tag value that is an object",
      JSON.stringify({ ...documented, tags: { userTags: [{ name: "a", value: {} }] } }),
    ],
    ["a list that is none", JSON.stringify({ ...documented, session_lang: "en" })],
    ["a blank id", JSON.stringify({ ...documented, sessionId: " " })],
    ["no start", JSON.stringify({ ...documented, start_time: null })],
    ["a member twice", `{"channel":"a",${JSON.stringify(documented).slice(1)}`],
    ["a tag's member twice", JSON.stringify(documented).replace('"name":"x"', '"name":"x","name":"y"')],
    ["an escaped key", JSON.stringify(documented).replace("userId", "\\u0075serId")],
    ["nothing of a session", "7"],
  ])("has no %s", async (_, json) => {
    expect(await expectSame(json)).toBe(false);
  });

  test("is written as its row, whatever a session holds", async () => {
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom("2026-01-02T03:04:05.678Z", "2026-12-28T23:59:59.999Z", 1, "x"),
    );
    const wild = fc.record(
      Object.fromEntries(Object.keys(documented).map((key) => [key, odd])) as Record<
        keyof typeof documented,
        typeof odd
      >,
      { requiredKeys: [] },
    );
    const tag = fc.option(fc.record({ name: fc.option(fc.string({ unit: "binary" })), value: fc.option(fc.string()) }));
    const tags = fc.record({ userTags: fc.option(fc.array(tag)), sessionTags: fc.array(tag), altText: fc.array(tag) });
    let plain = 0;
    await fc.assert(
      fc.asyncProperty(wild, tags, fc.nat(3), fc.boolean(), async (members, tagLists, keep, indented) => {
        // Most members as documented, so that many sessions are plain.
        const some = Object.fromEntries(Object.entries(members).slice(0, keep));
        const json = JSON.stringify({ ...documented, tags: tagLists, ...some }, null, indented ? 1 : 0);
        if (await expectSame(json)) plain++;
      }),
      { numRuns: 400 },
    );
    expect(plain).toBeGreaterThan(50);
  });

  test("is read by one object again and again, without a trace of the one before", async () => {
    const session = new PlainSession();
    const texts = [documented, { sessionId: "s-2", start_time: documented.start_time }, documented].map((value) =>
      JSON.stringify(value),
    );
    function* sessions() {
      for (const text of texts) {
        const taped = tapeOf(Buffer.from(text));
        if (taped !== null && session.read(taped)) yield session;
      }
    }
    const { sha256, rowCount } = await writeSessionFile(sessions(), join(folder, "many.parquet"));
    const rows = texts.flatMap((text) => mapped(text)?.row ?? []);
    expect(rowCount).toBe(3);
    expect(sha256).toBe((await writeSessionFile(rows, join(folder, "rows.parquet"))).sha256);
  });
});
