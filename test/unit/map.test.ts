import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SESSION_COLUMNS } from "../../functions/exporter/contract.ts";
import { ROW_REJECTIONS } from "../../functions/exporter/sessions/map.ts";
import { cell, mapped, mapText, sessionText } from "../support/map-session.ts";
import { sessionRow, tag } from "../support/session-file.ts";

describe("a session as Kore documents it", () => {
  it("becomes a typed row", () => {
    const raw = JSON.stringify({
      sessionId: "6465cf6e4769ed4e822b0001",
      botId: "st-1",
      channel: "rtm",
      userId: "u-1",
      start_time: "2026-01-02T03:04:05.678Z",
      end_time: "2026-01-02T03:14:05.001Z",
      containmentType: "agent",
      session_lang: ["en", "es"],
      sessionType: "interactive",
      isDeveloper: false,
      sessionStatus: "closed",
      tags: {
        userTags: [{ name: "regular", value: "newuser" }],
        sessionTags: [
          { name: "topic", value: "a" },
          { name: "topic", value: "b" },
        ],
        altText: [],
      },
      noOfMessagesExchanged: 12,
      noOfTasksExecuted: 0,
    });
    expect(mapText(raw)).toEqual({
      coerced: [],
      row: {
        session_id: "6465cf6e4769ed4e822b0001",
        bot_id: "st-1",
        channel: "rtm",
        user_id: "u-1",
        start_time: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
        end_time: Date.UTC(2026, 0, 2, 3, 14, 5, 1),
        session_lang: ["en", "es"],
        session_type: "interactive",
        session_status: "closed",
        is_developer: false,
        user_tags: [tag("regular", "newuser")],
        session_tags: [tag("topic", "a"), tag("topic", "b")],
        alt_text: [],
        messages_exchanged: 12,
        tasks_executed: 0,
        raw: Buffer.from(raw),
      },
    });
  });

  it("has null for all that is absent, and coerces nothing", () => {
    const raw = sessionText("");
    const start_time = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
    expect(mapText(raw)).toEqual({
      row: sessionRow({ session_id: "s-1", start_time, raw: Buffer.from(raw) }),
      coerced: [],
    });
  });

  const examples = {
    text: `"x"`,
    timestamp: `"2026-01-02"`,
    boolean: "true",
    integer: "7",
    texts: `["x"]`,
    tags: "[null]",
  };

  it.each(SESSION_COLUMNS.filter(({ from }) => from !== ""))("takes $name from $from", ({ name, shape, from }) => {
    const nested = from
      .split(".")
      .reduceRight((json, member) => `{${JSON.stringify(member)}:${json}}`, examples[shape]);
    const { row } = mapped(mapText(sessionText(nested.slice(1, -1))));
    expect(row[name]).toEqual(
      { text: "x", timestamp: Date.UTC(2026, 0, 2), boolean: true, integer: 7, texts: ["x"], tags: [null] }[shape],
    );
  });

  it.each(SESSION_COLUMNS.filter((column) => !("required" in column)))("keeps a null $from null", ({ name, from }) => {
    const nested = from.split(".").reduceRight((json, member) => `{${JSON.stringify(member)}:${json}}`, "null");
    expect(cell(name, nested.slice(1, -1))).toEqual([null, []]);
  });
});

describe("a session without what a row needs", () => {
  it.each(["null", "[]", "3", `"s-1"`, "true"])("is rejected when it is %s", (raw) => {
    expect(mapText(raw)).toEqual({ rejected: "not-an-object" });
  });

  it.each([undefined, "null", `""`, `" \\t\\n"`, "true", "{}", `["s-1"]`])("is rejected with the id %s", (id) => {
    const raw = `{"start_time":"2026-01-02"${id === undefined ? "" : `,"sessionId":${id}`}}`;
    expect(mapText(raw)).toEqual({ rejected: "no-session-id" });
  });

  it.each([
    undefined,
    "null",
    `""`,
    `"yesterday"`,
    "1767312000000",
    `"1767312000000"`,
    "true",
    "{}",
    `["2026-01-02"]`,
    `"2026-02-30"`,
    `"2026-02-29T00:00:00Z"`,
    `"2026-13-01T00:00:00Z"`,
    `"2026-00-01T00:00:00Z"`,
    `"2026-01-00T00:00:00Z"`,
    `"2026-01-02T24:00:00Z"`,
    `"2026-01-02T10:60:00Z"`,
    `"2026-01-02T10:00:60Z"`,
    `"2026-01-02T10:00:00+24:00"`,
    `"2026-01-02T10:00:00+05:60"`,
    `"2026-01-02T10Z"`,
    `"2026-01-02Z"`,
    `"2026-01-02 10:00:00"`,
    `" 2026-01-02T10:00:00Z"`,
    `"2026-01-02T10:00:00Z "`,
    `"2026-01-02T10:00:00.Z"`,
    `"20260102T100000Z"`,
    `"26-01-02T10:00:00Z"`,
    `"03-10-2021 2:05:03 pm"`,
  ])("is rejected with the start %s", (start) => {
    const raw = `{"sessionId":"s-1"${start === undefined ? "" : `,"start_time":${start}`}}`;
    expect(mapText(raw)).toEqual({ rejected: "no-start-time" });
  });

  it("has a sentence for each reason", () => {
    expect(Object.values(ROW_REJECTIONS).every((sentence) => /^[A-Z`].+\.$/.test(sentence))).toBe(true);
  });
});

describe("whatever the API sends", () => {
  const json = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(null, true, 1, 0, -0, 1e300, 2 ** 60, 0.5, "", " ", "1", "3.5", "2026-01-02", [], {}, [null], [[]]),
  );
  const tagLists = fc.oneof(
    json,
    fc.array(fc.oneof(json, fc.record({ name: json, value: json }, { requiredKeys: [] }))),
  );
  const members = fc.record(
    {
      sessionId: fc.oneof(fc.string(), json),
      start_time: fc.oneof(fc.constant("2026-01-02T03:04:05Z"), json),
      botId: json,
      channel: json,
      userId: json,
      end_time: json,
      session_lang: json,
      sessionType: json,
      sessionStatus: json,
      isDeveloper: json,
      tags: fc.oneof(
        json,
        fc.record({ userTags: tagLists, sessionTags: tagLists, altText: tagLists }, { requiredKeys: [] }),
      ),
      noOfMessagesExchanged: json,
      noOfTasksExecuted: json,
    },
    { requiredKeys: [] },
  );

  it("is a row of the columns' types, or rejected, and never throws", () => {
    fc.assert(
      fc.property(fc.oneof({ weight: 9, arbitrary: members }, json), fc.nat(3), (value, indent) => {
        const raw = JSON.stringify(value, null, indent);
        const session = mapText(raw);
        if ("rejected" in session) {
          expect(ROW_REJECTIONS).toHaveProperty([session.rejected]);
          return;
        }
        expect(session.row.raw.toString()).toBe(raw);
        expect(Object.keys(session.row)).toEqual(SESSION_COLUMNS.map(({ name }) => name));
        const row = { ...session.row, raw: session.row.raw.toString() };
        for (const column of SESSION_COLUMNS) {
          const value = row[column.name];
          expect(value === null ? !("required" in column) : fits[column.shape](value), column.name).toBe(true);
        }
        expect(new Set(session.coerced).size).toBe(session.coerced.length);
      }),
      { numRuns: 2_000 },
    );
  });
});

const isTextOrNull = (value: unknown) => value === null || typeof value === "string";
const isListOf = (value: unknown, fitsElement: (element: unknown) => boolean) =>
  Array.isArray(value) && value.every(fitsElement);

const fits = {
  text: (value: unknown) => typeof value === "string",
  timestamp: (value: unknown) => Number.isSafeInteger(value),
  boolean: (value: unknown) => typeof value === "boolean",
  integer: (value: unknown) =>
    typeof value === "bigint"
      ? BigInt.asIntN(64, value) === value && !Number.isSafeInteger(Number(value))
      : Number.isSafeInteger(value) && !Object.is(value, -0),
  texts: (value: unknown) => isListOf(value, isTextOrNull),
  tags: (value: unknown) =>
    isListOf(value, (element) => {
      if (element === null) return true;
      const { name, value: tagValue, ...rest } = element as Record<string, unknown>;
      return isTextOrNull(name) && isTextOrNull(tagValue) && Object.keys(rest).length === 0;
    }),
};
