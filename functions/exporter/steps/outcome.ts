import { ExporterError } from "../errors.ts";
import { type ToldError, tellError } from "./told-error.ts";

/** Characters that a step's result may have as JSON. */
const LARGEST_RESULT = 10_000;

/** What work came to. What is no error of ours is none of these, and is thrown: the step is done again then. */
export type Outcome<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "failed"; readonly error: ToldError };

/** Does the work, whose value must be small. */
export async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    const value = await work();
    const size = JSON.stringify(value)?.length ?? 0;
    if (size <= LARGEST_RESULT) return { kind: "done", value };
    throw new ExporterError("ERR_INTERNAL", `The result of a step has ${size} characters. Please report this.`);
  } catch (error) {
    return failedOutcome(error);
  }
}

/** The outcome of work that threw. */
export function failedOutcome(error: unknown): Extract<Outcome<never>, { kind: "failed" }> {
  if (error instanceof ExporterError) return { kind: "failed", error: tellError(error) };
  throw error;
}
