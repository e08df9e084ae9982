import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cell, mapped, mapText, sessionText } from "../support/map-session.ts";
import { tag } from "../support/session-file.ts";

describe("instants", () => {
  it.each([
    ["2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"],
    ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"],
    ["2026-01-02T03:04Z", "2026-01-02T03:04:00.000Z"],
    ["2026-01-02T03:04:05.678", "2026-01-02T03:04:05.678Z"],
    ["2026-01-02T03:04:05", "2026-01-02T03:04:05.000Z"],
    ["2026-01-02", "2026-01-02T00:00:00.000Z"],
    ["2024-02-29T23:59:59.999Z", "2024-02-29T23:59:59.999Z"],
    ["2026-01-02T03:04:05.6789999Z", "2026-01-02T03:04:05.678Z"],
    ["2026-01-02T03:04:05.6Z", "2026-01-02T03:04:05.600Z"],
    ["2026-01-02T03:04:05,678Z", "2026-01-02T03:04:05.678Z"],
    ["1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"],
    ["0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"],
    ["0050-06-07T08:09:10Z", "0050-06-07T08:09:10.000Z"],
    ["2026-01-02T03:04:05+05:30", "2026-01-01T21:34:05.000Z"],
    ["2026-01-02T03:04:05-0800", "2026-01-02T11:04:05.000Z"],
    ["2026-01-02T03:04:05.5+01", "2026-01-02T02:04:05.500Z"],
    ["2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00.000Z"],
  ])("reads %s as %s", (text, instant) => {
    const { row } = mapped(mapText(JSON.stringify({ sessionId: "s-1", start_time: text, end_time: text })));
    expect(new Date(row.start_time).toISOString()).toBe(instant);
    expect(row.end_time).toBe(row.start_time);
  });

  it("reads every instant in every offset", () => {
    const instants = fc.date({ min: new Date("0001-01-01"), max: new Date("9998-12-31"), noInvalidDate: true });
    fc.assert(
      fc.property(instants, fc.integer({ min: -1439, max: 1439 }), (date, minutes) => {
        const local = new Date(date.getTime() + minutes * 60_000).toISOString().slice(0, -1);
        const [hours, rest] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((n) =>
          String(n).padStart(2, "0"),
        );
        const text = `${local}${minutes < 0 ? "-" : "+"}${hours}:${rest}`;
        expect(mapped(mapText(JSON.stringify({ sessionId: "s", start_time: text }))).row.start_time).toBe(
          date.getTime(),
        );
      }),
    );
  });

  it.each([`""`, `"never"`, "1767312000000", "true", "{}", `"2026-02-30"`])("makes an end of %s null", (json) => {
    expect(cell("end_time", `"end_time":${json}`)).toEqual([null, ["end_time"]]);
  });
});

describe("text", () => {
  it.each([
    [`"rtm"`, "rtm"],
    [`""`, ""],
    [`"  x\\n"`, "  x\n"],
    [`"e\\u0301"`, "e\u0301"],
    [`"\\ud83d\\ude00"`, "😀"],
    [`"\\ud800"`, "\ud800"],
    ["12", "12"],
    ["1.0", "1.0"],
    ["-0", "-0"],
    ["1E400", "1E400"],
    ["12345678901234567890", "12345678901234567890"],
    ["0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"],
  ])("takes %s over as %j", (json, text) => {
    expect(cell("channel", `"channel":${json}`)).toEqual([text, []]);
    expect(cell("session_status", ` "sessionStatus" : ${json} `)).toEqual([text, []]);
  });

  it.each(["true", "false", "{}", "[]", `["rtm"]`])("makes %s null", (json) => {
    expect(cell("user_id", `"userId":${json}`)).toEqual([null, ["user_id"]]);
  });

  it("takes a number as the id, as it is written", () => {
    const { row } = mapped(mapText(`{"sessionId":12345678901234567890,"start_time":"2026-01-02"}`));
    expect(row.session_id).toBe("12345678901234567890");
  });

  it("takes a number from the last of two members of one name, as JSON.parse does", () => {
    expect(cell("channel", `"channel":1.0,"channel":2.50`)).toEqual(["2.50", []]);
    expect(cell("channel", `"channel":1.0,"channel":"x"`)).toEqual(["x", []]);
  });

  it("keeps every text as it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(cell("user_id", `"userId":${JSON.stringify(text)}`)).toEqual([text, []]);
      }),
    );
  });

  it("keeps every number as it is written", () => {
    const number = fc.stringMatching(/^-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?$/);
    fc.assert(
      fc.property(number, (text) => {
        expect(cell("user_id", `"userId":${text}`)).toEqual([text, []]);
        expect(cell("user_tags", `"tags":{"userTags":[{"value":${text}}]}`)).toEqual([[tag(null, text)], []]);
        expect(cell("user_tags", `"tags":{"userTags":[{"value":[${text}]}]}`)).toEqual([[tag(null, `[${text}]`)], []]);
      }),
    );
  });
});

describe("booleans", () => {
  it.each([
    ["true", true],
    ["false", false],
    ["1", true],
    ["0", false],
    ["1.0", true],
    [`"1"`, true],
    [`"0"`, false],
    [`"true"`, true],
    [`"false"`, false],
  ])("reads %s as %s", (json, flag) => {
    expect(cell("is_developer", `"isDeveloper":${json}`)).toEqual([flag, []]);
    // A number where text belongs makes the session be parsed with its numbers as written.
    expect(cell("is_developer", `"isDeveloper":${json},"channel":7`)).toEqual([flag, []]);
  });

  it.each(["2", "-1", `"yes"`, `""`, `"TRUE"`, "{}", "[]", "[true]"])("makes %s null", (json) => {
    expect(cell("is_developer", `"isDeveloper":${json}`)).toEqual([null, ["is_developer"]]);
  });
});

describe("integers", () => {
  it.each([
    ["12", 12],
    ["-0", 0],
    ["3.0", 3],
    ["1.5e1", 15],
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", 9007199254740992n],
    ["9007199254740993", 9007199254740993n],
    ["-9007199254740993", -9007199254740993n],
    ["9223372036854775807", 9223372036854775807n],
    ["-9223372036854775808", -9223372036854775808n],
    ["9007199254740993.0", 9007199254740993n],
    ["9007199254740993000e-3", 9007199254740993n],
    ["1e18", 1000000000000000000n],
    ["0e400", 0],
    [`"12"`, 12],
    [`" 12 "`, 12],
    [`"-3"`, -3],
    [`"3.0"`, 3],
    [`"+7"`, 7],
    [`"007"`, 7],
    [`"9007199254740993"`, 9007199254740993n],
    [`"0.000"`, 0],
  ])("reads %s exactly", (json, integer) => {
    expect(cell("messages_exchanged", `"noOfMessagesExchanged":${json}`)).toEqual([integer, []]);
    expect(cell("tasks_executed", `"noOfTasksExecuted":${json},"channel":7`)).toEqual([integer, []]);
  });

  it.each([
    "3.5",
    "1e400",
    "-1e400",
    `"1e-400"`,
    "9223372036854775808",
    "-9223372036854775809",
    "9007199254740993.5",
    `"many"`,
    `""`,
    `" "`,
    `"3.5"`,
    `"1,000"`,
    `"0x10"`,
    `"1 2"`,
    `"--3"`,
    `"NaN"`,
    `"Infinity"`,
    `"1e99999999999999999999"`,
    "true",
    "{}",
    "[]",
    "[12]",
  ])("makes %s null", (json) => {
    expect(cell("messages_exchanged", `"noOfMessagesExchanged":${json}`)).toEqual([null, ["messages_exchanged"]]);
  });

  it("reads every 64-bit integer exactly, as a number and as a string", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (integer) => {
        const expected = Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
        expect(cell("tasks_executed", `"noOfTasksExecuted":${integer}`)).toEqual([expected, []]);
        expect(cell("tasks_executed", `"noOfTasksExecuted":"${integer}"`)).toEqual([expected, []]);
      }),
    );
  });

  // In quadratic time this would run for many minutes.
  it("judges a number of a million digits at once", () => {
    const digits = `${"10".repeat(500_000)}1`;
    expect(cell("tasks_executed", `"noOfTasksExecuted":"${digits}"`)).toEqual([null, ["tasks_executed"]]);
    const zeros = `1${"0".repeat(1_000_000)}1`;
    expect(cell("tasks_executed", `"noOfTasksExecuted":${zeros}`)).toEqual([null, ["tasks_executed"]]);
  });
});

describe("languages", () => {
  it.each([
    ["[]", []],
    [`["en","en",""]`, ["en", "en", ""]],
    [`["en",null]`, ["en", null]],
    ["[1.0]", ["1.0"]],
  ])("reads %s", (json, texts) => {
    expect(cell("session_lang", `"session_lang":${json}`)).toEqual([texts, []]);
  });

  it.each([
    [`["en",true,{},[]]`, ["en", null, null, null]],
    [`"en"`, null],
    ["{}", null],
    ["7", null],
  ])("reads %s as far as it fits, and counts the column once", (json, texts) => {
    expect(cell("session_lang", `"session_lang":${json}`)).toEqual([texts, ["session_lang"]]);
  });
});

describe("tags", () => {
  const sessionTags = (json: string) => cell("session_tags", `"tags":{"sessionTags":${json}}`);

  it.each([
    [`"x"`, "x"],
    [`""`, ""],
    ["null", null],
    ["true", "true"],
    ["false", "false"],
    ["3", "3"],
    ["3.00", "3.00"],
    [`{ "a" : 1.0, "b" : [ 12345678901234567890, null ] }`, `{"a":1.0,"b":[12345678901234567890,null]}`],
    [`["\\u00e9\\/\\"\\n", "\\ud800"]`, `["é/\\"\\n","\\ud800"]`],
    ["{}", "{}"],
    ["[]", "[]"],
    [`{"__proto__":1.0,"toJSON":"x","rawJSON":"y"}`, `{"__proto__":1.0,"toJSON":"x","rawJSON":"y"}`],
  ])("takes the value %s over as %j", (json, value) => {
    expect(sessionTags(`[{"name":"n","value":${json}}]`)).toEqual([[tag("n", value)], []]);
  });

  it("keeps repeated names, order, empty lists and null elements", () => {
    expect(sessionTags(`[{"name":"a","value":"1"},null,{"value":"2","name":"a"},{}]`)).toEqual([
      [tag("a", "1"), null, tag("a", "2"), tag(null, null)],
      [],
    ]);
    expect(sessionTags("[]")).toEqual([[], []]);
    expect(sessionTags("null")).toEqual([null, []]);
  });

  it("treats a name as text", () => {
    expect(sessionTags(`[{"name":7.0},{"name":null}]`)).toEqual([[tag("7.0", null), tag(null, null)], []]);
    expect(sessionTags(`[{"name":true,"value":"x"},{"name":{}}]`)).toEqual([
      [tag(null, "x"), tag(null, null)],
      ["session_tags"],
    ]);
  });

  it("makes an element that is no object null, and counts the column once", () => {
    expect(sessionTags(`["a",3,true,[],{"name":"n"}]`)).toEqual([
      [null, null, null, null, tag("n", null)],
      ["session_tags"],
    ]);
  });

  it.each([`"a"`, "3", "{}", "true"])("makes a list of tags that is %s null", (json) => {
    expect(sessionTags(json)).toEqual([null, ["session_tags"]]);
  });

  it.each([`"a"`, "3", "[]", "true"])("makes all three null where tags are %s", (json) => {
    const { row, coerced } = mapped(mapText(sessionText(`"tags":${json}`)));
    expect([row.user_tags, row.session_tags, row.alt_text]).toEqual([null, null, null]);
    expect(coerced).toEqual(["user_tags", "session_tags", "alt_text"]);
  });

  it("makes a value null that is nested too deep to be written, and keeps the row", () => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    const { row, coerced } = mapped(
      mapText(sessionText(`"tags":{"sessionTags":[{"name":"a","value":${deep}},{"name":"b","value":"x"}]}`)),
    );
    expect(row.session_tags).toEqual([tag("a", null), tag("b", "x")]);
    expect(coerced).toEqual(["session_tags"]);
  });
});
