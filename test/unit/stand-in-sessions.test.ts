import { describe, expect, it } from "vitest";
import { ODDITIES } from "../../demo/stand-in/odd-sessions.ts";
import { namedTags, type Session } from "../../demo/stand-in/session.ts";
import { generatedDay, sampleSession } from "../../demo/stand-in/sessions.ts";

function sessionsOf(of: { seed?: number; botId?: string; day?: string; count?: number } = {}): Session[] {
  const day = generatedDay({ seed: 1, botId: "b", day: "2026-01-02", count: 240, ...of });
  return Array.from({ length: day.count }, (_, index) => day.sessionAt(index));
}

describe("the generated sessions of a day", () => {
  it("are the same for the same seed, bot, day and count, and others otherwise", () => {
    const text = JSON.stringify(sessionsOf());
    expect(JSON.stringify(sessionsOf())).toBe(text);
    for (const other of [{ seed: 2 }, { botId: "c" }, { day: "2026-01-03" }]) {
      expect(JSON.stringify(sessionsOf(other))).not.toBe(text);
    }
  });

  it("come newest first, from the day's first millisecond to its last", () => {
    const starts = sessionsOf().map((session) => String(session.start_time));
    expect(starts).toEqual(starts.toSorted().toReversed());
    expect(starts[0]).toBe("2026-01-02T23:59:59.999Z");
    expect(starts.at(-1)).toBe("2026-01-02T00:00:00.000Z");
  });

  it("share a millisecond now and then", () => {
    const starts = sessionsOf().map((session) => session.start_time);
    expect(starts.length - new Set(starts).size).toBeGreaterThanOrEqual(5);
  });

  it("are more in the busy hours", () => {
    const atHour = (hour: string) =>
      sessionsOf({ count: 2400 }).filter((s) => String(s.start_time).slice(11, 13) === hour);
    expect(atHour("10").length).toBeGreaterThan(5 * atHour("03").length);
  });

  it("have an id of 24 hexadecimal digits that begins with the second of the start", () => {
    const sessions = sessionsOf();
    expect(new Set(sessions.map((session) => session.sessionId)).size).toBe(240);
    for (const session of sessions) {
      expect(session.sessionId).toMatch(/^[0-9a-f]{24}$/);
      const second = Math.floor(Date.parse(String(session.start_time)) / 1000);
      expect(Number.parseInt(String(session.sessionId).slice(0, 8), 16)).toBe(second);
    }
  });

  it("cover the three containment types, several channels and languages", () => {
    const sessions = sessionsOf();
    expect(new Set(sessions.map((session) => session.containmentType))).toEqual(
      new Set(["dropOff", "selfService", "agent"]),
    );
    expect(new Set(sessions.map((session) => session.channel)).size).toBeGreaterThan(5);
    expect(new Set(sessions.map((session) => JSON.stringify(session.session_lang))).size).toBeGreaterThan(4);
  });

  it("weigh what production's do", () => {
    const sizes = sessionsOf({ count: 2000 })
      .map((session) => Buffer.byteLength(JSON.stringify(session)))
      .sort((a, b) => a - b);
    expect(sizes[200]).toBeGreaterThan(700);
    expect(sizes.at(-1)).toBeLessThan(1700);
  });

  it("have every oddity on an ordinary day", () => {
    const text = JSON.stringify(sessionsOf());
    for (const piece of ["👩‍👧", "ＦＵＬＬ", "שלום", "مرحبا", "\\\"it's", "\u2028", '"region":"eu-central"']) {
      expect(text).toContain(piece);
    }
    const values = sessionsOf().flatMap((session) => namedTags(session).map(({ value }) => value));
    const kinds = new Set(
      values.map((value) => (Array.isArray(value) ? "array" : value === null ? "null" : typeof value)),
    );
    expect(kinds).toEqual(new Set(["string", "number", "boolean", "object", "array", "null", "undefined"]));
    expect(values).toEqual(expect.arrayContaining([true, false]));
    expect(240 / 10).toBeGreaterThanOrEqual(ODDITIES.length);
  });

  it("repeat tag names, lack members, and have null and empty ones", () => {
    const sessions = sessionsOf();
    const some = (wanted: (session: Session) => boolean) => expect(sessions.some(wanted)).toBe(true);
    some((session) => {
      const names = namedTags(session).map(({ name }) => name);
      return new Set(names).size < names.length;
    });
    some((session) => !("tags" in session));
    some((session) => session.tags === null);
    some((session) => !("sessionStatus" in session));
    some((session) => session.userId === null && session.channel === null);
    some((session) => JSON.stringify(session.session_lang) === "[]");
    some((session) => session.isDeveloper === 1);
    some((session) => session.isDeveloper === 0);
  });

  it("are all settled: each has an end or the status closed", () => {
    for (const session of sessionsOf({ count: 2000 })) {
      expect(session.sessionStatus === "closed" || typeof session.end_time === "string").toBe(true);
    }
  });

  it("are refused for a day that does not exist", () => {
    expect(() => sessionsOf({ day: "2026-13-01" })).toThrow(/not a day/);
  });
});

describe("a sample session", () => {
  it("has every documented member, and the changes", () => {
    const of = { botId: "b", startTime: "2026-01-02T10:00:00.000Z", containmentType: "agent" as const };
    const session = sampleSession(of, { sessionStatus: "active", end_time: undefined });
    expect(JSON.parse(JSON.stringify(session))).toMatchObject({
      botId: "b",
      start_time: "2026-01-02T10:00:00.000Z",
      containmentType: "agent",
      sessionStatus: "active",
    });
    expect(session.end_time).toBeUndefined();
    expect(sampleSession(of).sessionId).toBe(session.sessionId);
    expect(sampleSession({ ...of, number: 1 }).sessionId).not.toBe(session.sessionId);
  });
});
