import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FolderStore } from "../../functions/exporter/archive/folder-store.ts";
import { sha256OfFile } from "../../functions/exporter/archive/local-file.ts";
import type { ArchiveStore } from "../../functions/exporter/archive/store.ts";
import { PARTITION_TYPES, type PartitionType, SESSION_COLUMNS } from "../../functions/exporter/contract.ts";
import type { BuiltSlice, Part } from "../../functions/exporter/export/build-slice.ts";
import { writeSessionFile } from "../../functions/exporter/parquet/writer.ts";
import { KeptSlices } from "../../functions/exporter/steps/kept-slices.ts";
import { readWithHyparquet } from "../support/session-file.ts";
import { numbered } from "../support/session-rows.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const ATTEMPT = "days/st-support-0001/2026-01-02/attempt/";

let root = "";
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kore-slices-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function newFolder(): Promise<string> {
  const folder = join(root, String(count++));
  await mkdir(folder);
  return folder;
}

async function newScratch() {
  const store = new FolderStore(await newFolder(), new VirtualClock("2026-01-03T02:15:00Z"));
  return { store, slices: new KeptSlices(store, ATTEMPT), local: await newFolder() };
}

const order = (index: number, round: number) => ({ index, round, size: null });
const NONE = { dropOff: 0, selfService: 0, agent: 0, all: 0 };

/** A slice without sessions, and what is given. */
function slice(values: Partial<BuiltSlice> = {}): BuiltSlice {
  return {
    parts: [],
    archived: { dropOff: 0, selfService: 0, agent: 0, unclassified: 0 },
    before: NONE,
    after: NONE,
    totals: { dropOff: 0, selfService: 0, agent: 0, all: "refused" },
    rejected: [],
    active: 0,
    duplicates: 0,
    coerced: new Map(),
    oldest: null,
    newest: null,
    problems: [],
    ids: new BigUint64Array(),
    erased: { users: "", leftOut: [] },
    ...values,
  };
}

/** A part with these bytes. */
async function part(folder: string, type: PartitionType, content: string): Promise<Part> {
  const path = join(folder, `${type}-${count++}.parquet`);
  await writeFile(path, content);
  const bytes = content.length;
  const sha256 = (await sha256OfFile(path)).toString("hex");
  return { type, rowCount: bytes, file: { path, bytes, sha256 } };
}

/** A slice with its parts' bytes in the place of their local paths. */
async function readable({ parts, ...rest }: BuiltSlice) {
  const read = parts.map(async ({ file: { path, ...facts }, ...part }) => {
    return { ...part, ...facts, text: await readFile(path, "latin1") };
  });
  return { ...rest, parts: await Promise.all(read) };
}

const text = fc.string({ unit: "grapheme" });
const counts = fc.record({ dropOff: fc.nat(), selfService: fc.nat(), agent: fc.nat(), all: fc.nat() });
const total = fc.oneof(fc.nat(), fc.constantFrom(null, "refused" as const));
const anySlice: fc.Arbitrary<BuiltSlice> = fc
  .record({
    archived: fc.record({ dropOff: fc.nat(), selfService: fc.nat(), agent: fc.nat(), unclassified: fc.nat() }),
    before: counts,
    after: counts,
    totals: fc.record({ dropOff: total, selfService: total, agent: total, all: total }),
    rejected: fc.array(
      fc.record({
        code: fc.constantFrom("ERR_ROW_WITHOUT_ID" as const, "ERR_ROW_OUTSIDE_WINDOW" as const),
        counted: fc.boolean(),
        type: fc.constantFrom(...PARTITION_TYPES),
        raw: text,
      }),
      { maxLength: 3 },
    ),
    active: fc.nat(),
    duplicates: fc.nat(),
    coerced: fc
      .uniqueArray(fc.tuple(fc.constantFrom(...SESSION_COLUMNS.map(({ name }) => name)), fc.nat()), {
        selector: ([name]) => name,
      })
      .map((entries) => new Map(entries)),
    oldest: fc.option(fc.integer()),
    newest: fc.option(fc.integer()),
    problems: fc.array(fc.record({ code: fc.constant("ERR_NOT_RECONCILED" as const), message: text }), {
      maxLength: 2,
    }),
    ids: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })).map((ids) => BigUint64Array.from(ids)),
  })
  .map(slice);

describe("a slice that was built", () => {
  test("comes back as it was, whatever is in it", async () => {
    const { store, local } = await newScratch();
    let attempt = 0;
    await fc.assert(
      fc.asyncProperty(anySlice, fc.subarray([...PARTITION_TYPES]), async (counted, types) => {
        const slices = new KeptSlices(store, `days/${attempt++}/`);
        const parts = await Promise.all(types.map((type, n) => part(local, type, type.repeat(n))));
        await slices.keep(order(0, 0), { ...counted, parts });
        const [loaded] = await slices.load(await newFolder());
        expect(loaded && (await readable(loaded))).toEqual(await readable({ ...counted, parts }));
        const [summary] = await slices.load(null);
        expect({ ...summary, parts: [] }).toEqual({ ...counted, parts: [] });
      }),
      { numRuns: 40 },
    );
  });

  test("has Parquet files that can be read", async () => {
    const { slices, local } = await newScratch();
    const file = await writeSessionFile(numbered(3), join(local, "agent.parquet"));
    await slices.keep(order(0, 0), slice({ parts: [{ type: "agent", rowCount: 3, file }] }));
    await rm(file.path);
    const [loaded] = await slices.load(local);
    const rows = await readWithHyparquet(loaded?.parts[0]?.file.path ?? "");
    expect(rows.map((row) => row.session_id)).toEqual(["s-0", "s-1", "s-2"]);
  });

  test("is known by its index and its round", async () => {
    const { slices, store } = await newScratch();
    await slices.keep(order(1, 1), slice());
    expect(await slices.has(order(1, 1))).toBe(true);
    expect([await slices.has(order(1, 0)), await slices.has(order(0, 1)), await slices.has(order(11, 1))]).toEqual([
      false,
      false,
      false,
    ]);
    expect(await new KeptSlices(store, "days/other/").has(order(1, 1))).toBe(false);
  });

  test("gives way to a later reading of it, whichever was kept last", async () => {
    const { slices, local } = await newScratch();
    const keep = async (index: number, round: number) => {
      const parts = [await part(local, "agent", `slice ${index}, round ${round}`)];
      await slices.keep(order(index, round), slice({ parts, active: 10 * index + round }));
    };
    for (const [index, round] of [
      [2, 0],
      [0, 0],
      [1, 2],
      [1, 0],
      [1, 1],
      [10, 0],
      [3, 0],
    ] as const)
      await keep(index, round);
    const loaded = (await slices.load(local)).filter(() => true);
    expect(loaded.map(({ active }) => active)).toEqual([0, 12, 20, 30, 100]);
    const texts = await Promise.all(loaded.map(async ({ parts }) => readFile(parts[0]?.file.path ?? "", "latin1")));
    const latest = [
      "slice 0, round 0",
      "slice 1, round 2",
      "slice 2, round 0",
      "slice 3, round 0",
      "slice 10, round 0",
    ];
    expect(texts).toEqual(latest);
  });

  test("is never promised before its parts are there", async () => {
    const { store, local } = await newScratch();
    const parts = [await part(local, "agent", "a"), await part(local, "dropOff", "b")];
    const whole = slice({ parts });
    for (let dieAt = 1; ; dieAt++) {
      const prefix = `days/dies-at-${dieAt}/`;
      const survived = await new KeptSlices(dyingAt(dieAt, store), prefix).keep(order(0, 0), whole).then(
        () => true,
        () => false,
      );
      const slices = new KeptSlices(store, prefix);
      const isPromised = await slices.has(order(0, 0));
      expect(await slices.load(await newFolder())).toHaveLength(isPromised ? 1 : 0);
      // Whoever comes after does it again, over what is left of it.
      if (!isPromised) await slices.keep(order(0, 0), whole);
      const [loaded] = await slices.load(await newFolder());
      expect(loaded && (await readable(loaded))).toEqual(await readable(whole));
      if (survived) return expect(dieAt).toBe(2 * 3 + 1);
    }
  });
});

/** The store, for a process that dies before or after one of its writes: each has two points in time. */
function dyingAt(point: number, store: ArchiveStore): ArchiveStore {
  let left = point;
  const live = () => {
    left--;
    if (left === 0) throw new Error("killed");
  };
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (name !== "writeIf" && name !== "writeFile")
        return typeof member === "function" ? member.bind(target) : member;
      return async (...args: unknown[]) => {
        live();
        const result: unknown = await Reflect.apply(member as (...args: unknown[]) => unknown, target, args);
        live();
        return result;
      };
    },
  });
}
