import { execFile, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { unknownOptions } from "../support/documentation/command-form.ts";
import { EXCEPTIONS, sceneOf } from "../support/documentation/scenes.ts";
import { shellBlocks } from "../support/documentation/shell-blocks.ts";
import { normalised, shows } from "../support/documentation/shown-output.ts";
import { openWorkspace } from "../support/documentation/workspace.ts";
import { NAMES, startWorld } from "../support/documentation/world.ts";

/** When all commands of the documents are run: early on a Tuesday, after most days that they name. */
const NOW = "2026-02-03T04:00:00Z";

const read = (path: string) => readFileSync(path, "utf8");
const pages = ["README.md", ...readdirSync("docs").map((name) => join("docs", name))].filter((path) =>
  path.endsWith(".md"),
);
const documents = pages.filter((path) => shellBlocks(read(path)).length > 0);

/** Some 50 processes, on a machine that may be busy with other tests. */
const TIMEOUT_MS = 90_000;

/** What documents run that not every machine has. */
const PROGRAMS = ["openssl", "perl"];
const isInstalled = (program: string) => spawnSync(program, ["-v"]).error === undefined;

describe("each command runs as it is printed, and prints what is shown", () => {
  test.concurrent.for(documents)("in %s", { timeout: TIMEOUT_MS }, async (document, { onTestFinished, skip }) => {
    const lacking = PROGRAMS.find((program) => read(document).includes(`${program} `) && !isInstalled(program));
    skip(lacking !== undefined, `${lacking} is not installed here`);
    const world = await startWorld(NOW);
    onTestFinished(() => world.close());
    const scene = sceneOf(document, world);
    const workspace = await openWorkspace(NOW, { ...world.variables, ...scene.variables });
    onTestFinished(() => workspace.remove());
    for (const [path, text] of Object.entries(scene.files)) {
      await mkdir(dirname(join(workspace.folder, path)), { recursive: true });
      await writeFile(join(workspace.folder, path), text, { mode: 0o600 });
    }
    const here = (text: string) => text.replaceAll(NAMES.host, world.koreUrl);
    const blocks = [{ line: 0, commands: scene.before, output: null }, ...shellBlocks(read(document))].map((block) => ({
      ...block,
      commands: here(block.commands),
    }));
    const exceptions = (EXCEPTIONS[document] ?? []).map((exception) => ({
      ...exception,
      command: here(exception.command),
      instead: here(exception.instead ?? ""),
    }));

    const { exitCode, printed, notRun } = await workspace.run(blocks, exceptions);
    const last = printed.length - 1;
    expect(exitCode, `${document}:${blocks[last]?.line} printed\n${printed[last]}`).toBe(0);
    expect([...notRun].sort()).toEqual(exceptions.map(({ command }) => command).sort());
    for (const [index, { line, output }] of blocks.entries()) {
      if (output === null) continue;
      const [wanted, got] = [output, printed[index] ?? ""].map((text) => normalised(text, world, workspace.folder));
      expect(
        shows(wanted ?? "", got ?? ""),
        `${document}:${line} printed\n${got}\nbut the document shows\n${wanted}`,
      ).toBe(true);
    }
  });

  test("by npm itself", async () => {
    const { stdout } = await promisify(execFile)("npm", ["run", "-s", "kore-sessions", "--", "export", "--help"]);
    expect(stdout).toContain("Usage: kore-sessions export [options]");
  });
});

describe("a command that cannot run here", () => {
  const all = Object.entries(EXCEPTIONS).flatMap(([document, exceptions]) =>
    exceptions.map(({ command, because }) => ({ document, command, because })),
  );

  test.each(all)("has only options that there are: $command ($because)", async ({ command }) => {
    expect(await unknownOptions(command)).toEqual([]);
  });

  test("belongs to a document", () => {
    expect(Object.keys(EXCEPTIONS).filter((document) => !documents.includes(document))).toEqual([]);
  });
});

describe("a command within a sentence has only options that there are", () => {
  const spans = pages.flatMap((page) =>
    [...read(page).matchAll(/`((?:npm run -s )?kore-sessions [^`]+)`/g)].map(([, command = ""]) => ({
      page,
      command: command.replaceAll(/\s+/g, " "),
    })),
  );

  test.each(spans)("in $page: $command", async ({ command }) => {
    expect(await unknownOptions(command)).toEqual([]);
  });
});

describe("what a document shows", () => {
  test.each([
    { shown: "a\nb", printed: "a\nb", fits: true },
    { shown: "a\nb", printed: "a\nc", fits: false },
    { shown: "a\nb", printed: "a\nb\nc", fits: false },
    { shown: "a\n…\nd", printed: "a\nb\nc\nd", fits: true },
    { shown: "a\n…\nd", printed: "a\nb\nc", fits: false },
    { shown: "…\nd", printed: "d", fits: true },
    { shown: "took … ms.", printed: "took 17 ms.", fits: true },
    { shown: "took … ms.", printed: "took\n17 ms.", fits: false },
    { shown: "a.b (c)", printed: "axb (c)", fits: false },
  ])("$shown is $printed: $fits", ({ shown, printed, fits }) => {
    expect(shows(shown, printed)).toBe(fits);
  });

  test("is compared without what differs from run to run, and with all else", () => {
    const world = { koreUrl: "http://127.0.0.1:4711" };
    const text = `http://127.0.0.1:4711 /tmp/x/archive ${"a1".repeat(32)} 74 GB are free, Node.js 24.1.0, 61 sessions `;
    expect(normalised(text, world, "/tmp/x")).toBe(
      "https://platform.kore.ai /home/you/kore-session-archive/archive HASH SIZE are free, Node.js VERSION, 61 sessions",
    );
  });
});
