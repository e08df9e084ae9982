import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { elementTexts } from "../../functions/exporter/json-text.ts";

/** White space that JSON allows between tokens. */
const blanks = fc.stringMatching(/^[ \t\r\n]{0,3}$/);

/** JSON text of a value with white space strewn between its tokens. */
function spaced(value: unknown, blank: () => string): string {
  if (Array.isArray(value))
    return `[${blank()}${value.map((item) => spaced(item, blank) + blank()).join(`,${blank()}`)}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, item]) => `${JSON.stringify(key)}${blank()}:${blank()}${spaced(item, blank)}${blank()}`,
  );
  return `{${blank()}${members.join(`,${blank()}`)}}`;
}

/** The elements of `sessions`, as text. */
const cut = (json: string) => elementTexts(Buffer.from(json), "sessions")?.map(String) ?? null;

describe("cutting the elements of `sessions` out of an answer", () => {
  test("gives exactly the text that stands there, for any JSON", () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue()),
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.infiniteStream(blanks),
        (sessions, others, stream) => {
          const blank = () => stream.next().value ?? "";
          const texts = sessions.map((session) => spaced(session, blank));
          const before = Object.entries(others).filter(([key]) => key !== "sessions" && key !== "__proto__");
          const members = before.map(([key, value]) => `${JSON.stringify(key)}:${spaced(value, blank)}`);
          const list = `"sessions"${blank()}:${blank()}[${blank()}${texts.join(`${blank()},${blank()}`)}${blank()}]`;
          const json = `${blank()}{${[...members, list, '"sessionsAfter":[1]'].join(`${blank()},${blank()}`)}}${blank()}`;
          expect(cut(json)).toEqual(texts);
        },
      ),
    );
  });

  test.each([
    [
      "spelling of numbers",
      '{"sessions":[{"a":1.0,"b":12345678901234567890,"c":1e2}]}',
      ['{"a":1.0,"b":12345678901234567890,"c":1e2}'],
    ],
    ["order of keys and inner blanks", '{"sessions":[ {"z" : 1, "a":2 } ,7]}', ['{"z" : 1, "a":2 }', "7"]],
    [
      "quotes and backslashes at the end of strings",
      '{"sessions":["\\\\","\\"]",{"k":"}\\\\"}]}',
      ['"\\\\"', '"\\"]"', '{"k":"}\\\\"}'],
    ],
    ["a member of the same name deeper down", '{"x":{"sessions":[1]},"sessions":[2]}', ["2"]],
    ["the last member of several", '{"sessions":[1],"sessions":[2]}', ["2"]],
    ["an escaped key", '{"\\u0073essions":[true,null]}', ["true", "null"]],
    ["an empty list", '{"sessions":[]}', []],
  ])("keeps %s", (_, json, expected) => {
    expect(cut(json)).toEqual(expected);
    expect(cut(json)?.map((text) => JSON.parse(text))).toEqual(JSON.parse(json).sessions);
  });

  test.each(["{}", '{"sessions":{"a":[1]}}', '{"other":[1]}'])("gives null where there is no such list: %s", (json) => {
    expect(cut(json)).toBeNull();
  });
});
