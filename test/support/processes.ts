import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** Node compiles the sources once for all these processes. */
const COMPILE_CACHE = { NODE_COMPILE_CACHE: join(tmpdir(), "kore-sessions-test-compile-cache") };

/** A process of the test's, and what it wrote. */
export interface RunningProcess {
  readonly child: ChildProcess;
  /** Resolves when it has ended: its exit code, or null after a signal. */
  readonly ended: Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>;
}

/**
 * Runs a file of ours, or what options of Node's say, in a process of its own. Unless a folder is given it runs in an
 * empty one, where no `.env` of a developer's is read.
 */
export function startProcess(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  folder?: string,
): RunningProcess {
  const empty = folder === undefined ? emptyFolder() : null;
  const child = spawn(process.execPath, [file.startsWith("-") ? file : resolve(file), ...args], {
    cwd: folder ?? empty?.path,
    env: { ...process.env, ...COMPILE_CACHE, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  child.once("close", () => empty?.remove());
  const ended = once(child, "close").then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
    stdout: Buffer.concat(stdout).toString(),
    stderr: Buffer.concat(stderr).toString(),
  }));
  return { child, ended };
}

/** A folder of its own for a process, which has no `.env`. */
export function emptyFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "kore-empty-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs the command line, set up for a scenario, in a process of its own. Give the scenario the real time. */
export function startCli(
  { kore, archive }: { readonly kore: { readonly url: string }; readonly archive: string },
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): RunningProcess {
  return startProcess("cli/main.js", args, {
    KORE_HOST: kore.url,
    KORE_CLIENT_ID: "cs-demo",
    KORE_CLIENT_SECRET: "demo-secret-of-the-stand-in",
    KORE_ARCHIVE: archive,
    ...env,
  });
}

/** The present, for scenarios that processes of their own take part in. */
export function presentTime(): string {
  return new Date().toISOString();
}
