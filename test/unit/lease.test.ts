import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FolderStore } from "../../functions/exporter/archive/folder-store.ts";
import type { ArchiveStore } from "../../functions/exporter/archive/store.ts";
import type { Quota, QuotaLimits } from "../../functions/exporter/kore/quota.ts";
import { type Hold, Lease, SourceBusy } from "../../functions/exporter/steps/lease.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const SOURCE = "st-support-0001";
const LIMITS: QuotaLimits = { perMinute: 5, perHour: 40 };
const STEP_MS = 5 * 60_000;
/** A step that asks nothing, and one that asks and lets others go first. */
const QUIET: Hold = { stepMs: STEP_MS, requests: 0, yields: false };
const YIELDING: Hold = { ...QUIET, yields: true };

let root = "";
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "kore-lease-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A source in a scratch of its own, and owners that share its lease. */
function newSource(limits = LIMITS) {
  const clock = new VirtualClock("2026-01-03T02:15:00Z");
  const store = new FolderStore(join(root, String(count++)), clock);
  const ofStore = (id: string, through: ArchiveStore) =>
    new Lease(through, SOURCE, { id, kind: "night" }, clock, limits);
  return { clock, store, ofStore, lease: (id: string) => ofStore(id, store) };
}

/** Does a step, and says who is at work if it may not. */
async function step(lease: Lease, hold: Hold = QUIET, work: (quota: Quota) => Promise<unknown> = async () => null) {
  try {
    await lease.hold(hold, work, () => 0);
    return "done";
  } catch (error) {
    if (error instanceof SourceBusy) return `busy: ${error.by.id}`;
    throw error;
  }
}

const dying = () => Promise.reject(new Error("killed"));

describe("a lease", () => {
  test("lets only one of two owners work, from its first step on and between its steps", async () => {
    const { lease } = newSource();
    const [one, other] = [lease("one"), lease("other")];
    const during: string[] = [];
    await step(one, QUIET, async () => during.push(await step(other)));
    expect(during).toEqual(["busy: one"]);
    expect(await step(other)).toBe("busy: one");
    expect(await step(one)).toBe("done");
  });

  test("is kept through the wait behind a step, and one more step", async () => {
    const { lease, clock } = newSource();
    await lease("one").hold(
      QUIET,
      async () => null,
      () => 30 * 60_000,
    );
    clock.advance(30 * 60_000 + STEP_MS);
    expect(await step(lease("other"))).toBe("busy: one");
    clock.advance(61_000);
    expect(await step(lease("other"))).toBe("done");
    expect(await step(lease("one"))).toBe("busy: other");
  });

  test("lets another owner in once a step that died is over", async () => {
    const { lease, clock } = newSource();
    await expect(step(lease("one"), QUIET, dying)).rejects.toThrow("killed");
    expect(await step(lease("other"))).toBe("busy: one");
    clock.advance(STEP_MS + 61_000);
    expect(await step(lease("other"))).toBe("done");
  });

  test("is gone on with at once by the owner whose step died", async () => {
    const { lease } = newSource();
    await expect(step(lease("one"), QUIET, dying)).rejects.toThrow("killed");
    expect(await step(lease("one"))).toBe("done");
  });

  test("goes to whoever stands in line before the owner's next day, and the owner stands in line then", async () => {
    const { lease } = newSource();
    const [one, other] = [lease("one"), lease("other")];
    await step(one);
    await other.queue();
    expect(await step(one)).toBe("done");
    expect(await step(other)).toBe("busy: one");
    expect(await step(one, YIELDING)).toBe("busy: other");
    expect(await step(one)).toBe("busy: other");
    expect(await step(other)).toBe("done");
    expect(await step(other, YIELDING)).toBe("busy: one");
  });

  test("is for a day of whoever was handed it, and not handed straight back", async () => {
    const { lease } = newSource();
    const [one, other] = [lease("one"), lease("other")];
    expect(await step(one, YIELDING)).toBe("done");
    expect(await step(other, YIELDING)).toBe("busy: one");
    await other.queue();
    expect(await step(one, YIELDING)).toBe("busy: other");
    expect(await step(other, YIELDING)).toBe("done");
  });

  test("comes back from whoever stood in line and never came", async () => {
    const { lease, clock } = newSource();
    await step(lease("one"));
    await lease("other").queue();
    expect(await step(lease("one"), YIELDING)).toBe("busy: other");
    clock.advance(10 * 60_000 + 1);
    expect(await step(lease("one"), YIELDING)).toBe("done");
  });

  test("has one place in line", async () => {
    const { lease } = newSource();
    await step(lease("one"));
    await lease("other").queue();
    await lease("third").queue();
    expect(await step(lease("one"), YIELDING)).toBe("busy: other");
  });

  test("frees the source at once when it is released, or hands it to whoever stands in line", async () => {
    const { lease } = newSource();
    await step(lease("one"));
    await lease("one").release();
    expect(await step(lease("other"))).toBe("done");
    await lease("third").queue();
    await lease("other").release();
    expect(await step(lease("one"))).toBe("busy: third");
    expect(await step(lease("third"))).toBe("done");
  });

  test("is not released by anybody else, who only leaves the line", async () => {
    const { lease } = newSource();
    await step(lease("one"));
    await lease("other").queue();
    await lease("other").release();
    await lease("third").release();
    expect(await step(lease("third"))).toBe("busy: one");
    expect(await step(lease("one"), YIELDING)).toBe("done");
  });

  test.each(["", "{}", "not JSON", '{"owner":{"id":"one","kind":"week"},"until":9e15}'])(
    "that says %j is nobody's",
    async (text) => {
      const { lease, store } = newSource();
      await store.writeIf(`leases/${SOURCE}.json`, Buffer.from(text), null);
      await lease("one").queue();
      await lease("one").release();
      expect(await step(lease("other"))).toBe("done");
      expect(await step(lease("one"))).toBe("busy: other");
    },
  );
});

/** The store, with something that somebody else does just before the next object is written. */
function racing(store: ArchiveStore, race: () => Promise<unknown>): ArchiveStore {
  let pending: (() => Promise<unknown>) | null = race;
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return async (...args: unknown[]) => {
        const first = name === "writeIf" ? pending : null;
        if (first !== null) pending = null;
        await first?.();
        return Reflect.apply(member, target, args);
      };
    },
  });
}

describe("a lost race for the lease", () => {
  test("is tried again by whoever still has the right", async () => {
    const { lease, ofStore, store } = newSource();
    await step(lease("one"));
    const one = ofStore(
      "one",
      racing(store, () => lease("other").queue()),
    );
    expect(await step(one)).toBe("done");
    expect(await step(lease("one"), YIELDING)).toBe("busy: other");
  });

  test("is lost by the second of two who take it at the same time", async () => {
    const { lease, ofStore, store } = newSource();
    const one = ofStore(
      "one",
      racing(store, () => step(lease("other"))),
    );
    expect(await step(one)).toBe("busy: other");
  });

  test("is no failure of an owner that hands over while the other one leaves the line", async () => {
    const { lease, ofStore, store } = newSource();
    await step(lease("one"));
    await lease("other").queue();
    const one = ofStore(
      "one",
      racing(store, () => lease("other").release()),
    );
    expect(await step(one, YIELDING)).toBe("done");
  });

  test("leaves the line to whoever was faster", async () => {
    const { lease, ofStore, store } = newSource();
    await step(lease("one"));
    await ofStore(
      "other",
      racing(store, () => lease("third").queue()),
    ).queue();
    expect(await step(lease("one"), YIELDING)).toBe("busy: third");
  });

  test("does not keep a released lease from whoever queues up at that moment", async () => {
    const { lease, ofStore, store, clock } = newSource();
    await step(lease("one"));
    await ofStore(
      "one",
      racing(store, () => lease("other").queue()),
    ).release();
    clock.advance(STEP_MS + 61_000);
    expect(await step(lease("other"))).toBe("done");
  });
});

/** A step of a random history: who does it, how many requests of what length it sends, and how it ends. */
interface Act {
  readonly owner: string;
  readonly requests: number;
  readonly requestMs: number;
  readonly ends: "well" | "dies" | "dies while asking" | "is taken for dead, and ends after its successor";
  readonly pauseMs: number;
}

const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.record({
    owner: fc.constantFrom("one", "other", "third"),
    requests: fc.integer({ min: 0, max: 5 }),
    requestMs: fc.constantFrom(0, 40, 3_000, 25_000),
    ends: fc.constantFrom(
      "well",
      "well",
      "dies",
      "dies while asking",
      "is taken for dead, and ends after its successor",
    ),
    pauseMs: fc.constantFrom(0, 900, 20_000, 61_000, STEP_MS + 61_000, 15 * 60_000),
  }),
  { minLength: 2, maxLength: 14 },
);

/** What a server sees of requests sent one after another, however late each of them reaches it. */
class Server {
  readonly seen: { from: number; to: number }[] = [];
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  /** Sends requests as a step does: it comes to its end instead of waiting for the quota. */
  async ask(quota: Quota, { requests, requestMs, ends }: Act): Promise<void> {
    for (let sent = 1; sent <= requests && quota.wait() === 0; sent++) {
      await quota.run(
        async () => {
          const from = this.#clock.now();
          this.#clock.advance(requestMs);
          this.seen.push({ from, to: this.#clock.now() });
          if (ends === "dies while asking" && sent === requests) throw new Error("killed");
        },
        () => undefined,
      );
    }
    if (ends.startsWith("dies")) throw new Error("killed");
  }

  /** The most requests that any rolling window can have held. */
  mostIn(windowMs: number): number {
    const counts = this.seen.map(({ to }, first) => {
      return this.seen.slice(first).filter(({ from }) => from < to + windowMs).length;
    });
    return Math.max(0, ...counts);
  }
}

describe("the quota of a source", () => {
  test("goes on from step to step", async () => {
    const { lease, clock } = newSource();
    const waits: number[] = [];
    const ask = async (quota: Quota) => {
      waits.push(quota.wait());
      if (quota.wait() === 0)
        await quota.run(
          async () => null,
          () => undefined,
        );
    };
    for (let n = 0; n < 6; n++) await step(lease("one"), { ...QUIET, requests: 1 }, ask);
    await lease("one").release();
    await step(lease("other"), { ...QUIET, requests: 1 }, ask);
    expect(waits.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
    expect(waits.slice(5).every((ms) => ms >= 60_000)).toBe(true);
    clock.advance(61_000);
    await step(lease("other"), { ...QUIET, requests: 1 }, ask);
    expect(waits.at(-1)).toBe(0);
  });

  test("is given up by a step that would follow three that died, and not by the next one", async () => {
    const { lease } = newSource();
    for (let death = 0; death < 3; death++) {
      await expect(step(lease("one"), QUIET, dying)).rejects.toThrow("killed");
    }
    const never = async () => Promise.reject(new Error("was begun"));
    await expect(step(lease("one"), QUIET, never)).rejects.toMatchObject({ code: "ERR_STEP_DEADLINE" });
    expect(await step(lease("one"), QUIET, async () => "done")).toBe("done");
  });

  test("counts what a dead step may have sent as sent", async () => {
    const { lease } = newSource();
    await expect(step(lease("one"), { ...QUIET, requests: 4 }, dying)).rejects.toThrow("killed");
    await step(lease("one"), { ...QUIET, requests: 1 }, async (quota) => {
      expect(quota.wait()).toBe(0);
      await quota.run(
        async () => null,
        () => undefined,
      );
      expect(quota.wait()).toBeGreaterThanOrEqual(60_000);
    });
  });

  test("is not given back by a step that was taken for dead and ends after its successor", async () => {
    const { lease } = newSource();
    const end = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const late = step(lease("one"), { ...QUIET, requests: 2 }, () => {
      begun.resolve();
      return end.promise;
    });
    await begun.promise;
    await step(lease("one"), { ...QUIET, requests: 3 }, async (quota) => {
      for (let sent = 0; sent < 3; sent++)
        await quota.run(
          async () => null,
          () => undefined,
        );
    });
    end.resolve();
    expect(await late).toBe("done");
    await step(lease("one"), { ...QUIET, requests: 1 }, async (quota) => {
      expect(quota.wait()).toBeGreaterThanOrEqual(60_000);
    });
  });

  test("is exceeded in no rolling window, whoever works, crashes and waits", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(acts, async (history) => {
        const { lease, clock } = newSource({ perMinute: 5, perHour: 12 });
        const server = new Server(clock);
        const late: PromiseWithResolvers<void>[] = [];
        const running: Promise<unknown>[] = [];
        for (const act of history) {
          const asking = { ...QUIET, requests: 5 };
          const isLate = act.ends.startsWith("is taken");
          const end = Promise.withResolvers<void>();
          const asked = Promise.withResolvers<void>();
          const done = step(lease(act.owner), asking, async (quota) => {
            await server.ask(quota, act).finally(asked.resolve);
            if (isLate) await end.promise;
          }).catch((error: Error) => expect(error.message).toMatch(/^(killed|A step died 3 times)/));
          running.push(done);
          await (isLate ? Promise.race([asked.promise, done]) : done);
          // Whoever was taken for dead comes to its end once the step behind it has.
          late.splice(0).map(({ resolve }) => resolve());
          if (isLate) late.push(end);
          else await Promise.all(running);
          clock.advance(act.pauseMs);
        }
        for (const { resolve } of late) resolve();
        await Promise.all(running);
        expect(server.mostIn(60_000)).toBeLessThanOrEqual(5);
        expect(server.mostIn(3_600_000)).toBeLessThanOrEqual(12);
      }),
      { numRuns: 60 },
    );
  });
});
