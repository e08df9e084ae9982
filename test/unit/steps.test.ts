import { describe, expect, test, vi } from "vitest";
import { type ErrorCode, ExporterError, SettingsError } from "../../functions/exporter/errors.ts";
import { KoreRefusal } from "../../functions/exporter/kore/refusal.ts";
import { failedOutcome, outcomeOf } from "../../functions/exporter/steps/outcome.ts";
import { Pause, pausingClock } from "../../functions/exporter/steps/pause.ts";
import { STEP_TIMES, withinTime } from "../../functions/exporter/steps/steps.ts";
import { revivedError, shortened, tellError } from "../../functions/exporter/steps/told-error.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const codeOf = (error: unknown) => (error instanceof ExporterError ? error.code : error);

/** Runs work with faked timers, and lets time pass for it. */
async function withTimers<T>(work: (pass: (ms: number) => Promise<unknown>) => Promise<T>): Promise<T> {
  vi.useFakeTimers();
  try {
    return await work((ms) => vi.advanceTimersByTimeAsync(ms));
  } finally {
    vi.useRealTimers();
  }
}

describe("a step's time", () => {
  test("is over for nobody who ends within it, and leaves no timer behind", async () => {
    await withTimers(async () => {
      let signal: AbortSignal | null = null;
      const result = await withinTime(60_000, "read", async (given) => {
        signal = given;
        return 7;
      });
      expect(result).toBe(7);
      expect(signal).toMatchObject({ aborted: false });
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  test("aborts its signal when it is over, and waits for work that ends for that", async () => {
    await withTimers(async (pass) => {
      const ended = withinTime(60_000, "read", (signal) => {
        return new Promise((resolve) => {
          signal.addEventListener("abort", () => setTimeout(() => resolve(String(signal.reason)), 19_000));
        });
      });
      await pass(59_999 + 19_000);
      await pass(1);
      expect(await ended).toBe("TimeoutError: the step's time is over");
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  test("is waited for no longer than a grace, and then told by the step's name", async () => {
    await withTimers(async (pass) => {
      const settled = vi.fn();
      const ended = withinTime(60_000, "publish st-1 2026-01-02", () => new Promise(() => undefined));
      ended.catch(settled);
      await pass(79_999);
      expect(settled).not.toHaveBeenCalled();
      await pass(1);
      await expect(ended).rejects.toThrow('The step "publish st-1 2026-01-02" took longer than 60 s.');
      expect(codeOf(settled.mock.lastCall?.[0])).toBe("ERR_STEP_DEADLINE");
    });
  });

  test("has the grace that is asked for", async () => {
    await withTimers(async (pass) => {
      const ended = withinTime(1_000, "read", () => new Promise(() => undefined), 50).catch(codeOf);
      await pass(1_050);
      expect(await ended).toBe("ERR_STEP_DEADLINE");
    });
  });

  test("changes nothing about an error of the work", async () => {
    await expect(withinTime(60_000, "read", () => Promise.reject(new Error("killed")))).rejects.toThrow(/^killed$/);
  });

  test("and its grace leave a function of 15 minutes room for another step", () => {
    for (const { mostMs } of Object.values(STEP_TIMES)) expect(mostMs + 20_000).toBeLessThan(7.5 * 60_000);
  });
});

describe("an error that is told", () => {
  const throughJson = (error: ExporterError) => revivedError(JSON.parse(JSON.stringify(tellError(error))));

  test.each<ErrorCode>(["ERR_KORE_UNAVAILABLE", "ERR_INTERRUPTED", "ERR_SOURCE_BUSY", "ERR_INTERNAL"])(
    "is revived with its code and its message: %s",
    (code) => {
      const revived = throughJson(
        new ExporterError(code, "what happened, and what to do", { cause: new Error("why") }),
      );
      expect(revived).toBeInstanceOf(ExporterError);
      expect(revived).not.toBeInstanceOf(KoreRefusal);
      expect(revived).toMatchObject({ code, name: code, message: "what happened, and what to do" });
      expect(revived.cause).toBe(undefined);
    },
  );

  test("is a refusal with its status again, since some are acted on", () => {
    const revived = throughJson(new KoreRefusal(403, "Kore answered 403."));
    expect(revived).toBeInstanceOf(KoreRefusal);
    expect(revived).toMatchObject({ code: "ERR_KORE_REFUSED", status: 403, message: "Kore answered 403." });
  });

  test("of several settings is one text", () => {
    expect(throughJson(new SettingsError(["one", "two"])).message).toBe("one\ntwo");
  });

  test("is cut where it is longer than a thousand characters", () => {
    const { message } = tellError(new ExporterError("ERR_INTERNAL", "x".repeat(5_000)));
    expect(message).toBe(`${"x".repeat(1_000)}…`);
    expect(shortened("y".repeat(1_000))).toBe("y".repeat(1_000));
  });
});

describe("the outcome of a step's work", () => {
  test("is its value, or the error it failed with", async () => {
    expect(await outcomeOf(async () => ({ days: 3 }))).toEqual({ kind: "done", value: { days: 3 } });
    expect(await outcomeOf(async () => undefined)).toEqual({ kind: "done", value: undefined });
    const error = { code: "ERR_KORE_REFUSED", message: "no", status: 400 };
    expect(await outcomeOf(() => Promise.reject(new KoreRefusal(400, "no")))).toEqual({ kind: "failed", error });
  });

  test("of more than 10,000 characters is a defect that is named", async () => {
    expect(await outcomeOf(async () => "x".repeat(9_998))).toMatchObject({ kind: "done" });
    const outcome = await outcomeOf(async () => "x".repeat(9_999));
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "ERR_INTERNAL" } });
    expect(JSON.stringify(outcome)).toContain("has 10001 characters");
  });

  test("does not exist for what is no error of ours: the step is done again", async () => {
    await expect(outcomeOf(() => Promise.reject(new TypeError("killed")))).rejects.toThrow(/^killed$/);
    expect(() => failedOutcome(new Pause(5))).toThrow(Pause);
  });
});

describe("a clock that pauses", () => {
  test("sleeps for up to half a minute", async () => {
    const clock = new VirtualClock("2026-01-03T02:15:00Z");
    const usedUp = pausingClock(clock, () => true);
    await expect(usedUp.sleep(5)).rejects.toBeInstanceOf(Pause);
    const pausing = pausingClock(clock, () => false);
    await pausing.sleep(30_000);
    expect(clock.slept).toEqual([30_000]);
    expect(pausing.now()).toBe(clock.now());
  });

  test("throws a longer sleep as a pause of that length, and does not sleep", async () => {
    const clock = new VirtualClock("2026-01-03T02:15:00Z");
    const pause = await pausingClock(clock, () => false)
      .sleep(30_001)
      .catch((error: unknown) => error);
    expect(pause).toBeInstanceOf(Pause);
    expect(pause).toMatchObject({ waitMs: 30_001 });
    expect(clock.slept).toEqual([]);
  });

  test("wakes up when its signal is aborted", async () => {
    const clock = new VirtualClock("2026-01-03T02:15:00Z");
    const signal = AbortSignal.abort(new Error("the step's time is over"));
    await expect(pausingClock(clock, () => false).sleep(5, signal)).rejects.toThrow("the step's time is over");
  });
});
