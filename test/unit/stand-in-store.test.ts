import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SessionStore } from "../../demo/stand-in/session-store.ts";
import { sampleSession } from "../../demo/stand-in/sessions.ts";

const DAY = "2026-01-02";
const DAY_START_MS = Date.parse(DAY);

function session(sessionId: string, startTime: string, containmentType = "agent") {
  return { sessionId, start_time: startTime, containmentType };
}

function idsOf(rows: readonly { readonly sessionId: string | null }[]) {
  return rows.map((row) => row.sessionId);
}

describe("the session store", () => {
  it("lists sessions newest first, and those of one millisecond in the order in which they came", () => {
    const store = new SessionStore();
    store.add("b", session("old", "2026-01-02T01:00:00.000Z"));
    store.add("b", session("first", "2026-01-02T02:00:00.000Z", "dropOff"));
    store.add("b", session("second", "2026-01-02T02:00:00.000Z", "agent"));
    store.add("b", session("third", "2026-01-02T02:00:00.000Z", "dropOff"));
    store.add("b", session("new", "2026-01-02T03:00:00.000Z"));

    expect(idsOf(store.all("b"))).toEqual(["new", "first", "second", "third", "old"]);
  });

  it("takes a span as half-open", () => {
    const store = new SessionStore();
    for (const second of ["00", "01", "02"]) store.add("b", session(second, `2026-01-02T00:00:${second}.000Z`));

    expect(idsOf(store.between("b", DAY_START_MS + 1000, DAY_START_MS + 2000))).toEqual(["01"]);
  });

  it("holds all bots' sessions under the account", () => {
    const store = new SessionStore();
    store.add("a", session("1", "2026-01-02T01:00:00.000Z"));
    store.add("b", session("2", "2026-01-02T02:00:00.000Z"));

    expect(idsOf(store.all("account"))).toEqual(["2", "1"]);
    expect(idsOf(store.all("a"))).toEqual(["1"]);
    expect(store.all("unknown")).toEqual([]);
  });

  it("keeps a text exactly as it is", () => {
    const store = new SessionStore();
    const text = '{ "start_time":"2026-01-02T01:00:00.000Z",\n "n": 1.0, "sessionId":"x", "big":12345678901234567890 }';
    const row = store.addText("b", text);

    expect(row.text).toBe(text);
    expect(row.bytes.toString()).toBe(text);
    expect(store.find("b", "x")).toBe(row);
  });

  it("files a text that is no object where it is told to", () => {
    const store = new SessionStore();
    store.addText("b", "null", { containmentType: "agent", startTime: "2026-01-02T01:00:00.000Z" });

    expect(store.select("b", "agent", DAY_START_MS, Infinity).length).toBe(1);
    expect(store.all("b")[0]?.sessionId).toBeNull();
  });

  it("refuses a session that nothing dates, and an id that the bot already has", () => {
    const store = new SessionStore();
    expect(() => store.add("b", { sessionId: "x" })).toThrow(/no start_time/);
    store.add("b", session("x", "2026-01-02T01:00:00.000Z"));
    expect(() => store.add("b", session("x", "2026-01-02T02:00:00.000Z"))).toThrow(/already holds/);
  });

  it("moves a session whose containment type or start changes, and keeps its place otherwise", () => {
    const store = new SessionStore();
    store.add("b", session("x", "2026-01-02T01:00:00.000Z", "selfService"));
    store.add("b", session("y", "2026-01-02T01:00:00.000Z", "selfService"));
    store.update("b", "x", { sessionStatus: "closed", containmentType: "agent" });

    expect(store.select("b", "selfService", 0, Infinity).length).toBe(1);
    expect(store.select("b", "agent", 0, Infinity).length).toBe(1);
    expect(idsOf(store.all("b"))).toEqual(["x", "y"]);
    expect(store.find("b", "x")?.session).toEqual({
      ...session("x", "2026-01-02T01:00:00.000Z"),
      sessionStatus: "closed",
    });

    store.update("b", "x", { start_time: "2026-01-02T00:30:00.000Z", sessionStatus: undefined });
    expect(idsOf(store.all("b"))).toEqual(["y", "x"]);
    expect(store.find("b", "x")?.text).not.toContain("sessionStatus");
  });

  it("keeps what an update cannot file", () => {
    const store = new SessionStore();
    store.add("b", session("x", "2026-01-02T01:00:00.000Z"));
    expect(() => store.update("b", "x", { start_time: "never" })).toThrow(/no start_time/);
    expect(idsOf(store.all("b"))).toEqual(["x"]);
  });

  it("forgets a removed session, and says so when there is none", () => {
    const store = new SessionStore();
    store.add("b", session("x", "2026-01-02T01:00:00.000Z"));
    store.remove("b", "x");

    expect(store.all("b")).toEqual([]);
    expect(() => store.remove("b", "x")).toThrow(/holds no session x/);
  });

  it("returns a session filed under no type only without a type", () => {
    const store = new SessionStore();
    store.add("b", session("x", "2026-01-02T01:00:00.000Z"), { containmentType: null });
    store.add("b", session("v", "2026-01-02T02:00:00.000Z", "voicemail"));

    for (const type of ["dropOff", "selfService", "agent"]) {
      expect(store.select("b", type, 0, Infinity).length).toBe(0);
    }
    expect(idsOf(store.all("b"))).toEqual(["v", "x"]);
  });

  it("cuts the same pages from many merged sequences as from one sorted list", () => {
    const rows = fc.array(
      fc.record({ ms: fc.nat(30), type: fc.constantFrom("dropOff", "agent", null), bot: fc.constantFrom("a", "b") }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(rows, fc.nat(35), fc.nat(35), fc.nat(70), fc.nat(20), (added, from, to, skip, count) => {
        const store = new SessionStore();
        const all = added.map(({ ms, type, bot }, index) =>
          store.add(
            bot,
            { sessionId: String(index) },
            { containmentType: type, startTime: new Date(DAY_START_MS + ms).toISOString() },
          ),
        );
        const expected = all
          .filter((row) => row.startMs >= DAY_START_MS + from && row.startMs <= DAY_START_MS + to)
          .sort((a, b) => b.startMs - a.startMs || a.order - b.order);
        const selection = store.select("account", null, DAY_START_MS + from, DAY_START_MS + to);
        expect(selection.length).toBe(expected.length);
        expect(selection.slice(skip, skip + count)).toEqual(expected.slice(skip, skip + count));
      }),
    );
  });
});

describe("a lazily generated day", () => {
  it.each([1, 2, 39, 40, 41, 240, 1000])("of %i sessions is the day that is generated at once", (count) => {
    const held = new SessionStore(7);
    held.generate("b", DAY, count);
    const lazy = new SessionStore(7);
    lazy.generateLazily("b", DAY, count);

    const textsOf = (store: SessionStore, type: string | null) =>
      store
        .select("b", type, -Infinity, Infinity)
        .rows()
        .map((row) => row.text)
        .toArray();
    for (const type of [null, "dropOff", "selfService", "agent"]) {
      expect(textsOf(lazy, type)).toEqual(textsOf(held, type));
    }
    expect(lazy.all("b")).toHaveLength(count);
  });

  it("finds its sessions by id, and no others", () => {
    const store = new SessionStore();
    store.generateLazily("b", DAY, 500);
    for (const row of store.all("b")) expect(store.find("b", row.sessionId ?? "")?.text).toBe(row.text);
    expect(store.find("b", "69585bf39cc6bb7ea5000001")).toBeUndefined();
    expect(store.find("b", "no id at all")).toBeUndefined();
  });

  it("mixes with sessions that are held", () => {
    const store = new SessionStore();
    store.generateLazily("b", DAY, 100);
    const late = sampleSession({ botId: "b", startTime: "2026-01-02T12:00:00.000Z", containmentType: "agent" });
    store.add("b", late);

    expect(store.all("b")).toHaveLength(101);
    const noonMs = Date.parse("2026-01-02T12:00:00.000Z");
    expect(idsOf(store.between("b", noonMs, noonMs + 1))).toEqual([late.sessionId]);
  });

  it("of a million sessions gives any page of a window without making the others", () => {
    const store = new SessionStore();
    store.generateLazily("b", DAY, 1_000_000);
    const before = process.memoryUsage().heapUsed;
    const selection = store.select("b", null, DAY_START_MS, DAY_START_MS + 86_400_000 - 1);
    expect(selection.length).toBe(1_000_000);
    const [last] = selection.slice(999_999, 1_000_099);
    expect(last?.session.start_time).toBe("2026-01-02T00:00:00.000Z");
    expect(selection.slice(500_000, 500_100)).toHaveLength(100);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(50 * 1024 * 1024);
  });
});
