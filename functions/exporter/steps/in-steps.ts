import { ExporterError } from "../errors.ts";
import type { Day } from "../export/calendar.ts";
import { sourceName } from "../export/export-day.ts";
import type { Room } from "../export/room.ts";
import type { Reader } from "../export/totals.ts";
import type { DayWork, Next, SourceWork } from "../export/work.ts";
import type { Quota, QuotaLimits } from "../kore/quota.ts";
import type { Source } from "../kore/wire.ts";
import { DayInSteps, type DayPorts } from "./day-in-steps.ts";
import { Lease, type Owner, SourceBusy } from "./lease.ts";
import { failedOutcome, type Outcome, outcomeOf } from "./outcome.ts";
import { STEP_TIMES, type Step, type StepKind, type Steps } from "./steps.ts";
import { revivedError } from "./told-error.ts";
import { Patience, type Topic, type TurnPorts, takeTurn } from "./turn.ts";

/** A batch where there is no quota. */
const BATCH_WITHOUT_QUOTA = 600;
/** How long whoever stands in line for a source waits before it looks again. */
const LONGEST_STAND_MS = 5 * 60_000;

/** What working in steps needs from the world. Scratch may empty itself after two days. */
export interface InStepsPorts extends TurnPorts, DayPorts {
  readonly steps: Steps;
  readonly quota: QuotaLimits;
  /** Shared by all sources of a run. */
  readonly room: Room;
  readonly owner: Owner;
  /** From this instant on no further day is begun. */
  readonly deadline: number;
}

/** A step of a source: what it does, and how many sessions it holds in memory at most. */
interface SourceStep {
  readonly kind: StepKind;
  readonly about: string;
  readonly sessions: number;
}

/** What a step came to: another execution may have the source. */
type HeldOutcome<T> = Outcome<T> | { readonly kind: "busy"; readonly by: Owner; readonly waitMs: number };

/**
 * Exports a source in steps: whatever was asked or built is kept in scratch, so that a run that dies, or comes to its
 * end, is gone on with by the next step or the next run. Only one execution at a time works on a source.
 */
export class InSteps implements SourceWork {
  readonly source: Source;
  readonly #name: string;
  readonly #ports: InStepsPorts;
  readonly #lease: Lease;
  /** How many requests a turn sends at most: a minute's quota. */
  readonly #batch: number;
  #searches = 0;
  #throttles = 0;

  constructor(source: Source, ports: InStepsPorts) {
    this.source = source;
    this.#name = sourceName(source);
    this.#ports = ports;
    this.#lease = new Lease(ports.scratch, this.#name, ports.owner, ports.clock, ports.quota);
    const limits = [ports.quota.perMinute, ports.quota.perHour].filter((limit) => limit > 0);
    this.#batch = Math.min(BATCH_WITHOUT_QUOTA, ...limits);
  }

  /** Answers 429 so far. */
  get throttles(): number {
    return this.#throttles;
  }

  async next(find: (reader: Reader) => Promise<Day | null>): Promise<Next> {
    const { clock, deadline } = this.#ports;
    return this.find("day", async (reader): Promise<Next> => {
      if (clock.now() >= deadline) return { kind: "stopped" };
      const dt = await find(reader);
      return dt === null ? { kind: "none" } : { kind: "day", dt };
    });
  }

  /** Asks something that belongs to no day. */
  async find<T>(about: string, question: (reader: Reader) => Promise<T>): Promise<T> {
    const prefix = `searches/${this.#name}/${this.#ports.owner.id}/${this.#searches++}/`;
    return this.ask({ kind: "next", about, prefix, sessions: 0 }, question);
  }

  async day<T>(dt: Day, run: (work: DayWork) => Promise<T>): Promise<T> {
    return run(new DayInSteps(this, dt, this.#ports));
  }

  /** Gives the source up for others. Where that fails, the lease ends by itself. */
  async release(): Promise<void> {
    const step: Step = { kind: "release", name: `release ${this.#name}`, gate: (run) => run() };
    const released = this.#ports.steps.run(step, async () => {
      await this.#lease.release();
      return null;
    });
    await released.catch((error: unknown) => {
      if (!(error instanceof ExporterError)) throw error;
    });
  }

  /** Asks until there is an answer, a turn at a time. */
  async ask<T>(topic: Topic, question: (reader: Reader) => Promise<T>): Promise<T> {
    const patience = new Patience();
    for (;;) {
      const turn = await this.step(
        topic,
        (signal, quota) => takeTurn(topic, question, this.source, quota, this.#batch, signal, this.#ports),
        (result) => (result.kind === "paused" ? result.waitMs : 0),
      );
      this.#throttles += turn.throttles;
      if (turn.kind === "answered") return turn.value;
      if (turn.kind === "failed") throw revivedError(turn.error);
      patience.after(turn, turn.waitMs, turn.error);
      if (turn.waitMs > 0) await this.#ports.steps.wait(`quota of ${this.#name}`, turn.waitMs);
    }
  }

  /** Lets time pass in which nothing runs. */
  async wait(name: string, ms: number): Promise<void> {
    await this.#ports.steps.wait(name, ms);
  }

  /** Does one step under the lease. If another execution has it: a second night leaves the source alone, others wait. */
  async step<T>(
    step: SourceStep,
    work: (signal: AbortSignal, quota: Quota) => Promise<T>,
    waitAfter: (result: T) => number = () => 0,
  ): Promise<T> {
    const { steps, room } = this.#ports;
    const { kind, about, sessions } = step;
    const gate: Step["gate"] = (run) => (sessions === 0 ? run() : room.run(sessions, run));
    const name = `${kind} ${this.#name} ${about}`;
    for (;;) {
      const outcome = await steps.run({ kind, name, gate }, (signal) => this.#held(kind, signal, work, waitAfter));
      if (outcome.kind === "done") return outcome.value;
      if (outcome.kind === "failed") throw revivedError(outcome.error);
      if (!this.#standsInLineFor(outcome.by)) throw leftAlone(this.#name, outcome.by);
      await steps.wait(`turn of ${this.#name}`, outcome.waitMs);
    }
  }

  async #held<T>(
    kind: StepKind,
    signal: AbortSignal,
    work: (signal: AbortSignal, quota: Quota) => Promise<T>,
    waitAfter: (result: T) => number,
  ): Promise<HeldOutcome<T>> {
    const asks = kind === "next" || kind === "plan" || kind === "read";
    const hold = { stepMs: STEP_TIMES[kind].mostMs, requests: asks ? this.#batch : 0, yields: kind === "next" };
    try {
      return await this.#lease.hold(
        hold,
        (quota) => outcomeOf(() => work(signal, quota)),
        (outcome) => (outcome.kind === "done" ? waitAfter(outcome.value) : 0),
      );
    } catch (error) {
      if (!(error instanceof SourceBusy)) return failedOutcome(error);
      if (this.#standsInLineFor(error.by)) await this.#lease.queue();
      const waitMs = Math.max(1_000, Math.min(error.untilMs - this.#ports.clock.now(), LONGEST_STAND_MS));
      return { kind: "busy", by: error.by, waitMs };
    }
  }

  /** A second night has nothing to do that the first one does not; and a count is not worth waiting for. */
  #standsInLineFor(by: Owner): boolean {
    const { kind } = this.#ports.owner;
    return kind === "days" || (kind === "night" && by.kind !== "night");
  }
}

function leftAlone(source: string, by: Owner): ExporterError {
  const message = `Another run (${by.id}, for ${by.kind}) is at work on ${source}. This one leaves it alone.`;
  return new ExporterError("ERR_SOURCE_BUSY", message);
}
