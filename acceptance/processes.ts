import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Everything that the runs install or write, outside of what git sees. */
export const CACHE = resolve(".cache/acceptance");

const TAIL_CHARACTERS = 4_000;
const POLL_MS = 250;
const STOP_MS = 15_000;

/** A part that was started, and ends with the run. */
export interface Service {
  readonly url: string;
  stop(): Promise<void>;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Runs a program to its end and returns its standard output; throws with the end of all it printed if it fails. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const [output, everything]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => everything.push(chunk));
  const [code] = await once(child, "close");
  if (code === 0) return Buffer.concat(output).toString();
  const printed = Buffer.concat(everything).toString();
  throw new Error(`${program} ${args.join(" ")} ended with ${code}:\n${printed.slice(-TAIL_CHARACTERS)}`);
}

/**
 * The folder of a part, made by `install` if it is not there yet. A mark beside it
 * says that it is whole: an installation that was broken off is made anew.
 */
export async function installed(name: string, install: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(CACHE, name);
  const mark = `${folder}.installed`;
  if (existsSync(mark)) return folder;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  console.log(`installing ${name} into ${folder}`);
  await install(folder);
  await writeFile(mark, "");
  return folder;
}

/** A free port of the loopback interface. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("the system gave no port");
  return address.port;
}

export interface ServiceOptions extends RunOptions {
  readonly url: string;
  /** Where its output goes. */
  readonly log: string;
  /** Whether it answers as it does when it is up; may throw until then. */
  readonly isUp: () => Promise<boolean>;
  readonly startTimeoutMs: number;
}

/** Starts a program and waits until it is up; it ends with `stop`, or with this process. */
export async function startService(
  program: string,
  args: readonly string[],
  { url, log, isUp, startTimeoutMs, ...options }: ServiceOptions,
): Promise<Service> {
  await mkdir(dirname(log), { recursive: true });
  const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const output = createWriteStream(log);
  for (const stream of [child.stdout, child.stderr]) stream.pipe(output, { end: false });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async () => {
    process.removeListener("exit", kill);
    await end(child);
    output.end();
  };
  try {
    await eventually(program, startTimeoutMs, async () => {
      if (child.exitCode !== null) throw new GaveUp(`${program} ended with ${child.exitCode}`);
      return (await isUp()) || undefined;
    });
  } catch (error) {
    await stop();
    throw new Error(`${program} did not start: its output is in ${log}`, { cause: error });
  }
  return { url, stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(late);
}

class GaveUp extends Error {}

/** What `look` finds once it finds anything; failures of `look` count as nothing found. Throws after the time. */
export async function eventually<T>(what: string, timeoutMs: number, look: () => Promise<T | undefined>): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  let last: unknown;
  while (performance.now() < endMs) {
    try {
      const found = await look();
      if (found !== undefined) return found;
    } catch (error) {
      if (error instanceof GaveUp) throw error;
      last = error;
    }
    await sleep(POLL_MS);
  }
  throw new Error(`${what}: nothing after ${timeoutMs / 1_000} s`, { cause: last });
}

/** True if the address answers with success. */
export async function answers(url: string): Promise<boolean> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.ok;
}
