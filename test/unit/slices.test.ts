import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planSlices } from "../../functions/exporter/export/slices.ts";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

const instants = fc.array(fc.integer({ min: 0, max: DAY_MS - 1 }), { maxLength: 400 });

/** Counts like an API whose bounds are inclusive. */
const counter =
  (starts: readonly number[]) =>
  async ({ from, to }: { from: number; to: number }) =>
    starts.filter((start) => start >= from && start <= to).length;

describe("a day's slices", () => {
  test("cover the day without gap or overlap, and hold at most the budget unless it all began within a minute or two", async () => {
    await fc.assert(
      fc.asyncProperty(instants, fc.integer({ min: 1, max: 60 }), async (starts, budget) => {
        const slices = await planSlices({ from: 0, to: DAY_MS }, starts.length, counter(starts), budget);
        expect(slices[0]?.from).toBe(0);
        expect(slices.at(-1)?.to).toBe(DAY_MS);
        for (const [index, { from, to }] of slices.entries()) {
          if (index > 0) expect(slices[index - 1]?.to).toBe(from);
          const held = starts.filter((start) => start >= from && start < to).sort((one, other) => one - other);
          // More than the budget only where halving came to its end: within a minute or two, and nothing beside it.
          const span = (held.at(-1) ?? 0) - (held[0] ?? 0);
          if (span >= 2 * MINUTE_MS) expect(held.length).toBeLessThanOrEqual(budget + 1);
        }
      }),
    );
  });

  test("are the same for the same sizes, and cost one question for each halving", async () => {
    const starts = Array.from({ length: 1_000 }, (_, index) => index * 80_000);
    let asked = 0;
    const count = counter(starts);
    const countIn = (part: { from: number; to: number }) => {
      asked++;
      return count(part);
    };
    const once = await planSlices({ from: 0, to: DAY_MS }, 1_000, countIn, 100);
    expect(asked).toBe(once.length - 1);
    expect(await planSlices({ from: 0, to: DAY_MS }, 1_000, countIn, 100)).toEqual(once);
  });

  test("are joined again where neighbours fit into one", async () => {
    const busy = 60_000;
    const starts = Array.from({ length: 200 }, (_, index) => index * 100 + busy);
    const slices = await planSlices({ from: 0, to: DAY_MS }, 200, counter(starts), 150);
    expect(slices.map(({ size }) => size)).toEqual([200]);
    const spread = starts.map((start, index) => start + (index % 2 === 0 ? 0 : DAY_MS / 2));
    const [first, second, ...others] = await planSlices({ from: 0, to: DAY_MS }, 200, counter(spread), 150);
    expect({ first: first?.size, second: second?.size, others }).toEqual({ first: 100, second: 100, others: [] });
  });

  test("end, even if every part claims to hold everything", async () => {
    const slices = await planSlices({ from: 0, to: DAY_MS }, 1_000_000, async () => 1_000_000, 30_000);
    expect(slices.length).toBeLessThan(20);
  });

  test("are made without an answer, too", async () => {
    const slices = await planSlices({ from: 0, to: DAY_MS }, 100_000, async () => null, 30_000);
    expect(slices).toHaveLength(4);
  });
});
