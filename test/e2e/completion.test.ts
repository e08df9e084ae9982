import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../../cli/program.ts";
import { systemClock } from "../../functions/exporter/clock.ts";

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const output = (to: string[]) => ({ write: (text: string) => void to.push(text), isTTY: false });
  const signal = new AbortController().signal;
  const io = { stdout: output(stdout), stderr: output(stderr), env: {}, clock: systemClock, signal };
  const code = await runCli(args, io);
  return { code, stdout: stdout.join(""), stderr: stderr.join("") };
}

const has = (shell: string) => spawnSync(shell, ["--version"]).status === 0;

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "kore-completion-"));
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout, stderr } = await run("completion", shell);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    writeFileSync(join(folder, shell), stdout);
  }
  writeFileSync(join(folder, "a key.pem"), "");
  writeFileSync(join(folder, "archive.txt"), "");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What bash offers for the last word of a command line. */
function inBash(...words: string[]): string[] {
  const script = `source ./bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kore_sessions; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ["--norc", "--noprofile", "-c", script, "bash", "kore-sessions", ...words];
  return execFileSync("bash", args, { cwd: folder, encoding: "utf8" }).split("\n").slice(0, -1).filter(Boolean);
}

/** What fish offers for the end of a command line. */
function inFish(line: string): string[] {
  const script = `source ./fish; complete -C '${line}'`;
  const offered = execFileSync("fish", ["--no-config", "-c", script], { cwd: folder, encoding: "utf8" });
  return offered.split("\n").flatMap((text) => text.split("\t")[0] || []);
}

async function commands(): Promise<string[]> {
  const { stdout } = await run("--help");
  const names = [...stdout.matchAll(/^ {2}([a-z]+) (?:\[options\]|<)/gm)].map(([, name]) => name ?? "");
  expect(names).toContain("completion");
  return names;
}

/** The long options that a command's help names. */
async function options(command: string): Promise<string[]> {
  const { stdout } = await run(command, "--help");
  return [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, flag]) => flag ?? "");
}

describe("bash", () => {
  test("offers every command at first, and every option of a command after it", async () => {
    const names = await commands();
    expect(
      inBash("")
        .filter((word) => !word.startsWith("-"))
        .sort(),
    ).toEqual(names.sort());
    for (const name of names) {
      const offered = inBash(name, "--");
      for (const option of await options(name)) expect(offered, name).toContain(option);
    }
  });

  test.each([
    [["exp"], ["export"]],
    [["status", "--fr"], ["--from"]],
    [["--verbose", "stat"], ["status"]],
    [["--log-format", "json", "ver"], ["verify"]],
    [
      ["export", "--log-format", ""],
      ["text", "json"],
    ],
    [["--log-format", "=", "t"], ["text"]],
    [
      ["--log-format", "="],
      ["text", "json"],
    ],
    [["fetch", "--containment-type", "self"], ["selfService"]],
    [["completion", "f"], ["fish"]],
    [
      ["verify", "--public-key", "a"],
      ["a key.pem", "archive.txt"],
    ],
    [["export", "--date", ""], []],
    [["nothing", "--x"], []],
  ])("offers for %j: %j", (words, offered) => {
    expect(inBash(...words).sort()).toEqual([...offered].sort());
  });
});

// What is not on this machine cannot be asked.
describe.each(["fish"].filter(has))("%s", () => {
  test.each([
    ["kore-sessions exp", ["export"]],
    ["kore-sessions status --fr", ["--from"]],
    ["kore-sessions --log-format ", ["json", "text"]],
    ["kore-sessions fetch --containment-type self", ["selfService"]],
    ["kore-sessions completion ", ["bash", "fish", "zsh"]],
  ])("offers for %j: %j", (line, offered) => {
    expect(inFish(line)).toEqual(offered);
  });
});

describe.each(["zsh"].filter(has))("%s", () => {
  test("takes the script for the completion of kore-sessions", () => {
    const script = `autoload -U compinit; compinit -u -D; source ./zsh; print -r -- "$_comps[kore-sessions]"`;
    expect(execFileSync("zsh", ["-f", "-c", script], { cwd: folder, encoding: "utf8" })).toBe("_kore_sessions\n");
  });
});

test("another shell is refused, with those that there are", async () => {
  const { code, stderr } = await run("completion", "tcsh");
  expect(code).toBe(2);
  expect(stderr).toContain("Allowed choices are bash, zsh, fish");
});

test("the help says how to install the script in each shell", async () => {
  const { stdout } = await run("completion", "--help");
  for (const file of ["~/.bashrc", "~/.zshrc", "~/.config/fish/completions/kore-sessions.fish"]) {
    expect(stdout).toContain(file);
  }
});
