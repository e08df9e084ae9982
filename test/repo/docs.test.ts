import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { runCli } from "../../cli/program.ts";
import { systemClock } from "../../functions/exporter/clock.ts";
import { EXPORTER_VERSION, GLUE_TYPES, LEDGER_COLUMNS, SESSION_COLUMNS } from "../../functions/exporter/contract.ts";
import { ERRORS } from "../../functions/exporter/errors.ts";
import { SETTINGS } from "../../functions/exporter/settings.ts";

const read = (path: string) => readFileSync(path, "utf8");

/** Cells of the table rows whose first cell is a code span; HTML entities as the characters they stand for. */
function rows(markdown: string): string[][] {
  return markdown
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.slice(2, -2).replaceAll("&lt;", "<").replaceAll("&gt;", ">").split(" | "));
}

const name = (cell: string | undefined) => cell?.replaceAll("`", "");

/** Part of a document below a heading, up to the next one of the same depth. */
function section(markdown: string, heading: string): string {
  const [, after = ""] = markdown.split(`\n## ${heading}\n`);
  return after.split("\n## ")[0] ?? "";
}

async function help(...args: string[]): Promise<string> {
  const out: string[] = [];
  const io = { write: (text: string) => void out.push(text), isTTY: false };
  await runCli(args, { stdout: io, stderr: io, env: {}, clock: systemClock, signal: new AbortController().signal });
  return out.join("");
}

describe("docs/errors.md", () => {
  test("lists every code with its exit code and meaning, and no other", () => {
    const listed = rows(read("docs/errors.md")).map(([code, exit, meaning]) => [name(code), exit, meaning]);
    const known = Object.entries(ERRORS).map(([code, { exitCode, meaning }]) => [code, String(exitCode), meaning]);
    expect(listed.sort()).toEqual(known.sort());
  });
});

describe("docs/data-dictionary.md", () => {
  const dictionary = read("docs/data-dictionary.md");

  test("lists the columns of sessions as they are", () => {
    const listed = rows(section(dictionary, "`sessions`")).map(([column, type, from, comment]) => [
      name(column),
      type,
      name(from),
      comment,
    ]);
    const columns = SESSION_COLUMNS.map(({ name: column, shape, from, comment }) => [
      column,
      GLUE_TYPES[shape],
      from === "" ? "the whole session" : from,
      comment,
    ]);
    expect(listed).toEqual(columns);
  });

  test("lists the members of the ledger as they are", () => {
    const listed = rows(section(dictionary, "`exports`")).map(([member, type, comment]) => [
      name(member),
      type,
      comment,
    ]);
    expect(listed).toEqual(LEDGER_COLUMNS.map(({ name: member, type, comment }) => [member, type, comment]));
  });
});

describe("README.md", () => {
  const readme = read("README.md");

  test("lists every setting with its meaning, and no other", () => {
    const listed = rows(section(readme, "Settings")).map(([variable, meaning]) => [name(variable), meaning]);
    expect(listed).toEqual(Object.entries(SETTINGS));
  });

  test("lists every command, and no other", async () => {
    const listed = rows(section(readme, "Commands")).map(([command]) => name(command));
    const commands = [...(await help("--help")).matchAll(/^ {2}([a-z]+) (?:.*\[options\]|<)/gm)].map(
      ([, command]) => command,
    );
    expect(listed).toEqual(commands);
  });

  test("has at most 250 lines", () => {
    expect(readme.split("\n").length).toBeLessThanOrEqual(250);
  });
});

describe("the documents", () => {
  const documents = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    ...readdirSync("docs", { recursive: true, encoding: "utf8" }).map((path) => join("docs", path)),
  ].filter((path) => path.endsWith(".md"));

  test.each(documents)("%s links only to files that exist", (path) => {
    for (const [, target = ""] of read(path).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      expect(() => readdirSync(dirname(join(dirname(path), target))), target).not.toThrow();
      expect(readdirSync(join(dirname(path), dirname(target))), `${path} links to ${target}`).toContain(
        target.replace(/\/$/, "").split("/").at(-1),
      );
    }
  });

  test("and the command line tell the version of package.json", async () => {
    expect(JSON.parse(read("package.json")).version).toBe(EXPORTER_VERSION);
    expect((await help("--version")).trim()).toBe(EXPORTER_VERSION);
    expect(read("CHANGELOG.md")).toContain(`\n## ${EXPORTER_VERSION}\n`);
  });
});
