import type { Clock } from "../functions/exporter/clock.ts";
import type { Environment } from "../functions/exporter/settings.ts";
import type { EnvironmentFile } from "./environment-file.ts";
import type { Log } from "./log.ts";

/** Where text goes. */
export interface Output {
  write(text: string): void;
  /** True for a terminal that a person looks at. */
  readonly isTTY: boolean;
  /** Width of the terminal. */
  readonly columns?: number | undefined;
  /** Resolves once the reader has taken what was written; absent where that is at once. */
  readonly drained?: () => Promise<void>;
}

/** Where text comes from. */
export type Input = NodeJS.ReadableStream & {
  /** True for a terminal at which somebody can answer. */
  readonly isTTY?: boolean;
};

/** What a command line has of the world. Only `start.ts` knows the process. */
export interface ProcessIo {
  /** Results. */
  readonly stdout: Output;
  /** Progress, warnings and errors. */
  readonly stderr: Output;
  readonly env: Environment;
  readonly clock: Clock;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Aborted when a command that was told to stop has taken too long: it is left as it is. Absent: it may take its time. */
  readonly overdue?: AbortSignal;
  /** Where answers and secrets come from; absent: from nowhere. */
  readonly stdin?: () => Input;
  /** The folder that a command is run in: `.env` and `cdk.json` lie there. */
  readonly folder?: string;
  /** What is to be told about `.env`, whose variables stand in `env` already. */
  readonly environmentFile?: Pick<EnvironmentFile, "problems" | "warnings">;
}

/** What a command has of the world: `stderr` keeps to `--log-format`, as `log` does. */
export interface CommandIo extends ProcessIo {
  readonly log: Log;
}

/** An exit code of the contract: 0 done, 1 failed or incomplete, 2 usage or settings, 130 interrupted. */
export type ExitCode = 0 | 1 | 2 | 3 | 130;
