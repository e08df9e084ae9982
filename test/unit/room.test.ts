import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Room } from "../../functions/exporter/export/room.ts";

test("never lets more sessions in than there is room for, and lets all in at last", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.record({ sessions: fc.nat(30), turns: fc.nat(4), fails: fc.boolean() }), { maxLength: 20 }),
      async (capacity, slices) => {
        const room = new Room(capacity);
        let inside = 0;
        let most = 0;
        const works = slices.map(({ sessions, turns, fails }) =>
          room.run(sessions, async () => {
            const taken = Math.min(sessions, capacity);
            inside += taken;
            most = Math.max(most, inside);
            for (let turn = 0; turn < turns; turn++) await setImmediate();
            inside -= taken;
            if (fails) throw new Error("failed");
          }),
        );
        const outcomes = await Promise.allSettled(works);
        expect(outcomes.map(({ status }) => status)).toEqual(
          slices.map(({ fails }) => (fails ? "rejected" : "fulfilled")),
        );
        expect(most).toBeLessThanOrEqual(capacity);
      },
    ),
  );
});
