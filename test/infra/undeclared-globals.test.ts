import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { undeclaredGlobals } from "../../infra/undeclared-globals.ts";
import { inTemporaryFolder } from "./synthesise.ts";

function globalsIn(files: Record<string, string>): string[] {
  return inTemporaryFolder((folder) => {
    mkdirSync(join(folder, "lib"));
    for (const [name, source] of Object.entries(files)) writeFileSync(join(folder, name), source);
    return undeclaredGlobals(folder);
  });
}

describe("the search for undeclared globals", () => {
  it("finds names that are assigned and never declared, in every folder", () => {
    const files = {
      "index.js": "Statistics = module.exports = function () {};",
      "lib/deep.js": "if (x) {\n  val = 1;\n}",
    };
    expect(globalsIn(files)).toEqual(["Statistics", "val"]);
  });

  it("leaves variables, functions, classes, parameters, members and comparisons alone", () => {
    const source = [
      "var a, b;",
      "let c;",
      "function d(e, f) {",
      "  a = b = c = 1;",
      "  e = 2;",
      "  f = 3;",
      "}",
      "d = null;",
      "const g = (h) => {",
      "  h = 4;",
      "};",
      "this.i = 5;",
      "j == 6;",
      "k => 7;",
    ].join("\n");
    expect(globalsIn({ "index.js": source, "index.md": "l = 8" })).toEqual([]);
  });
});
