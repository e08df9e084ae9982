import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byStartTime } from "../../functions/exporter/sessions/order.ts";
import { sessionRow } from "../support/session-file.ts";

describe("the order of rows", () => {
  it("is by start, then by id", () => {
    const [a, b, c, d] = [
      sessionRow({ start_time: -5, session_id: "z" }),
      sessionRow({ start_time: 7, session_id: "a" }),
      sessionRow({ start_time: 7, session_id: "b" }),
      sessionRow({ start_time: 10, session_id: "a" }),
    ];
    expect([d, c, b, a].sort(byStartTime)).toEqual([a, b, c, d]);
    expect(byStartTime(b, sessionRow({ ...b, channel: "x" }))).toBe(0);
  });

  it("is the same whatever order the rows came in", () => {
    const rows = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.string({ maxLength: 2 })), {
      selector: ([start, id]) => `${start} ${id}`,
    });
    fc.assert(
      fc.property(rows, fc.infiniteStream(fc.nat()), (keys, shuffle) => {
        const sorted = keys.map(([start_time, session_id]) => sessionRow({ start_time, session_id })).sort(byStartTime);
        const shuffled = sorted.map((row) => ({ row, key: shuffle.next().value })).sort((a, b) => a.key - b.key);
        expect(shuffled.map(({ row }) => row).sort(byStartTime)).toEqual(sorted);
      }),
    );
  });
});
