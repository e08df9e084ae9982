import { once } from "node:events";
import { systemClock } from "../functions/exporter/clock.ts";
import { missingVariables, readEnvironmentFile } from "./environment-file.ts";
import type { Output } from "./io.ts";
import { runCli } from "./program.ts";

/** The first Ctrl-C lets the command stop cleanly, the second ends the process at once. */
const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort();
  });
}

/** Whoever reads our output may stop reading, as `head` does: no error of ours. */
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

const output = (stream: NodeJS.WriteStream): Output => ({
  write: (text) => void stream.write(text),
  isTTY: stream.isTTY === true,
  get columns() {
    return stream.columns;
  },
  drained: async () => {
    if (stream.writableNeedDrain) await once(stream, "drain");
  },
});

/** Runs the command line of this process, and leaves its exit code to it. */
export async function start(): Promise<void> {
  // The AWS SDK reads its variables from the process's own environment.
  const environmentFile = readEnvironmentFile(process.cwd());
  Object.assign(process.env, missingVariables(environmentFile.variables, process.env));

  process.exitCode = await runCli(process.argv.slice(2), {
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    env: process.env,
    clock: systemClock,
    signal: interrupted.signal,
    stdin: () => process.stdin,
    folder: process.cwd(),
    environmentFile,
  });
}
