import { createRetryStrategy, type DurableContext, JitterStrategy } from "@aws/durable-execution-sdk-js";
import { ERRORS, type ErrorCode, ExporterError } from "../errors.ts";
import { STEP_TIMES, type Step, type StepKind, type Steps, withinTime } from "../steps/steps.ts";
import type { Host } from "./host.ts";

/**
 * Operations after which a run comes to its end: two thirds of what Lambda allows, so that steps that are done again and
 * whatever is under way have room. Source: "Lambda quotas", durable operations per execution: 3,000.
 */
export const MOST_OPERATIONS = 2_000;

/** What an invocation needs beyond its steps. */
const SPARE_MS = 30_000;
/** For what belongs to no source: a look at the archive, the metrics. */
const LONGEST_ONCE_MS = 5 * 60_000;
/** How long a step waits that an invocation has no time for: its other steps end, and a new invocation begins. */
const NEXT_INVOCATION_MS = 30_000;

/** A step that died is done again twice. What is an error of ours is its result, and never gets here. */
const retryStrategy = createRetryStrategy({
  maxAttempts: 3,
  initialDelay: { seconds: 5 },
  maxDelay: { minutes: 1 },
  backoffRate: 4,
  jitter: JitterStrategy.NONE,
});

/** The part of an execution's context that is used here. */
export type Execution = Pick<DurableContext, "step" | "wait" | "map" | "executionContext" | "lambdaContext">;

/** What can be set for tests. */
export interface DurableLimits {
  readonly operations: number;
  readonly times: Readonly<Record<StepKind, { readonly mostMs: number }>>;
  readonly graceMs?: number;
}

const LIMITS: DurableLimits = { operations: MOST_OPERATIONS, times: STEP_TIMES };

/** Carries a run out as a durable execution: its steps outlive an invocation, and its waits cost nothing. */
export class DurableHost implements Host {
  readonly runId: string;
  readonly isTriedAgain = false;
  readonly #context: Execution;
  readonly #limits: DurableLimits;
  readonly #operations = { used: 0 };

  constructor(context: Execution, limits: DurableLimits = LIMITS) {
    this.#context = context;
    this.#limits = limits;
    this.runId = context.executionContext.durableExecutionArn.split("/durable-execution/").at(-1) ?? "";
  }

  once<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#operations.used++;
    return step(this.#context, name, () => withinTime(LONGEST_ONCE_MS, name, work));
  }

  async forEach<I, T>(
    items: readonly I[],
    nameOf: (item: I) => string,
    work: (item: I, steps: Steps) => Promise<T>,
  ): Promise<T[]> {
    this.#operations.used += 1 + items.length;
    const each = (context: Execution, item: I) => {
      return work(item, new DurableSteps(context, this.#operations, this.#limits));
    };
    const batch = await this.#context.map("sources", [...items], each, {
      itemNamer: (item: I) => nameOf(item),
      completionConfig: { toleratedFailurePercentage: 100 },
    });
    batch.throwIfError();
    return batch.getResults();
  }
}

/** What a step came to; whatever depends on the clock is decided within the step, so that a replay decides the same. */
type Done<T> = { readonly kind: "done"; readonly value: T } | { readonly kind: "later" } | { readonly kind: "ended" };

class DurableSteps implements Steps {
  readonly #context: Execution;
  readonly #operations: { used: number };
  readonly #limits: DurableLimits;

  constructor(context: Execution, operations: { used: number }, limits: DurableLimits) {
    this.#context = context;
    this.#operations = operations;
    this.#limits = limits;
  }

  async run<T>({ kind, name, gate }: Step, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { mostMs } = this.#limits.times[kind];
    for (;;) {
      this.#operations.used++;
      const inTime = async (): Promise<Done<T>> => {
        if (this.#operations.used > this.#limits.operations && kind !== "release") return { kind: "ended" };
        if (this.#context.lambdaContext.getRemainingTimeInMillis() < mostMs + SPARE_MS) return { kind: "later" };
        return { kind: "done", value: await withinTime(mostMs, name, work, this.#limits.graceMs) };
      };
      const done = await step(this.#context, name, () => gate(inTime));
      if (done.kind === "done") return done.value;
      if (done.kind === "ended") throw outOfOperations(this.#limits.operations);
      await this.wait("next invocation", NEXT_INVOCATION_MS);
    }
  }

  async wait(name: string, ms: number): Promise<void> {
    this.#operations.used++;
    await this.#context.wait(name, { seconds: Math.max(1, Math.ceil(ms / 1_000)) });
  }
}

async function step<T>(context: Execution, name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await context.step(name, work, { retryStrategy });
  } catch (error) {
    throw stepFailure(name, error);
  }
}

/** The class of an error does not survive a step; the name of its cause does, which is a code if the error was ours. */
function stepFailure(name: string, error: unknown): ExporterError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { name: code, message } = cause instanceof Error ? cause : new Error(String(cause));
  if (Object.hasOwn(ERRORS, code)) return new ExporterError(code as ErrorCode, message, { cause: error });
  return new ExporterError("ERR_INTERNAL", `The step "${name}" failed three times: ${message}`, { cause: error });
}

function outOfOperations(most: number): ExporterError {
  const message = `The run has used the ${most} operations that one execution may. The next one goes on where it ended.`;
  return new ExporterError("ERR_INTERRUPTED", message);
}
