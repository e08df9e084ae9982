import type { Clock } from "../functions/exporter/clock.ts";
import type { Environment } from "../functions/exporter/settings.ts";

/** Where text goes. */
export interface Output {
  write(text: string): void;
  /** True for a terminal that a person looks at. */
  readonly isTTY: boolean;
}

/** What a command has of the world. Only `main.ts` knows the process. */
export interface CommandIo {
  /** Results. */
  readonly stdout: Output;
  /** Progress, warnings and errors. */
  readonly stderr: Output;
  readonly env: Environment;
  readonly clock: Clock;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** An exit code of the contract: 0 done, 1 failed or incomplete, 2 usage or settings, 130 interrupted. */
export type ExitCode = 0 | 1 | 2 | 3 | 130;
