import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readFunctionName } from "../../cli/backfill/function-name.ts";
import { daysOfMonth, monthsOf } from "../../cli/backfill/months.ts";
import { executionName } from "../../cli/backfill/names.ts";
import { addDays, daysFromTo } from "../../functions/exporter/export/calendar.ts";

const botId = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$/);
const day = fc.integer({ min: 0, max: 4_000 }).map((offset) => addDays("2020-01-01", offset));
const month = fc.tuple(day, fc.integer({ min: 0, max: 30 })).map(([from, days]) => ({ from, to: addDays(from, days) }));
const attempt = fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 9_999 }));
const named = fc.record({ source: botId, month, attempt });

describe("an execution's name", () => {
  test("is one that AWS takes, whatever the source is called", () => {
    fc.assert(
      fc.property(named, ({ source, month: one, attempt: count }) => {
        expect(executionName(source, one, count)).toMatch(/^[a-zA-Z0-9-_]{1,64}$/);
      }),
    );
  });

  test("is shared by no other source, month or attempt", () => {
    fc.assert(
      fc.property(fc.uniqueArray(named, { selector: (one) => JSON.stringify(one), maxLength: 200 }), (all) => {
        const names = all.map((one) => executionName(one.source, one.month, one.attempt));
        expect(new Set(names).size).toBe(all.length);
      }),
    );
  });

  test("tells a source by its beginning and a hash only where it has to", () => {
    const january = { from: "2026-01-01", to: "2026-01-31" };
    expect(executionName("st-1", january, 1)).toBe("backfill-st-1-2026-01-01-2026-01-31");
    expect(executionName("account", january, 12)).toBe("backfill-account-2026-01-01-2026-01-31-12");
    const long = executionName("st-1a2b3c4d-5e6f-5a7b-8c9d-0e1f2a3b4c5d", january, 1);
    expect(long).toMatch(/^backfill_st-1a2b3c4d-[0-9a-f]{16}-2026-01-01-2026-01-31$/);
    expect(executionName("st.1", january, 1)).not.toBe(executionName("st-1", january, 1));
    const pretender = long.slice("backfill_".length, -"-2026-01-01-2026-01-31".length);
    expect(executionName(pretender, january, 1)).not.toBe(long);
  });
});

describe("a range's months", () => {
  test("hold each of its days once, each in its own month, the most recent first", () => {
    fc.assert(
      fc.property(day, fc.integer({ min: 0, max: 500 }), (from, count) => {
        const days = daysFromTo(from, addDays(from, count));
        const months = monthsOf(days);
        expect(months.flatMap(daysOfMonth)).toEqual(days.toReversed());
        for (const { from: first, to: last } of months) expect(first.slice(0, 7)).toBe(last.slice(0, 7));
        expect(new Set(months.map(({ from: first }) => first.slice(0, 7))).size).toBe(months.length);
      }),
      { numRuns: 50 },
    );
  });
});

describe("the deployed function's name", () => {
  const ARN = "arn:aws:lambda:eu-central-1:123456789012:function:exporter";

  test.each([
    ["exporter", "exporter:live", null],
    ["exporter:7", "exporter:7", null],
    ["123456789012:function:exporter", "123456789012:function:exporter:live", null],
    [ARN, `${ARN}:live`, "eu-central-1"],
    [`${ARN}:blue`, `${ARN}:blue`, "eu-central-1"],
    ["arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:exporter:$LATEST", undefined, "us-gov-west-1"],
  ])("%s is asked for by alias or version, in its own Region", (text, qualified = text, region) => {
    expect(readFunctionName(` ${text} `)).toEqual({ qualified, name: "exporter", region });
  });

  test.each([
    [undefined, "No function is given"],
    [" ", "No function is given"],
    ["arn:aws:s3:::bucket", "which no function is called"],
    [`${ARN}:live:more`, "which no function is called"],
    ["https://example.com", "which no function is called"],
  ])("%s is refused", (text, message) => {
    expect(() => readFunctionName(text)).toThrow(message);
  });
});
