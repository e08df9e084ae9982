import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ERRORS } from "../../functions/exporter/errors.ts";

/** Text of every file whose path matches one of the patterns. */
const textOf = (...patterns: string[]) =>
  globSync(patterns)
    .filter((path) => path !== "functions/exporter/errors.ts" && !path.startsWith("test/repo/"))
    .map((path) => readFileSync(path, "utf8"))
    .join("\n");

const tests = textOf("test/**/*.ts");
const program = textOf("functions/**/*.ts", "cli/**/*.ts");

test.each(Object.keys(ERRORS))("%s is named in the program, and by a test that produces it", (code) => {
  const named = new RegExp(`\\b${code}\\b`);
  expect(program).toMatch(named);
  expect(tests).toMatch(named);
});
