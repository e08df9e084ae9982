import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addDays,
  dayOf,
  daysFromTo,
  dayWindow,
  isDay,
  sameZone,
  zoneName,
} from "../../functions/exporter/export/calendar.ts";

const HOUR_MS = 3_600_000;
const iso = (ms: number) => new Date(ms).toISOString();

const zones = fc.constantFrom(
  "UTC",
  "Europe/Berlin",
  "Africa/Cairo",
  "America/Sao_Paulo",
  "Asia/Kolkata",
  "Pacific/Apia",
  "Australia/Lord_Howe",
);
const days = fc
  .date({ min: new Date("2011-01-01T00:00:00Z"), max: new Date("2030-12-31T00:00:00Z"), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));

describe("a day", () => {
  test("ends where the next one begins, in every zone, and every instant belongs to its day", () => {
    fc.assert(
      fc.property(zones, days, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (zone, day, part) => {
        const { from, to } = dayWindow(day, zone);
        expect(dayWindow(addDays(day, 1), zone).from).toBe(to);
        if (to > from) expect(dayOf(from + Math.floor((to - from) * part), zone)).toBe(day);
      }),
    );
  });

  test.each([
    ["2026-01-02", "UTC", "2026-01-02T00:00:00.000Z", 24],
    ["2026-03-29", "Europe/Berlin", "2026-03-28T23:00:00.000Z", 23],
    ["2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00.000Z", 25],
    ["2026-04-24", "Africa/Cairo", "2026-04-23T22:00:00.000Z", 23],
    ["2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00.000Z", 0],
  ])("%s in %s begins at %s and has %i hours", (day, zone, from, hours) => {
    const window = dayWindow(day, zone);
    expect(iso(window.from)).toBe(from);
    expect((window.to - window.from) / HOUR_MS).toBe(hours);
  });

  test.each(["2026-02-29", "2026-13-01", "2026-1-2", "02.01.2026", "2026-01-02T00:00:00Z", ""])("is not %j", (text) => {
    expect(isDay(text)).toBe(false);
  });

  test("and days from one to another include both", () => {
    expect(daysFromTo("2024-02-28", "2024-03-01")).toEqual(["2024-02-28", "2024-02-29", "2024-03-01"]);
    expect(daysFromTo("2024-03-01", "2024-02-28")).toEqual([]);
  });
});

describe("a zone", () => {
  test.each([
    ["utc", "UTC"],
    ["europe/berlin", "Europe/Berlin"],
    ["Mars/Base", null],
    ["+02:00", null],
    ["", null],
  ])("%j is %j", (text, name) => {
    expect(zoneName(text)).toBe(name);
  });

  test("is the same under another name", () => {
    expect(sameZone("Etc/UTC", "UTC")).toBe(true);
    expect(sameZone("Europe/Berlin", "Europe/Paris")).toBe(false);
  });
});
