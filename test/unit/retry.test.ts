import { describe, expect, test } from "vitest";
import { ExporterError } from "../../functions/exporter/errors.ts";
import { type FailureKind, KoreFailure } from "../../functions/exporter/kore/failure.ts";
import { retryAfterMs, retryPolicy } from "../../functions/exporter/kore/retry.ts";

const NOW = Date.parse("2026-01-02T03:04:05Z");

function failure(kind: FailureKind, retryAfter: number | null = null): KoreFailure {
  return new KoreFailure(kind, new ExporterError("ERR_KORE_UNAVAILABLE", "test"), retryAfter);
}

/** The waits that a policy grants to failures of one kind in a row. */
function waits(kind: FailureKind, random: number): (number | null)[] {
  const policy = retryPolicy(() => random);
  const granted: (number | null)[] = [];
  for (let wait = policy(failure(kind)); ; wait = policy(failure(kind))) {
    granted.push(wait);
    if (wait === null) return granted;
  }
}

describe("the retry policy", () => {
  test("doubles the wait up to half a minute, half of it random, and gives up after eight", () => {
    expect(waits("passing", 0)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000, null]);
    expect(waits("passing", 0.5)).toEqual([750, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500, 22_500, null]);
  });

  test("outlasts, whatever the chance, the minute for which somebody else has used up the quota", () => {
    const together = waits("passing", 0).reduce<number>((sum, wait) => sum + (wait ?? 0), 0);
    expect(together).toBeGreaterThan(60_000);
  });

  test("asks twice more after an answer that is not the API's", () => {
    expect(waits("strange", 0)).toEqual([500, 1_000, null]);
  });

  test("allows one more attempt after 401, and none after what cannot pass", () => {
    expect(waits("unauthorized", 0)).toEqual([0, null]);
    expect(waits("final", 0)).toEqual([null]);
  });

  test("lets the server's own wait win, without jitter", () => {
    expect(retryPolicy(() => 0.9)(failure("passing", 7_000))).toBe(7_000);
  });

  test("gives up when the server asks for more than an hour", () => {
    expect(retryPolicy(() => 0)(failure("passing", 3_600_001))).toBeNull();
  });
});

describe("the Retry-After header", () => {
  test.each([
    ["7", 7_000],
    ["0", 0],
    [" 12 ", 12_000],
    ["Fri, 02 Jan 2026 03:04:15 GMT", 10_000],
    ["Fri, 02 Jan 2026 03:04:00 GMT", 0],
    ["soon", null],
    ["-5", null],
    ["", null],
    [undefined, null],
    ["2026", 2_026_000],
    ["Fri, 99 Jan 2026 03:04:15 GMT", null],
  ])("%j means %j ms", (header, expected) => {
    expect(retryAfterMs(header, NOW)).toBe(expected);
  });
});
