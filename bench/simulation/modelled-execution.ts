import type { Execution } from "../../functions/exporter/lambda/durable-host.ts";
import type { EventClock } from "./event-clock.ts";

/** Source: "Lambda quotas", durable operations and data written per execution, and function timeout. */
const MOST_OPERATIONS = 3_000;
const MOST_BYTES_WRITTEN = 100_000_000;
const LONGEST_INVOCATION_MS = 900_000;
/** Source: Durable Execution SDK, metering: the largest result of a step. */
const LARGEST_RESULT_BYTES = 256 * 1024;

/** What an execution costs besides what its steps do. */
export interface ExecutionTimes {
  /** Before an invocation's first new step: its start, and the replay of what was done before. */
  readonly beginMs: number;
  /** To record a step. */
  readonly checkpointMs: number;
}

/** What an execution has used. */
export interface ExecutionUse {
  operations: number;
  /** Of the results that were recorded, as JSON. */
  bytesWritten: number;
  invocations: number;
  /** While a function ran. */
  activeMs: number;
  longestInvocationMs: number;
  longestStepMs: number;
  longestStep: string;
}

interface Invocation {
  readonly startedAt: number;
  readonly readyAt: number;
}

/**
 * A durable execution: counts operations as Lambda does (its start; each step and wait; a map, and one for each of its
 * branches), and lets an invocation live until all branches wait. Throws where a limit of Lambda's is exceeded.
 *
 * Nothing dies here, so no step is done twice: whatever a step throws ends the simulation.
 */
export class ModelledExecution {
  readonly use: ExecutionUse = {
    operations: 0,
    bytesWritten: 0,
    invocations: 0,
    activeMs: 0,
    longestInvocationMs: 0,
    longestStepMs: 0,
    longestStep: "",
  };
  readonly #name: string;
  readonly #clock: EventClock;
  readonly #times: ExecutionTimes;
  /** Branches that do not wait. */
  #awake = 0;
  #invocation: Invocation | null = null;

  constructor(name: string, clock: EventClock, times: ExecutionTimes) {
    this.#name = name;
    this.#clock = clock;
    this.#times = times;
  }

  /** Carries the execution out, from its start to its end. */
  async run<T>(work: (context: Execution) => Promise<T>): Promise<T> {
    this.#countOperations(1);
    await this.#wake();
    const result = await work(this.#context());
    this.#rest();
    return result;
  }

  #context(): Execution {
    const lambdaContext = { getRemainingTimeInMillis: () => this.#remainingMs() };
    const executionContext = {
      durableExecutionArn: `arn:aws:lambda:::function:simulated/durable-execution/${this.#name}`,
    };
    // The real types promise far more than what an `Execution` is used for.
    return {
      lambdaContext,
      executionContext,
      step: (name: string, work: () => Promise<unknown>) => this.#step(name, work),
      wait: (_name: string, { seconds }: { seconds: number }) => this.#wait(seconds),
      map: (_name: string, items: unknown[], work: (context: Execution, item: unknown) => Promise<unknown>) =>
        this.#map(items, work),
    } as unknown as Execution;
  }

  #remainingMs(): number {
    return (this.#invocation?.startedAt ?? 0) + LONGEST_INVOCATION_MS - this.#clock.now();
  }

  async #step(name: string, work: () => Promise<unknown>): Promise<unknown> {
    this.#countOperations(1);
    const startedAt = this.#clock.now();
    const text = this.#recorded(await work());
    await this.#clock.sleep(this.#times.checkpointMs);
    const tookMs = this.#clock.now() - startedAt;
    if (tookMs > this.use.longestStepMs) {
      this.use.longestStepMs = tookMs;
      this.use.longestStep = name;
    }
    return JSON.parse(text);
  }

  async #wait(seconds: number): Promise<void> {
    this.#countOperations(1);
    this.#rest();
    await this.#clock.sleep(seconds * 1_000);
    await this.#wake();
  }

  async #map(items: readonly unknown[], work: (context: Execution, item: unknown) => Promise<unknown>) {
    this.#countOperations(1 + items.length);
    this.#awake += items.length - 1;
    let left = items.length;
    const branches = items.map((item) => async () => {
      const text = this.#recorded(await work(this.#context(), item));
      left--;
      // Whoever is last stays awake for what comes behind the map.
      if (left > 0) this.#rest();
      return JSON.parse(text);
    });
    const results = await this.#clock.sideBySide(branches);
    return { throwIfError: () => {}, getResults: () => results };
  }

  #recorded(value: unknown): string {
    const text = JSON.stringify(value) ?? "null";
    const bytes = Buffer.byteLength(text);
    this.use.bytesWritten += bytes;
    if (bytes > LARGEST_RESULT_BYTES) throw new TypeError(`${this.#name}: a result has ${bytes} bytes`);
    if (this.use.bytesWritten > MOST_BYTES_WRITTEN) throw new TypeError(`${this.#name}: too many bytes of results`);
    return text;
  }

  #countOperations(count: number): void {
    this.use.operations += count;
    if (this.use.operations > MOST_OPERATIONS) throw new TypeError(`${this.#name}: too many operations`);
  }

  /** A branch begins to wait, or has ended; when all do, the invocation ends. */
  #rest(): void {
    this.#awake--;
    if (this.#awake > 0 || this.#invocation === null) return;
    const livedMs = this.#clock.now() - this.#invocation.startedAt;
    if (livedMs > LONGEST_INVOCATION_MS) throw new TypeError(`${this.#name}: an invocation took ${livedMs} ms`);
    this.use.activeMs += livedMs;
    this.use.longestInvocationMs = Math.max(this.use.longestInvocationMs, livedMs);
    this.#invocation = null;
  }

  async #wake(): Promise<void> {
    this.#awake++;
    if (this.#invocation === null) {
      const now = this.#clock.now();
      this.#invocation = { startedAt: now, readyAt: now + this.#times.beginMs };
      this.use.invocations++;
    }
    const waitMs = this.#invocation.readyAt - this.#clock.now();
    if (waitMs > 0) await this.#clock.sleep(waitMs);
  }
}
