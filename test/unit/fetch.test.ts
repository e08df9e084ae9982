import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asLine } from "../../cli/fetch/line.ts";
import { readTimeSpan, windowsOf } from "../../cli/fetch/time-span.ts";
import { LONGEST_SPAN_MS } from "../../functions/exporter/kore/request.ts";

describe("a session on one line", () => {
  /** JSON as somebody may format it: blanks of every kind between tokens. */
  const spaced = fc
    .tuple(fc.jsonValue(), fc.constantFrom("\n", "\r\n  ", "\t", "\r", " \n\n"))
    .map(([value, blank]) => JSON.stringify(value, null, 1).replaceAll(/\n */g, blank));

  test("is one line, and means what was sent", () => {
    fc.assert(
      fc.property(spaced, (text) => {
        const line = asLine(Buffer.from(text));
        expect(line).not.toMatch(/[\r\n]/);
        expect(JSON.parse(line)).toEqual(JSON.parse(text));
      }),
    );
  });

  test("is exactly what was sent if that is one line", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(asLine(Buffer.from(text))).toBe(Buffer.from(text).toString());
      }),
    );
  });
});

describe("windows", () => {
  const instant = fc.integer({ min: 0, max: Date.parse("2100-01-01") });

  test("make up the span without gap or overlap, the newest first, each one askable below seven days", () => {
    fc.assert(
      fc.property(instant, fc.integer({ min: 1, max: 400 * 86_400_000 }), (from, length) => {
        const windows = windowsOf({ from, to: from + length });
        expect(windows[0]?.to).toBe(from + length);
        expect(windows.at(-1)?.from).toBe(from);
        for (const [index, window] of windows.entries()) {
          if (index > 0) expect(window.to).toBe(windows[index - 1]?.from);
          expect(window.to - window.from).toBeGreaterThan(0);
          expect(window.to - (window.from - 1)).toBeLessThan(LONGEST_SPAN_MS);
        }
      }),
    );
  });
});

describe("a span", () => {
  const NOW = Date.parse("2026-04-26T12:00:00Z");
  const span = (from?: string, to?: string, zone = "UTC") => {
    const window = readTimeSpan({ from, to }, zone, NOW);
    return [new Date(window.from).toISOString(), new Date(window.to).toISOString()];
  };

  test("has the API's own ends where none is given", () => {
    expect(span()).toEqual(["2026-04-19T12:00:00.000Z", "2026-04-26T12:00:00.000Z"]);
    expect(span("2026-04-26")).toEqual(["2026-04-26T00:00:00.000Z", "2026-04-26T12:00:00.000Z"]);
    expect(span(undefined, "2026-01-10")).toEqual(["2026-01-04T00:00:00.000Z", "2026-01-11T00:00:00.000Z"]);
  });

  test("of days follows the zone, also where midnight does not exist", () => {
    expect(span("2026-04-24", "2026-04-24", "Africa/Cairo")).toEqual([
      "2026-04-23T22:00:00.000Z",
      "2026-04-24T21:00:00.000Z",
    ]);
  });
});
