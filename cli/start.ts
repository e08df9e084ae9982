import { once } from "node:events";
import { systemClock } from "../functions/exporter/clock.ts";
import { missingVariables, readEnvironmentFile } from "./environment-file.ts";
import { endProcess, interruptible, listenForInterruption } from "./interruption.ts";
import type { Output } from "./io.ts";
import { runCli } from "./program.ts";

const interruption = listenForInterruption();

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

/** Runs the command line of this process, and leaves its exit code to it; one that was interrupted ends the process. */
export async function start(): Promise<void> {
  // The AWS SDK reads its variables from the process's own environment.
  const environmentFile = readEnvironmentFile(process.cwd());
  Object.assign(process.env, missingVariables(environmentFile.variables, process.env));

  const code = await runCli(process.argv.slice(2), {
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    env: process.env,
    clock: systemClock,
    signal: interruption.asked,
    overdue: interruption.overdue,
    stdin: () => process.stdin,
    folder: process.cwd(),
    environmentFile,
  });
  process.exitCode = code;
  if (!interruption.asked.aborted) return;
  // A request or a file that nobody waits for any more would keep the process for as long as it takes.
  const told = Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  await interruptible(told, interruption.overdue).catch(() => endProcess(130));
  endProcess(code);
}

/** Resolves once all that was written has gone out, or never will. */
function flushed(stream: NodeJS.WriteStream): Promise<unknown> {
  return new Promise((resolve) => void stream.write("", resolve));
}
