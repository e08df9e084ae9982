import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fitsPattern, readPersonalDataRules } from "../../functions/exporter/contract.ts";

const spelling = (text: string) => readPersonalDataRules(text).spelling;

describe("rules for personal data", () => {
  test.each([
    ["keep", "keep"],
    [" keep ", "keep"],
    ["user_id=hash", "user_id=hash"],
    ["user_id = hash , tag:Caller* = drop", "user_id=hash,tag:caller*=drop"],
    ["alt_text=drop,tag:b=hash,tag:a=drop,user_id=hash", "user_id=hash,tag:b=hash,tag:a=drop,alt_text=drop"],
    ["user_id=keep,alt_text=keep,tag:a=keep", "keep"],
    ["tag:Language=keep,tag:*=drop", "tag:language=keep,tag:*=drop"],
    ["tag:a=drop,tag:b=keep", "tag:a=drop"],
    ["tag:a**b=hash", "tag:a*b=hash"],
    ["tag:Date of birth =drop", "tag:date of birth=drop"],
    ["tag:cafe\u0301=drop", "tag:caf\u00e9=drop"],
  ])("%j have the one spelling %s", (text, expected) => {
    expect(spelling(text)).toBe(expected);
    expect(spelling(expected)).toBe(expected);
  });

  test.each([
    ["", '"" is no rule'],
    ["user_id", '"user_id" is no rule'],
    ["user_id=mask", '"user_id=mask" is no rule'],
    ["USER_ID=hash", '"USER_ID=hash" is no rule'],
    ["phone=drop", '"phone=drop" is no rule'],
    ["tag:=drop", '"tag:=drop" is no rule'],
    ["tag: =drop", '"tag: =drop" is no rule'],
    ["user_id=hash,", '"" is no rule'],
    ["keep,user_id=hash", '"keep" is no rule'],
    ["user_id=hash,user_id=drop", '"user_id=drop" never decides, since user_id=hash stands before it'],
    ["tag:*=hash,tag:caller*=drop", '"tag:caller*=drop" never decides, since tag:*=hash stands before it'],
    ["tag:Caller=hash,tag:caller=hash", '"tag:caller=hash" never decides'],
    ["tag:c*r=drop,tag:ca*er=keep", '"tag:ca*er=keep" never decides'],
  ])("%j are refused", (text, sentence) => {
    expect(() => readPersonalDataRules(text)).toThrow(sentence);
  });

  test("overlap where neither fits all names of the other", () => {
    expect(spelling("tag:caller*=hash,tag:*number=drop")).toBe("tag:caller*=hash,tag:*number=drop");
  });
});

describe("a pattern", () => {
  test("fits what its regular expression does", () => {
    const letters = (alphabet: string) =>
      fc.array(fc.constantFrom(...alphabet), { maxLength: 8 }).map((all) => all.join(""));
    fc.assert(
      fc.property(letters("ab*"), letters("ab"), (pattern, name) => {
        const expected = new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(name);
        expect(fitsPattern(pattern, name)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test("takes no time that grows out of proportion", () => {
    const name = "a".repeat(100_000);
    expect(fitsPattern(`${"*a".repeat(200)}b`, name)).toBe(false);
  });
});
