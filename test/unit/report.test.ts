import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { XMLValidator } from "fast-xml-parser";
import { describe, expect, test } from "vitest";
import { barsChart } from "../../cli/report/charts/bars.ts";
import { gatherNumbers } from "../../cli/report/numbers/gather.ts";
import { periodsOf, unitFor } from "../../cli/report/numbers/periods.ts";
import { html, plainText, shortened } from "../../cli/report/page/html.ts";
import { durationText, percent, roughDuration } from "../../cli/report/words.ts";
import { FolderStore } from "../../functions/exporter/archive/folder-store.ts";
import { addDays, daysFromTo } from "../../functions/exporter/export/calendar.ts";
import { writeDays } from "../support/report-archive.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(
    "</text>",
    `"&'<`,
    "]]>",
    "{a|b}",
    "#010105",
    ' class="zr0-c"',
    "url(#zr0-c0)",
    "\u2028",
    "\ud800",
    "",
  ),
);

describe("texts of an archive", () => {
  test("become labels of a chart and nothing else, whatever they are", () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1, maxLength: 4 }), (names) => {
        const bars = names.map((name, index) => ({ name, sessions: index }));
        const svgs = barsChart("x", bars, 10).split(/(?<=<\/svg>)/);
        for (const svg of svgs) expect(XMLValidator.validate(svg)).toBe(true);
        const elements = new Set(svgs.flatMap((svg) => svg.match(/<\w+/g) ?? []));
        expect(
          [...elements].every((name) => ["<svg", "<rect", "<path", "<text", "<g", "<defs", "<clipPath"].includes(name)),
        ).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test("come back from the markup as they went in", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const markup = html`<p title="${text}">${text}</p>`.text;
        expect(markup).not.toMatch(/<(?!\/?p\b)/);
        const [, attribute = "", content = ""] = /^<p title="([^"]*)">(.*)<\/p>$/su.exec(markup) ?? [];
        const decoded = (part: string) => part.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code));
        expect([decoded(attribute), decoded(content)]).toEqual([plainText(text), plainText(text)]);
      }),
    );
  });

  test("are cut between characters as people count them", () => {
    expect(shortened("👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 3)).toBe("👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦");
    expect(shortened("👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 2)).toBe("👩‍👩‍👧‍👦…");
    expect(shortened("e\u0301".repeat(40), 40)).toHaveLength(80);
  });
});

describe("periods", () => {
  test("hold each day once, in order, and a week or a month at most", () => {
    const longest = { day: 1, week: 7, month: 31 };
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4000 }), fc.integer({ min: 0, max: 1500 }), (start, length) => {
        const first = addDays("2020-01-01", start);
        const days = daysFromTo(first, addDays(first, length)).map((dt) => ({ dt }));
        const unit = unitFor(days.length);
        const periods = periodsOf(days, unit);
        expect(periods.flatMap((period) => period.days)).toEqual(days);
        expect(Math.max(...periods.map((period) => period.days.length))).toBeLessThanOrEqual(longest[unit]);
        expect(periods.length).toBeLessThanOrEqual(110);
        for (const { from } of periods.slice(1)) {
          if (unit === "week") expect(new Date(from).getUTCDay()).toBe(1);
          if (unit === "month") expect(from).toMatch(/-01$/);
        }
      }),
      { numRuns: 25 },
    );
  });
});

describe("words", () => {
  test.each([
    [0, "0 s", "0 s"],
    [59, "59 s", "59 s"],
    [600, "10 min", "10 min"],
    [817, "13 min 37 s", "14 min"],
    [7_200, "2 h", "2 h"],
    [7_384, "2 h 3 min", "2 h 3 min"],
    [90_000, "1 d 1 h", "1 d 1 h"],
  ])("tell %d seconds as %s, in a headline as %s", (seconds, told, rough) => {
    expect([durationText(seconds), roughDuration(seconds)]).toEqual([told, rough]);
  });

  test.each([
    [0, 0, "–"],
    [0, 5, "0%"],
    [1, 5_000, "<0.1%"],
    [1, 200, "0.5%"],
    [1, 3, "33%"],
    [3, 3, "100%"],
  ])("tell %d of %d as %s", (part, whole, told) => expect(percent(part, whole)).toBe(told));
});

test("the numbers equal a count by hand, whatever the sessions", async () => {
  const clock = new VirtualClock("2026-01-04T04:00:00Z");
  const small = fc.integer({ min: -2, max: 130 });
  const row = fc.record({
    seconds: fc.option(small),
    messages: fc.option(small),
    channel: fc.option(fc.constantFrom("a", "b", "")),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 40 }), async (rows) => {
      const folder = await mkdtemp(join(tmpdir(), "kore-report-"));
      const start = Date.parse("2026-01-02T10:00:00Z");
      const sessions = rows.map(({ seconds, messages, channel }) => ({
        start_time: start,
        end_time: seconds === null ? null : start + seconds * 1000 + 999 * Math.sign(seconds),
        messages_exchanged: messages,
        channel,
      }));
      await writeDays(new FolderStore(folder, clock), [
        { source: "st-1", dt: "2026-01-02", type: "agent", rows: sessions },
      ]);
      const told = { log: { warn: () => undefined }, signal: new AbortController().signal };
      const question = { location: folder, asked: {}, isWithTagValues: false, clock, scratch: folder };
      const { contents } = await gatherNumbers({ ...question, ...told });
      await rm(folder, { recursive: true });

      for (const [name, key] of [
        ["durationSeconds", "seconds"],
        ["messages", "messages"],
      ] as const) {
        const values = rows
          .flatMap((one) => one[key] ?? [])
          .filter((value) => value >= 0)
          .sort((one, other) => one - other);
        const told = contents?.sessions[name];
        expect(told?.median).toBe(values[Math.ceil(values.length / 2) - 1] ?? null);
        expect(told?.unknown).toBe(rows.length - values.length);
        for (const { from, to, sessions: counted } of told?.bins ?? []) {
          expect(counted).toBe(values.filter((value) => value >= from && (to === null || value < to)).length);
        }
      }
      const channels = Map.groupBy(rows, ({ channel }) => channel);
      expect(
        Object.fromEntries(contents?.sessions.channels.top.map((one) => [String(one.name), one.sessions]) ?? []),
      ).toEqual(Object.fromEntries([...channels].map(([name, of]) => [String(name), of.length])));
    }),
    { numRuns: 12 },
  );
});
