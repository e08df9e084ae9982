import { existsSync } from "node:fs";

/**
 * How long a command may take to end by itself once it was told to, in milliseconds. Whoever tells it waits for five
 * seconds at most.
 */
export const GRACE_MS = 4_500;

/** What this process was told about ending. */
export interface Interruption {
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly asked: AbortSignal;
  /** Aborted once the grace is over; right after that the process ends. */
  readonly overdue: AbortSignal;
}

/**
 * Listens for Ctrl-C and SIGTERM: the first lets the command stop cleanly, the second ends the process at once, and so does
 * the end of the grace, whatever the command waits for.
 */
export function listenForInterruption(): Interruption {
  const asked = new AbortController();
  const overdue = new AbortController();
  const giveUp = () => {
    overdue.abort();
    // Whoever listens has its say first.
    setImmediate(() => endProcess(130));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (asked.signal.aborted) endProcess(130);
      asked.abort();
      setTimeout(giveUp, GRACE_MS).unref();
    });
  }
  return { asked: asked.signal, overdue: overdue.signal };
}

/**
 * Ends this process with an exit code, for sure: `process.exit` waits for threads that read a pipe, ask a file server that is
 * silent, or run a query. To become another program ends them all. What was not written yet is lost.
 */
export function endProcess(code: number): never {
  // Windows cannot become another program.
  if (process.execve === undefined || process.platform === "win32") process.exit(code);
  // As at any exit: a bar that is drawn gives the terminal its cursor back.
  process.emit("exit", code);
  if (existsSync("/bin/sh")) process.execve("/bin/sh", ["sh", "-c", `exit ${code}`], {});
  return process.execve(process.execPath, [process.execPath, "-e", `process.exit(${code})`], {});
}

/**
 * Settles as `work` does, or rejects with the signal's reason as soon as that is aborted: the work is not waited for then,
 * so it has to be such that nothing depends on its end.
 */
export async function interruptible<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
