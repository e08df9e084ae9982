import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readPersonalDataRules } from "../../functions/exporter/contract.ts";
import { mapSession } from "../../functions/exporter/sessions/map.ts";
import { type PersonalData, protectedPersonalData } from "../../functions/exporter/sessions/personal-data.ts";

const KEY = "a key of at least 32 characters, and more";
const PASSING_KEY = "another key";
const hmac = (text: string, key = KEY) => createHmac("sha256", key).update(text).digest("hex");

function personalData(rules: string, key: string | null = KEY): PersonalData {
  return protectedPersonalData(readPersonalDataRules(rules), { hashKey: key, passingKey: PASSING_KEY });
}

/** What makes an object a session that can be archived. */
const USABLE = '"sessionId":"s","start_time":"2026-01-02T00:00:00Z"}';

/** The session with the members of an object's text, and what it needs besides. */
function sessionOf(text: string) {
  const isEmpty = /^\{\s*\}$/.test(text);
  const whole = `${text.slice(0, -1)}${isEmpty ? "" : ","}${USABLE}`;
  return { raw: Buffer.from(whole), value: JSON.parse(whole) as unknown };
}

/** The text that an object's text becomes as part of a session. */
function protect(rules: string, text: string): string {
  const { raw, value } = personalData(rules).session(sessionOf(text));
  const whole = raw.toString();
  expect(value).toEqual(JSON.parse(whole));
  expect(whole.endsWith(USABLE)).toBe(true);
  return `${whole.slice(0, -USABLE.length).replace(/,$/, "")}}`;
}

describe("in the text of a session", () => {
  test.each([
    ["a text", "user_id=hash", '{"userId":"zoë"}', `{"userId":"${hmac("zoë")}"}`],
    ["an escaped text", "user_id=hash", '{"userId":"zo\\u00eb"}', `{"userId":"${hmac("zoë")}"}`],
    ["a number, as it is written", "user_id=hash", '{"userId":1.0}', `{"userId":"${hmac("1.0")}"}`],
    ["other JSON, compactly", "user_id=hash", '{"userId":{"a" : [1.0]}}', `{"userId":"${hmac('{"a":[1.0]}')}"}`],
    ["the empty text", "user_id=hash", '{"userId":""}', `{"userId":"${hmac("")}"}`],
    ["a null, which stays", "user_id=hash", '{"userId": null }', '{"userId": null }'],
    ["a dropped value", "user_id=drop", '{"userId" : "zoë" , "z":1.0}', '{"userId" : null , "z":1.0}'],
    ["an escaped key", "user_id=drop", '{"user\\u0049d":1}', '{"user\\u0049d":null}'],
    ["a key in another case", "user_id=drop", '{"UserID":1}', '{"UserID":null}'],
    ["each of repeated members", "user_id=drop", '{"userId":1,"userId":"2"}', '{"userId":null,"userId":null}'],
    ["a member deeper down", "user_id=drop", '{"user":[{"userId":"2"}]}', '{"user":[{"userId":null}]}'],
    ["no text that only looks like a key", "user_id=drop", '{"a":"userId","b":"\\"userId\\":1"}', null],
    ["no member of a like name", "user_id=drop", '{"userIds":"1","auserId":"2"}', null],
  ])("user_id is about %s", (_, rules, text, expected) => {
    expect(protect(rules, text)).toBe(expected ?? text);
  });

  const tags = (list: string) => `{"tags":{"sessionTags":${list},"altText":[{"name":"caller","value":"x"}]}}`;

  test.each([
    ["its value", '[{"name":"callerNumber","value":"1"}]', '[{"name":"callerNumber","value":null}]'],
    ["a name in another case", '[{"name":" CALLER","value":"1"}]', '[{"name":" CALLER","value":null}]'],
    ["a value before the name", '[{"value":"1","name":"caller"}]', '[{"value":null,"name":"caller"}]'],
    ["an escaped name", '[{"name":"c\\u0061ller","value":"1"}]', '[{"name":"c\\u0061ller","value":null}]'],
    ["all but its name", '[{"name":"caller","value":1,"shown":[2]}]', '[{"name":"caller","value":null,"shown":null}]'],
    ["any of its names", '[{"name":"caller","name":"x","value":"1"}]', '[{"name":"caller","name":"x","value":null}]'],
    ["each of its values", '[{"name":"caller","value":1,"value":2}]', '[{"name":"caller","value":null,"value":null}]'],
    ["a tag without a name", '[{"value":"1"},{"name":null,"value":2}]', '[{"value":null},{"name":null,"value":null}]'],
    ["a name that is none", '[{"name":{"a":"caller"},"value":2}]', '[{"name":null,"value":null}]'],
    ["what is no tag", '["1", null ,[{"name":"x"}]]', "[null, null ,null]"],
    ["what is no list", '{"name":"x","value":"1"}', "null"],
    ["no other tag", '[{"name":"recaller","value":"1"},{"name":"language","value":"de"}]', null],
  ])("a rule for tags is about %s", (_, list, expected) => {
    expect(protect("tag:caller*=drop", tags(list))).toBe(tags(expected ?? list));
  });

  test.each([
    [
      "tags in another kind of list",
      '{"tags":{"newTags":[{"name":"a","value":1}]}}',
      /^\{"tags":\{"newTags":\[\{"name":"a","value":null\}\]\}\}$/,
    ],
    [
      "tags that stand by themselves",
      '{"userTags":[{"name":"a","value":1}]}',
      /^\{"userTags":\[\{"name":"a","value":null\}\]\}$/,
    ],
    ["tags as a list", '{"tags":[{"name":"b","value":1}]}', /^\{"tags":null\}$/],
    ["tags as a text", '{"tags":"a=1"}', /^\{"tags":null\}$/],
    ["tags that are null", '{"tags":null}', /^\{"tags":null\}$/],
  ])("a rule for tags is about %s", (_, text, expected) => {
    expect(protect("tag:a=drop", text)).toMatch(expected);
  });

  test("the first rule that fits a name decides, and the strictest where there is no name", () => {
    const text = '{"tags":{"userTags":[{"name":"lang","value":"de"},{"name":"id","value":"7"},{"value":"?"}]}}';
    const expected = `{"tags":{"userTags":[{"name":"lang","value":"de"},{"name":"id","value":"${hmac("7")}"},{"value":null}]}}`;
    expect(protect("tag:lang=keep,tag:id=hash,tag:*=drop", text)).toBe(expected);
  });

  test("alt_text is about the values of altText alone", () => {
    const text = '{"tags":{"userTags":[{"name":"label","value":"1"}],"altText":[{"name":"label","value":"2"},"3"]}}';
    expect(protect("alt_text=drop", text)).toBe(text.replace('"2"', "null").replace('"3"', "null"));
  });

  test("nothing is copied where there is nothing to hide", () => {
    const session = sessionOf('{"channel":"rtm"}');
    expect(personalData("user_id=hash,tag:*=drop,alt_text=drop").session(session)).toBe(session);
    expect(personalData("keep").session(session)).toBe(session);
  });

  test("nesting of any depth is walked, in time that grows with the text alone", () => {
    const deep = `${'{"tags":{"a":[{"value":['.repeat(20_000)}1${"]}]}}".repeat(20_000)}`;
    const text = `{"x":${deep},"userId":${deep}}`;
    const hidden = personalData("user_id=hash,tag:x=hash").session(sessionOf(text)).raw;
    expect(hidden.toString()).toBe(`{"x":${deep},"userId":"${hmac(deep)}",${USABLE}`);
  });
});

test("columns hold the hash of the very text that they would hold", () => {
  const text =
    '{"sessionId":"s","start_time":"2026-01-02T00:00:00Z","userId":12345678901234567890,' +
    '"tags":{"userTags":[{"name":"a","value":true},{"name":"b","value":{"z":1.0, "a":"\\u00eb"}},{"name":"c","value":"ü"}]}}';
  const map = (rules: string) => {
    const mapped = mapSession(personalData(rules).session({ raw: Buffer.from(text), value: JSON.parse(text) }));
    if ("rejected" in mapped) throw new Error(mapped.rejected);
    return [mapped.row.user_id, ...(mapped.row.user_tags ?? []).map((tag) => tag?.value ?? null)];
  };
  expect(map("user_id=hash,tag:*=hash")).toEqual(map("keep").map((plain) => hmac(plain ?? "")));
  expect(map("user_id=drop,tag:*=drop")).toEqual([null, null, null, null]);
});

describe("a row that cannot be archived", () => {
  const ROWS: readonly (readonly [string, string, (identity: string) => unknown])[] = [
    ["a text", '"a text"', (identity) => identity],
    ["a number", "7", (identity) => identity],
    ["a list", '["userId"]', (identity) => identity],
    ["without an id", '{"start_time":"2026-01-02T00:00:00Z","note":"x"}', (identity) => identity],
    ["without a start", '{"sessionId":"s","note":"x"}', (identity) => ({ sessionId: identity })],
  ];

  test.each(ROWS)("(%s) becomes the HMAC of its exact text, and stays as unusable", (_, text, expected) => {
    const session = { raw: Buffer.from(text), value: JSON.parse(text) as unknown };
    const identity = `hmac:${hmac(text)}`;
    const kept = personalData("tag:a=drop").session(session);
    expect(kept.value).toEqual(expected(identity));
    expect(JSON.parse(kept.raw.toString())).toEqual(kept.value);
    expect(personalData("tag:a=drop").rejectedText(kept.raw.toString())).toBe(identity);
    const withoutStart = (one: object) => "rejected" in one && one.rejected === "no-start-time";
    expect(withoutStart(mapSession(kept))).toBe(withoutStart(mapSession(session)));
    expect(mapSession(kept)).toHaveProperty("rejected");
  });

  test.each(ROWS)("(%s) is archived as null without a key, and told apart till then", (_, text, expected) => {
    const without = personalData("user_id=drop", null);
    const kept = without.session({ raw: Buffer.from(text), value: JSON.parse(text) as unknown });
    expect(kept.value).toEqual(expected(`row:${hmac(text, PASSING_KEY)}`));
    expect(without.rejectedText(kept.raw.toString())).toBeNull();
  });

  test("is told by its text, but not by what that says of itself", () => {
    expect(personalData("user_id=drop").rejectedText('{"a":1}')).toBe(`hmac:${hmac('{"a":1}')}`);
    expect(personalData("user_id=drop").rejectedText('"hmac:me"')).toBe(`hmac:${hmac('"hmac:me"')}`);
    expect(personalData("user_id=drop", null).rejectedText('{"a":1}')).toBeNull();
  });

  test("is what Kore sent where personal data is kept", () => {
    const session = { raw: Buffer.from("7"), value: 7 };
    expect(personalData("keep").session(session)).toBe(session);
    expect(personalData("keep").rejectedText('{"a":1}')).toBe('{"a":1}');
  });
});

/** JSON with its members in order, repeated ones included. */
type Node = { readonly scalar: string | number | boolean | null } | { readonly items: Node[] } | { members: Member[] };
type Member = readonly [key: string, value: Node];

const RULES = "user_id=hash,tag:lang*=keep,tag:call*=hash,tag:*id*=drop,alt_text=drop";

/** What a text is to be: as it was, and as the rules leave it. */
class Expected {
  given = "";
  hidden = "";
  readonly #blank: () => string;
  readonly #escaped: () => boolean;

  constructor(blank: () => string, escaped: () => boolean) {
    this.#blank = blank;
    this.#escaped = escaped;
  }

  /** Writes a value; `treat` says what becomes of it, or of each member of it. */
  write(node: Node, treat: Treat): void {
    const mode = treat(node);
    if (typeof mode === "string") this.#hide(node, mode);
    else if ("scalar" in node) this.#both(JSON.stringify(node.scalar));
    else this.#container(node, mode);
  }

  #container(node: Exclude<Node, { scalar: unknown }>, mode: (key: string, value: Node) => Treat): void {
    const isList = "items" in node;
    const entries: readonly (readonly [string | null, Node])[] = isList
      ? node.items.map((item) => [null, item])
      : node.members;
    this.#both((isList ? "[" : "{") + this.#blank());
    for (const [index, [key, value]] of entries.entries()) {
      if (index > 0) this.#both(`,${this.#blank()}`);
      if (key !== null) this.#both(`${this.#key(key)}${this.#blank()}:${this.#blank()}`);
      this.write(value, mode(key ?? "", value));
      this.#both(this.#blank());
    }
    this.#both(isList ? "]" : "}");
  }

  #hide(node: Node, mode: "hash" | "drop"): void {
    const plain = new Expected(this.#blank, this.#escaped);
    plain.write(node, keep);
    this.given += plain.given;
    const value = JSON.parse(plain.given) as unknown;
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (value === null) this.hidden += plain.given;
    else this.hidden += mode === "drop" ? "null" : JSON.stringify(hmac(text));
  }

  #both(text: string): void {
    this.given += text;
    this.hidden += text;
  }

  #key(key: string): string {
    const inHex = (letter: string) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
    return `"${[...key].map((letter) => (this.#escaped() ? inHex(letter) : letter)).join("")}"`;
  }
}

type Treat = (node: Node) => "hash" | "drop" | ((key: string, value: Node) => Treat);

const keep: Treat = () => () => keep;
const dropped: Treat = () => "drop";
const hashed: Treat = () => "hash";

/** What the rules of the property test say, told of a tree instead of a text. */
const elsewhere: Treat = () => (key) => (key.toLowerCase() === "userid" ? hashed : elsewhere);
const session: Treat = () => (key) => {
  if (key === "userId") return hashed;
  if (key === "tags") return tagLists;
  if (key === "altText") return listOf(() => dropped);
  return key === "userTags" ? listOf(byName) : elsewhere;
};
const tagLists: Treat = (node) => {
  if (!("members" in node)) return "drop";
  return (key) => {
    if (key === "userId") return hashed;
    return key === "altText" ? listOf(() => dropped) : listOf(byName);
  };
};

function listOf(treatTag: (names: string[]) => Treat | null): Treat {
  return (list) => {
    if (!("items" in list)) return "drop";
    return (_, element) => {
      if (!("members" in element)) return dropped;
      const names = element.members.flatMap(([key, value]) =>
        isName(key, value) ? [String(value.scalar).trim().toLowerCase()] : [],
      );
      const treat = treatTag(names);
      return () => (key, value) => {
        if (key === "userId") return hashed;
        return treat === null || isName(key, value) ? elsewhere : treat;
      };
    };
  };
}

function isName(key: string, value: Node): value is Extract<Node, { scalar: unknown }> {
  return key === "name" && "scalar" in value && value.scalar !== null;
}

function byName(names: string[]): Treat | null {
  const modes = names.map((name) => {
    if (name.startsWith("lang")) return "keep";
    if (name.startsWith("call")) return "hash";
    return name.includes("id") ? "drop" : "keep";
  });
  if (names.length === 0 || modes.includes("drop")) return dropped;
  return modes.includes("hash") ? hashed : null;
}

const { node } = fc.letrec<{ node: Node }>((tie) => {
  const scalar = fc.oneof(
    fc.string().map((text) => ({ scalar: text })),
    fc.integer().map((number) => ({ scalar: number })),
    fc.constantFrom(true, null, "userId", '"name":"call', "x".repeat(9)).map((odd) => ({ scalar: odd })),
  );
  const key = fc.constantFrom("userId", "tags", "userTags", "sessionTags", "altText", "name", "value", "more");
  const name = fc.constantFrom("language", "callerName", "id", "customerid", "lang-id", "other", 7, true);
  const member = fc.oneof(
    fc.tuple(key, tie("node")),
    fc.tuple(
      fc.constant("name"),
      name.map((text): Node => ({ scalar: text })),
    ),
  );
  const members = fc.array(member, { maxLength: 4 });
  return {
    node: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      scalar,
      fc.array(tie("node"), { maxLength: 3 }).map((items): Node => ({ items })),
      members.map((own): Node => ({ members: own })),
    ),
  };
});

/** Sessions whose tags are, more often than not, lists of tags. */
const tagList = fc.array(node, { maxLength: 4 }).map((items): Node => ({ items }));
const tagsNode = fc
  .array(
    fc.tuple(fc.constantFrom("userTags", "sessionTags", "altText", "newTags", "userId"), fc.oneof(tagList, node)),
    {
      maxLength: 3,
    },
  )
  .map((members): Node => ({ members }));
const sessionNode = fc
  .array(
    fc.oneof(
      fc.tuple(fc.constant("tags"), fc.oneof(tagsNode, node)),
      fc.tuple(fc.constantFrom("userId", "userTags", "altText", "other"), fc.oneof(tagList, node)),
    ),
    { maxLength: 5 },
  )
  .map((members): Node => ({ members }));

test("values are replaced wherever they stand, and no other byte of the text changes", () => {
  const blanks = fc.infiniteStream(fc.stringMatching(/^[ \t\r\n]{0,2}$/));
  const escapes = fc.infiniteStream(fc.boolean());
  let hiding = 0;
  fc.assert(
    fc.property(sessionNode, blanks, escapes, (tree, blank, escaped) => {
      const expected = new Expected(
        () => blank.next().value ?? "",
        () => escaped.next().value ?? false,
      );
      expected.write(tree, session);
      if (expected.given !== expected.hidden) hiding++;
      expect(protect(RULES, expected.given)).toBe(expected.hidden);
    }),
    { numRuns: 1_500 },
  );
  expect(hiding).toBeGreaterThan(500);
});
