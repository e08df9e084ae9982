import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { openFollowView } from "../../cli/backfill/follow-view.ts";
import type { Output } from "../../cli/io.ts";
import { StderrLog } from "../../cli/log.ts";
import { openCountView } from "../../cli/progress/count-view.ts";
import { duration } from "../../cli/progress/duration.ts";
import { timeForRequests } from "../../cli/progress/quota-time.ts";
import type { ExporterError } from "../../functions/exporter/errors.ts";
import { asExporterError } from "../../functions/exporter/errors.ts";
import { Quota } from "../../functions/exporter/kore/quota.ts";
import { shortestTimeMs } from "../../functions/exporter/kore/quota-floor.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const NOW = "2026-01-04T04:00:00Z";
const HOUR_MS = 3_600_000;

function terminal(isTTY: boolean, isVerbose = false) {
  const written: string[] = [];
  const clock = new VirtualClock(NOW);
  const stderr: Output = { write: (text) => void written.push(text), isTTY, columns: 400 };
  const log = new StderrLog(stderr, isTTY, clock);
  log.isVerbose = isVerbose;
  const { signal } = new AbortController();
  const io = { stdout: stderr, stderr: log.output, env: { NO_COLOR: "1" }, clock, signal, log };
  return { io, clock, log, written, text: () => written.join("") };
}

describe("the time that requests still take", () => {
  const limits = fc.record({ perMinute: fc.integer({ min: 0, max: 90 }), perHour: fc.integer({ min: 0, max: 900 }) });

  test("is the quota's least time where nothing is used and Kore answers at once", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3_000 }), limits, (requests, quota) => {
        // The floor counts whole minutes of an hour; where the minute's limit does not bind, both are the same.
        const exact = { ...quota, perMinute: 0 };
        const left = timeForRequests(requests, exact, { ended: [], requestMs: 0 }, 0);
        expect(left).toBe(shortestTimeMs(requests, exact));
      }),
    );
  });

  test("is about what the quota itself then needs", async () => {
    const used = fc.array(fc.integer({ min: 0, max: HOUR_MS - 1 }), { maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 300 }), limits, used, async (requests, quota, ages) => {
        const clock = new VirtualClock(NOW);
        const begun = clock.now();
        const ended = ages.map((age) => begun - age).sort((one, other) => one - other);
        const kore = new Quota(quota, clock, 1, { ended, granted: 0, expected: 0 });
        for (let sent = 0; sent < requests; sent++) {
          for (let wait = kore.wait(); wait > 0; wait = kore.wait()) clock.advance(Math.ceil(wait));
          await kore.run(
            async () => {},
            () => {},
          );
        }
        const left = timeForRequests(requests, quota, { ended, requestMs: 0 }, begun);
        // The quota adds a margin of 100 ms to each window.
        expect(Math.abs(clock.now() - begun - left)).toBeLessThanOrEqual(101 * (requests + 1));
      }),
      { numRuns: 40 },
    );
  });

  test("goes by how fast Kore answers where there is no limit", () => {
    const past = { ended: [], requestMs: 250 };
    expect(timeForRequests(100_000, { perMinute: 0, perHour: 0 }, past, 0)).toBe(25_000_000);
  });
});

test.each([
  [0, "1 s"],
  [40_001, "41 s"],
  [99_000, "99 s"],
  [100_000, "2 min"],
  [99 * 60_000, "99 min"],
  [100 * 60_000, "1 h 40 min"],
  [26.4 * HOUR_MS, "26 h"],
])("%d ms are %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

describe("a count of things", () => {
  test("is drawn with its speed and what is left, and starts anew for other things", async () => {
    const { io, clock, text } = terminal(true);
    const view = await openCountView(io, "Reading …");
    onTestFinished(view.stop);
    view.count("file", "looked at", 1, null);
    clock.advance(2_000);
    view.count("file", "looked at", 6, null);
    expect(text()).toContain("6 files looked at · 3/s");
    view.count("day", "rewritten", 0, 40);
    clock.advance(10_000);
    view.count("day", "rewritten", 10, 40);
    expect(text()).toContain("██████░░░░░░░░░░░░░░░░░░ 10 of 40 days rewritten · 1/s · about 30 s left");
  });

  test("is told once a minute to a log", async () => {
    const { io, clock, text } = terminal(false, true);
    const view = await openCountView(io, "Reading …");
    for (let done = 1; done <= 3; done++) {
      clock.advance(40_000);
      view.count("day", "checked", done, 4);
    }
    expect(text()).toBe("2026-01-04T04:01:20.000Z 2 of 4 days checked · 2/min · about 80 s left\n");
  });
});

describe("the months of a backfill", () => {
  const estimate = {
    sources: [
      { source: "st-1", sessions: 1, requests: 1, shortestMs: 4 * HOUR_MS, error: null },
      { source: "st-2", sessions: 1, requests: 1, shortestMs: HOUR_MS, error: null },
    ],
    quota: { perMinute: 60, perHour: 1_800 },
  };
  const month = { from: "2026-01-01", to: "2026-01-31" };
  const change = { text: "at work", isTrouble: false, isEnd: false };

  test("are drawn with the least time that is left", async () => {
    const { io, text } = terminal(true);
    const view = await openFollowView(io, estimate, 2);
    onTestFinished(() => view.stop());
    view.change("st-1", month, change);
    expect(text()).toContain("0 of 4 months · at least 4 h left · st-1 2026-01: at work");
    view.change("st-1", month, { ...change, text: "done", isEnd: true });
    expect(text()).toContain("██████░░░░░░░░░░░░░░░░░░ 1 of 4 months · at least 2 h left · st-1 2026-01: done");
  });

  test("tell a log their troubles always, each change only if it is asked for, and nothing twice", async () => {
    for (const isVerbose of [false, true]) {
      const { io, text } = terminal(false, isVerbose);
      const view = await openFollowView(io, estimate, 2);
      view.change("st-1", month, change);
      view.change("st-1", month, change);
      view.change("st-1", month, { ...change, text: "AWS does not answer", isTrouble: true });
      expect(text().match(/at work/g)?.length ?? 0).toBe(isVerbose ? 1 : 0);
      expect(text()).toContain("2026-01 st-1: AWS does not answer\n");
    }
  });
});

describe("the log", () => {
  test("keeps what anybody writes to stderr in its format", () => {
    const { io, log, written } = terminal(true);
    log.format = "json";
    io.stderr.write("two lines\nof text\n");
    io.stderr.write("\n");
    expect(io.stderr.isTTY).toBe(false);
    expect(written.map((line) => JSON.parse(line))).toEqual([
      { time: "2026-01-04T04:00:00.000Z", level: "info", event: "message", message: "two lines\nof text" },
    ]);
    expect(written[0]?.endsWith("\n")).toBe(true);
  });

  test("tells where a defect is, as JSON too", () => {
    const { log, written } = terminal(false);
    const defect: ExporterError = asExporterError(new TypeError("x is not a function"));
    log.error(defect);
    expect(written.join("")).toMatch(/^error ERR_INTERNAL: unexpected: x is not a function.*\nTypeError: x.*\n {4}at /);
    log.format = "json";
    log.error(defect);
    expect(JSON.parse(written.at(-1) ?? "")).toMatchObject({
      level: "error",
      code: "ERR_INTERNAL",
      stack: expect.stringContaining("progress.test.ts"),
    });
  });
});
