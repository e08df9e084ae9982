import { z } from "zod";
import type { ArchiveStore } from "../archive/store.ts";
import type { Clock } from "../clock.ts";
import { ExporterError } from "../errors.ts";
import { Quota, type QuotaLimits, type QuotaState, UNUSED } from "../kore/quota.ts";

/** Who works on a source: an execution, for the night, for days that somebody named, or to count what there is. */
const owner = z.object({ id: z.string(), kind: z.enum(["night", "days", "estimate"]) });
export type Owner = Readonly<z.infer<typeof owner>>;

const leaseState = z.object({
  owner: owner.nullable(),
  /** Until when the owner has it, in milliseconds since 1970. */
  until: z.number(),
  /** Who waits for it: gets it at the owner's next day. */
  next: owner.nullable(),
  quota: z.object({ ended: z.array(z.number()), granted: z.number(), expected: z.number().nullable() }),
  /** True until whoever was handed the lease begins a step: it is not to be handed straight back. */
  handed: z.boolean(),
  /** Number of the latest step: one that was taken for dead, and was not, must not speak for it. */
  step: z.number(),
  /** Requests that the step under way may send: if it never says how many it did, they count as sent. */
  pledged: z.number(),
  /** True while a step is under way, or since it died. */
  running: z.boolean(),
  /** Steps in a row that died. */
  deaths: z.number(),
});
type LeaseState = Readonly<z.infer<typeof leaseState>>;

const FREE: LeaseState = {
  owner: null,
  until: 0,
  next: null,
  handed: false,
  quota: { ...UNUSED, ended: [] },
  step: 0,
  pledged: 0,
  running: false,
  deaths: 0,
};

/** A step's own time, and some for Lambda to begin the one behind it. */
const SPARE_MS = 60_000;
/** How long whoever is next has to come and take the lease. */
const TAKE_OVER_MS = 10 * 60_000;
const MOST_TRIES = 5;

/** Steps that may die in a row, for want of memory or time, before the work itself is taken to be the reason. */
const MOST_DEATHS = 3;

/** What a step needs of the lease. */
export interface Hold {
  /** The longest that the step takes. */
  readonly stepMs: number;
  /** Requests that it sends at most. */
  readonly requests: number;
  /** True if whoever stands in line goes first. */
  readonly yields: boolean;
}

/** Thrown where another execution has the lease. */
export class SourceBusy extends Error {
  override readonly name = "SourceBusy";
  readonly by: Owner;
  readonly untilMs: number;

  constructor(by: Owner, untilMs: number) {
    super(`another run has this source until ${new Date(untilMs).toISOString()}`);
    this.by = by;
    this.untilMs = untilMs;
  }
}

/**
 * The right of one execution to work on a source, kept in scratch, and with it what has been used of the source's quota.
 *
 * It is taken for one step at a time by a conditional put, and is over some time after the step that should have
 * followed: a dead execution leaves it to others. Whoever meets it taken may queue up: the owner hands it over before
 * its next day, and queues up in turn.
 */
export class Lease {
  readonly #store: ArchiveStore;
  readonly #key: string;
  readonly #owner: Owner;
  readonly #clock: Clock;
  readonly #limits: QuotaLimits;

  constructor(store: ArchiveStore, source: string, owner: Owner, clock: Clock, limits: QuotaLimits) {
    this.#store = store;
    this.#key = `leases/${source}.json`;
    this.#owner = owner;
    this.#clock = clock;
    this.#limits = limits;
  }

  /**
   * Does a step's work under the lease, which is then kept for the wait behind it and one more step. Throws
   * `SourceBusy`.
   */
  async hold<T>(
    { stepMs, requests, yields }: Hold,
    work: (quota: Quota) => Promise<T>,
    waitAfter: (result: T) => number,
  ): Promise<T> {
    if (yields) await this.#handOver();
    const until = this.#clock.now() + stepMs + SPARE_MS;
    const begun = await this.#change((held) => {
      if (held.owner !== null && !this.#isMine(held) && held.until > this.#clock.now()) {
        throw new SourceBusy(held.owner, held.until);
      }
      const quota = withPledge(held, this.#clock.now());
      const next = this.#isNext(held) ? null : held.next;
      const deaths = this.#isMine(held) && held.running ? held.deaths + 1 : 0;
      const running = deaths < MOST_DEATHS;
      return {
        owner: this.#owner,
        until,
        next,
        handed: false,
        quota,
        step: held.step + 1,
        pledged: requests,
        running,
        deaths,
      };
    });
    if (!begun.running) throw diedTooOften();
    const quota = new Quota(this.#limits, this.#clock, requests, begun.quota);
    const result = await work(quota);
    const { ended, granted, expected } = quota.state;
    const kept = this.#clock.now() + waitAfter(result) + stepMs + SPARE_MS;
    const after = { ended: [...ended], granted, expected };
    await this.#change((held) => {
      if (held.owner !== null && !this.#isMine(held)) throw new SourceBusy(held.owner, held.until);
      return held.step === begun.step
        ? { ...held, until: kept, quota: after, pledged: 0, running: false, deaths: 0 }
        : null;
    });
    return result;
  }

  /** Stands in line for the lease, unless somebody does already. */
  async queue(): Promise<void> {
    await this.#change((held) => (held.next !== null || held.owner === null ? null : { ...held, next: this.#owner }));
  }

  /** Gives the lease to whoever stands in line, and stands in line then. Throws `SourceBusy` if there was somebody. */
  async #handOver(): Promise<void> {
    const until = this.#clock.now() + TAKE_OVER_MS;
    let heir: Owner | null = null;
    await this.#change((held) => {
      heir = this.#isMine(held) && !held.handed && !this.#isNext(held) ? held.next : null;
      return heir && { ...held, owner: heir, until, next: this.#owner, handed: true };
    });
    if (heir !== null) throw new SourceBusy(heir, until);
  }

  /** Gives the lease up, or the place in line for it. */
  async release(): Promise<void> {
    await this.#change((held) => {
      if (this.#isNext(held)) return { ...held, next: null };
      if (!this.#isMine(held)) return null;
      const until = held.next === null ? 0 : this.#clock.now() + TAKE_OVER_MS;
      return { ...held, owner: held.next, until, next: null, handed: held.next !== null };
    });
  }

  #isMine({ owner: holder }: LeaseState): boolean {
    return holder?.id === this.#owner.id;
  }

  #isNext({ next }: LeaseState): boolean {
    return next?.id === this.#owner.id;
  }

  /** Changes the lease, from what it is when nobody else changes it; null leaves it so. Returns it as it is then. */
  async #change(next: (held: LeaseState) => LeaseState | null): Promise<LeaseState> {
    for (let attempt = 1; ; attempt++) {
      const object = await this.#store.read(this.#key);
      const held = object === null ? FREE : parsed(object.body.toString());
      const changed = next(held);
      if (changed === null) return held;
      try {
        await this.#store.writeIf(this.#key, Buffer.from(JSON.stringify(changed)), object?.version ?? null);
        return changed;
      } catch (error) {
        const lostRace = error instanceof ExporterError && error.code === "ERR_ARCHIVE_CHANGED";
        if (!lostRace || attempt === MOST_TRIES) throw error;
      }
    }
  }
}

function diedTooOften(): ExporterError {
  const message =
    `A step died ${MOST_DEATHS} times in a row: the function ran out of memory or time, or was stopped. ` +
    "What was read is kept; look into the logs, then run again.";
  return new ExporterError("ERR_STEP_DEADLINE", message);
}

/** What a dead step may have sent counts as sent now: Kore saw it no later. */
function withPledge({ quota, pledged }: LeaseState, now: number): LeaseState["quota"] {
  if (pledged === 0) return quota;
  const sent: QuotaState["ended"] = Array.from({ length: pledged }, () => now);
  return { ...quota, granted: 0, ended: [...quota.ended, ...sent] };
}

/** A lease that cannot be read is nobody's: it lives in scratch, which may be emptied at any time. */
function parsed(text: string): LeaseState {
  try {
    return leaseState.parse(JSON.parse(text));
  } catch {
    return FREE;
  }
}
