import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LedgerRecord } from "../../functions/exporter/archive/ledger.ts";
import {
  erasedUsers,
  erasureNameOf,
  NOBODY_ERASED,
  unitedErasures,
} from "../../functions/exporter/export/erased-users.ts";
import { erasedRecord, erasureMark } from "../../functions/exporter/export/erasure-record.ts";
import { blankRecord, isMark } from "../../functions/exporter/export/record.ts";
import { Tally } from "../../functions/exporter/export/tally.ts";
import { hmac } from "../../functions/exporter/sessions/personal-data.ts";

const KEY = "the key of hashes, of 32 characters or more";
const ERASURE = { at: "2026-01-04T04:00:00.000Z", reference: "T-1" };
const FOUND = { ...ERASURE, isVouched: true };
const recordOf = (id: string) => ({ hmac: erasureNameOf(id, KEY), version: 2 as const, ...FOUND });
const recordOfVersion1 = (id: string) => ({ hmac: hmac(id, KEY), version: 1 as const, ...FOUND });

describe("erased users", () => {
  test("are recognised by their id and by its hash, and nobody else is", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (id, other) => {
        const erased = erasedUsers([recordOf(id)], KEY);
        expect(erased.ofUser(id)).toEqual(FOUND);
        expect(erased.ofUser(hmac(id, KEY))).toEqual(FOUND);
        expect(erasedUsers([recordOfVersion1(id)], KEY).ofUser(id)).toEqual(FOUND);
        expect(erasedUsers([recordOfVersion1(id)], KEY).ofUser(hmac(id, KEY))).toEqual(FOUND);
        if (other !== id) expect(erased.ofUser(other)).toBeNull();
      }),
    );
  });

  test("cannot be named by what stands in files: a record's name is no hash of theirs", () => {
    const planted = { ...recordOf("zoe"), hmac: hmac("zoe", KEY) };
    expect(erasedUsers([planted], KEY).ofUser("zoe")).toBeNull();
    expect(erasedUsers([planted], KEY).ofUser(hmac("zoe", KEY))).toBeNull();
  });

  test("are found wherever their id is a text or a number of a JSON text", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ minLength: 1 }), (value, id) => {
        const erased = erasedUsers([recordOf(id)], KEY);
        expect(erased.inJson(JSON.stringify({ a: [value, { b: id }] }))).toEqual(FOUND);
        const text = JSON.stringify(value);
        const leaves = [...text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g)].map(([leaf]) => leaf);
        const isThere = leaves.some((leaf) => leaf === id || (leaf.startsWith('"') && JSON.parse(leaf) === id));
        if (!isThere) expect(erased.inJson(text)).toBeNull();
      }),
    );
    const erased = erasedUsers([recordOf("12345678901234567890")], KEY);
    expect(erased.inJson('{"userId":12345678901234567890}')).toEqual(FOUND);
    expect(erased.inJson('{"userId":12345678901234567891}')).toBeNull();
  });

  test("are told apart as sets, whatever their order", () => {
    const name = (...ids: string[]) => erasedUsers(ids.map(recordOf), KEY).name;
    expect(name("a", "b")).toBe(name("b", "a"));
    expect(new Set([name(), name("a"), name("b"), name("a", "b")]).size).toBe(4);
    expect(name()).toBe(NOBODY_ERASED.name);
  });

  test("are recognised without the key only where they are hashed", () => {
    const erased = erasedUsers([recordOfVersion1("zoe")], null);
    expect(erased.ofUser("zoe")).toBeNull();
    expect(erased.ofUser(hmac("zoe", KEY))).toEqual(FOUND);
  });
});

test("erasures are listed once, in the order of time", () => {
  const later = { at: "2026-02-01T00:00:00.000Z", reference: "T-0" };
  expect(unitedErasures([later, ERASURE], [{ ...ERASURE }])).toEqual([ERASURE, later]);
});

describe("the record of a day whose erasure was broken off", () => {
  const window = { from: Date.parse("2026-01-02"), to: Date.parse("2026-01-03") };
  const run = {
    source: "st-1",
    dt: "2026-01-02",
    timeZone: "UTC",
    window,
    runId: "r",
    exporterVersion: "0",
    personalData: "keep",
  };
  const blank = blankRecord({ ...run, startedAt: Date.parse("2026-01-04") }, 0);
  const facts = { archived: blank.archived, tally: new Tally(), erasures: [ERASURE], adopted: null };

  test.each<[LedgerRecord["status"], LedgerRecord["problems"]]>([
    ["complete", []],
    ["complete", [{ code: "ERR_ROWS_REJECTED", message: "" }]],
    ["incomplete", [{ code: "ERR_NOT_RECONCILED", message: "" }]],
    ["incomplete", [{ code: "ERR_EXPORT_UNFINISHED", message: "" }]],
  ])("becomes %s again, with the problems %j that there were", (status, problems) => {
    const stored = (next: typeof blank): LedgerRecord => ({ ...next, version: 1, revision: 1, previous_sha256: null });
    const mark = stored(erasureMark({ ...blank, status, problems }, run, [], [ERASURE], 0));
    const again = stored(erasureMark(mark, run, [], [ERASURE], 0));
    expect([isMark(mark), mark.status, isMark(again)]).toEqual([true, "incomplete", true]);
    expect(erasedRecord(again, run, [], facts, 0)).toMatchObject({ status, problems, erasures: [ERASURE] });
  });
});
