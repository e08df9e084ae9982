import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import type { ShellBlock } from "./shell-blocks.ts";

/** A command that is not run as it is printed. */
export interface Exception {
  /** Its words after the shell took them apart, with a blank between two. */
  readonly command: string;
  readonly because: string;
  /** What the shell runs in its place; absent: nothing. */
  readonly instead?: string;
}

/** What came of a document's commands. */
export interface Outcome {
  readonly exitCode: number | null;
  /** What each block printed, on stdout and stderr, up to the one that ended the shell. */
  readonly printed: readonly string[];
  /** Commands that were passed over. */
  readonly notRun: readonly string[];
}

/** A folder like a clone of the project, for one document. */
export interface Workspace {
  readonly folder: string;
  /** Runs the blocks in one shell, which ends at the first command that fails. */
  run(blocks: readonly ShellBlock[], exceptions: readonly Exception[]): Promise<Outcome>;
  /** Ends the shell, if it is still at work. */
  remove(): Promise<void>;
}

const SHIM = resolve("test/support/documentation/command-shim.sh");
const STANDING_CLOCK = resolve("test/support/documentation/standing-clock.ts");
const LINKED = ["package.json", "node_modules", "cli", "functions", "demo"];
/** Copied, since commands write there. */
const COPIED = ["cdk.json", ".gitignore"];

/** Makes a workspace in which it is `now`, and commands have these variables besides what a shell needs. */
export async function openWorkspace(now: string, variables: Readonly<Record<string, string>>): Promise<Workspace> {
  const root = await mkdtemp(join(tmpdir(), "docs-"));
  const folder = join(root, "kore-session-archive");
  const shims = join(root, "bin");
  const aside = (name: string) => join(root, name);
  await Promise.all([mkdir(folder), mkdir(shims)]);
  await Promise.all([
    ...LINKED.map((name) => symlink(resolve(name), join(folder, name))),
    ...COPIED.map((name) => copyFile(name, join(folder, name))),
    ...["npm", "npx", "aws"].map((name) => symlink(SHIM, join(shims, name))),
  ]);
  const env = {
    PATH: [shims, dirname(process.execPath), process.env.PATH].join(delimiter),
    HOME: folder,
    TMPDIR: tmpdir(),
    LANG: "C.UTF-8",
    NODE_OPTIONS: `--import=${STANDING_CLOCK}`,
    NODE_COMPILE_CACHE: join(tmpdir(), "kore-sessions-test-compile-cache"),
    DOCUMENTATION_NOW: now,
    DOCUMENTATION_EXCEPTIONS: aside("exceptions"),
    DOCUMENTATION_NOT_RUN: aside("not-run"),
    ...variables,
  };
  let shell: ChildProcess | undefined;
  return {
    folder,
    run: async (blocks, exceptions) => {
      await writeFile(
        aside("exceptions"),
        exceptions.map(({ command, instead }) => `${command}\t${instead ?? ""}\n`).join(""),
      );
      const script = blocks.map(
        ({ commands }, index) => `exec > '${aside(`printed-${index}`)}' 2>&1\n${withExitCodes(commands)}\n`,
      );
      await writeFile(aside("script"), ["set -eo pipefail", ...script].join("\n"));
      shell = spawn("bash", [aside("script")], { cwd: folder, env, stdio: ["ignore", "ignore", "ignore"] });
      const [exitCode] = (await once(shell, "close")) as [number | null];
      const read = (name: string) => readFile(aside(name), "utf8").catch(() => null);
      const printed = await Promise.all(blocks.map((_, index) => read(`printed-${index}`)));
      return {
        exitCode,
        printed: printed.filter((text) => text !== null),
        notRun: ((await read("not-run")) ?? "").split("\n").filter((line) => line !== ""),
      };
    },
    remove: async () => {
      shell?.kill();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Where a line says which exit code it has, as `# exit code 3`, the shell goes on after that one, and after no other. */
function withExitCodes(commands: string): string {
  return commands.replaceAll(/^(.*\S) +# exit code (\d+)$/gm, "code=0; $1 || code=$?; test $code -eq $2");
}
