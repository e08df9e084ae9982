import type { Clock } from "../../functions/exporter/clock.ts";
import type { DeployedFunction, Ended } from "./deployed-function.ts";
import { FunctionUnreachable } from "./function-unreachable.ts";

const SILENCE_MS = 30_000;
/** Ten minutes without an answer, the SDK's own attempts aside. */
const MOST_SILENCES = 20;

/** What waiting for executions needs. Aborting the signal ends the waiting; executions go on. */
export interface WaitPorts {
  readonly deployed: DeployedFunction;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Waits for an execution's end, looking every so many milliseconds. `tell` hears what the waiting is for. */
export async function untilEnded(
  arn: string,
  pollMs: number,
  { deployed, clock, signal }: WaitPorts,
  tell: (text: "at work" | "AWS does not answer; asks again") => void,
): Promise<Ended> {
  for (;;) {
    const onSilence = () => tell("AWS does not answer; asks again");
    const ended = await patiently(() => deployed.look(arn, signal), onSilence, clock, signal);
    if (ended !== null) return ended;
    tell("at work");
    await clock.sleep(pollMs, signal);
  }
}

/** Asks until there is an answer: a laptop may lose its network during a night. Throws `FunctionUnreachable` in the end. */
export async function patiently<T>(
  ask: () => Promise<T>,
  onSilence: () => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<T> {
  for (let silences = 1; ; silences++) {
    try {
      return await ask();
    } catch (error) {
      const again = error instanceof FunctionUnreachable && error.passing && silences < MOST_SILENCES;
      if (!again) throw error;
      onSilence();
      await clock.sleep(SILENCE_MS, signal);
    }
  }
}
