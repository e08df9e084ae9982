import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cutArray, type TapedText, TOKEN, tapeOf } from "../../functions/exporter/json-tape.ts";

const cut = (json: string) => cutArray(Buffer.from(json), "sessions");
const textsOf = (json: string) => cut(json)?.elements.map(({ raw }) => raw.toString()) ?? null;

/** The value that a tape tells: what stands between two tokens is read by them alone. */
function valueOnTape({ text, tape, at }: TapedText): unknown {
  let place = at;
  const next = (): unknown => {
    const start = tape[place] ?? 0;
    const end = tape[place + 1] ?? 0;
    place += TOKEN;
    const first = text.toString("latin1", start, start + 1);
    if (first === "[") {
      const list: unknown[] = [];
      while (place < end) list.push(next());
      return list;
    }
    if (first !== "{") return JSON.parse(text.toString("utf8", start, Math.abs(end)));
    const members: [string, unknown][] = [];
    while (place < end) members.push([next() as string, next()]);
    return Object.fromEntries(members);
  };
  return next();
}

describe("cutting an array out of a JSON text", () => {
  test("gives each element's exact text, and the rest with an empty array", () => {
    const indents = fc.constantFrom("", " ", "\n\t");
    const others = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), others, indents, (sessions, { sessions: _, ...rest }, indent) => {
        const json = JSON.stringify({ ...rest, sessions, more: false }, null, indent);
        const found = cut(json);
        // Whatever JavaScript does with such a key, it is not ours to cut.
        fc.pre(!Object.keys(rest).some((key) => JSON.stringify(key).includes("\\")));
        expect(found?.elements.map(({ raw }) => JSON.parse(raw.toString()))).toEqual(JSON.parse(json).sessions);
        expect(JSON.parse(found?.rest ?? "")).toEqual({ ...JSON.parse(json), sessions: [] });
      }),
    );
  });

  test("takes nothing for JSON that is none, wherever a byte is changed, taken out or put in", () => {
    const page = `{"total":2,"sessions":[{"a":"x\\u00e9\\n","b":[1,-2.5e+3,0],"c":{"d":null}},{"e":[true,false,{}]}],"more":true}`;
    const bytes = fc.constantFrom(...Buffer.from('{}[]",:\\u0e-+.tfn x\n\u0001'));
    const change = fc.record({
      at: fc.nat(page.length - 1),
      remove: fc.nat(2),
      put: fc.array(bytes, { maxLength: 2 }),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const json = [...Buffer.from(page)];
        for (const { at, remove, put } of changes) json.splice(at, remove, ...put);
        const found = cutArray(Buffer.from(json), "sessions");
        if (found === null) return;
        const parsed = JSON.parse(Buffer.from(json).toString());
        expect(found.elements.map((element) => element.value)).toEqual(parsed.sessions);
        expect(found.elements.map(valueOnTape)).toEqual(parsed.sessions);
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([
    ["cut short", '{"sessions":[{"a":1}'],
    ["with something behind it", '{"sessions":[]} x'],
    ["without the member", '{"total":0}'],
    ["with the member twice", '{"sessions":[1],"sessions":[2]}'],
    ["whose member is no array", '{"sessions":{"0":1}}'],
    ["with an escaped key", '{"\\u0073essions":[1]}'],
    ["that is an array", '[{"sessions":[]}]'],
    ["with a bare control character", '{"sessions":["a\u0001"]}'],
    ["with a number that begins with 0", '{"sessions":[01]}'],
    ["with a comma too many", '{"sessions":[1,]}'],
    ["with nothing in it", ""],
    ["nested 300 deep", `{"sessions":[${"[".repeat(300)}${"]".repeat(300)}]}`],
  ])("leaves a text %s to JSON.parse", (_, json) => {
    expect(cut(json)).toBeNull();
  });

  test("leaves a member of the same name deeper down alone", () => {
    expect(textsOf('{"x":{"sessions":[1]},"sessions":[2]}')).toEqual(["2"]);
  });
});

describe("a tape", () => {
  test("tells the value that the text is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom("", "  "), (value, indent) => {
        const taped = tapeOf(Buffer.from(JSON.stringify(value, null, indent)));
        expect(taped && valueOnTape(taped)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test("of an element counts from the element's own beginning", () => {
    const elements = cut('{"total":7,"sessions":[ {"a":["x"]}, {"b":{"c":"\\"y"}} ]}')?.elements ?? [];
    expect(elements.map(valueOnTape)).toEqual([{ a: ["x"] }, { b: { c: '"y' } }]);
  });
});
