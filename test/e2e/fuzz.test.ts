import { randomInt } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ErasedArchive, makeErasedArchive } from "../fuzz/erased-archive.ts";
import { fuzz } from "../fuzz/fuzz.ts";
import { JUDGES, type Judge } from "../fuzz/judge.ts";
import { looseIn } from "../fuzz/loose.ts";
import { failureLines } from "../fuzz/report.ts";

/** Alone it takes five seconds; a verification that hangs is given a minute. */
const TIMEOUT_MS = 120_000;

let made: ErasedArchive;
beforeAll(async () => {
  made = await makeErasedArchive();
});
afterAll(() => made.remove());

const judged = (judge: Judge, seed: number, changes: number) =>
  Array.fromAsync(fuzz(made, { seed, changes, judges: { judge } }));
const blind: Judge = async () => [];

describe("an archive with a random change", () => {
  test("does not pass verify, sixty times", { timeout: TIMEOUT_MS }, async () => {
    const seed = randomInt(2 ** 32);
    const outcomes = await Array.fromAsync(fuzz(made, { seed, changes: 60, judges: JUDGES }));
    expect(failureLines(outcomes), `npm run fuzz -- --seed ${seed} --changes 60`).toEqual([]);
    expect(outcomes.length).toBe(60);
    expect(outcomes.filter(({ found }) => found.length > 0).length).toBeGreaterThan(30);
  });
});

describe("the fuzzer", () => {
  test("tells of each change that a judge does not find, unless it may come and go", async () => {
    const outcomes = await judged(blind, 1, 50);
    expect(failureLines(outcomes).length).toBe(outcomes.filter(({ isLoose }) => !isLoose).length);
    expect(failureLines(outcomes).length).toBeGreaterThan(25);
  });

  test("lets come and go files of the index that the newest digest does not name, and nothing else", () => {
    const isLoose = looseIn(made.tree);
    const loose = [...made.tree.keys()].filter((name) => isLoose(name, undefined));
    const index = [...made.tree.keys()].filter((name) => name.startsWith("index/"));
    expect(index.length).toBeGreaterThan(2);
    // One month and the state are named.
    expect(loose).toHaveLength(index.length - 2);
    expect(index).toEqual(expect.arrayContaining(loose));
  });

  test("tells of a judge who comes to no judgement, also where a change may come and go", async () => {
    let calls = 0;
    const outcomes = await judged(
      async () => {
        calls += 1;
        if (calls > 1 && calls < 22) throw new Error("ERR_INTERNAL");
        return [];
      },
      1,
      20,
    );
    expect(failureLines(outcomes).filter((line) => line.endsWith("no judgement: ERR_INTERNAL"))).toHaveLength(20);
  });

  test("draws the same changes of one archive for the same seed, and others for another one", async () => {
    const drawn = async (seed: number) => (await judged(blind, seed, 15)).map(({ kind, what }) => `${kind} ${what}`);
    const first = await drawn(7);
    expect(await drawn(7)).toEqual(first);
    expect(await drawn(8)).not.toEqual(first);
  });

  test("refuses an archive that is not sound before the first change", async () => {
    await expect(judged(async () => ["ERR_VERIFY_INDEX"], 1, 1)).rejects.toThrow("not sound: ERR_VERIFY_INDEX");
  });
});
