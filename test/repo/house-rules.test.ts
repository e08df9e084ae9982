import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";

const SOURCES = ["functions", "cli", "demo", "infra", "bench", "acceptance", "test"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))
    .map((path) => join(folder, path)),
);
const PRODUCTION = SOURCES.filter((path) => !/^(?:test|bench|acceptance)\//.test(path));

const read = (path: string) => readFileSync(path, "utf8");

/** Files that a file imports by relative path, statically or not. */
function importsOf(path: string): string[] {
  return [...read(path).matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map(([, target = ""]) =>
    normalize(join(dirname(path), target)),
  );
}

/** The layer of a file: a folder of the exporter, `shared` for the files directly in it, else its top folder. */
function layer(path: string): string {
  const [, inExporter] = /^functions\/exporter\/(?:([a-z]+)\/)?/.exec(path) ?? [];
  if (path.startsWith("functions/exporter/")) return inExporter ?? "shared";
  return path.split("/")[0] ?? "";
}

const CORE = ["kore", "sessions", "parquet", "archive"];
/** Shared files that put the parts together, for entry points only. */
const COMPOSITION = [
  "functions/exporter/connect.ts",
  "functions/exporter/run-export.ts",
  "functions/exporter/run-in-steps.ts",
  "functions/exporter/settings.ts",
  "functions/exporter/handler.ts",
];
const LEAVES = [
  "functions/exporter/scratch.ts",
  "functions/exporter/open-duckdb.ts",
  "functions/exporter/contract.ts",
  "functions/exporter/errors.ts",
  "functions/exporter/clock.ts",
  "functions/exporter/json-text.ts",
  "functions/exporter/json-tape.ts",
  "functions/exporter/json-tokens.ts",
  "functions/exporter/ascii.ts",
];

/** What a row is, typed and as places in its own text. */
const ROW_TYPES = ["functions/exporter/sessions/row.ts", "functions/exporter/sessions/plain-session.ts"];

/** Layers besides its own that a layer may import. */
const IMPORTS: Readonly<Record<string, readonly string[]>> = {
  export: CORE,
  verify: ["archive", "export"],
  erase: [...CORE, "export"],
  steps: ["export", "kore", "archive"],
  cli: ["shared", "export", "archive", "kore", "verify", "erase"],
  lambda: ["shared", "export", "steps", "kore", "archive"],
};

function mayImport(from: string, to: string): boolean {
  const [one, other] = [layer(from), layer(to)];
  if (one === other && one !== "shared") return true;
  if (one === "infra") return to === "functions/exporter/contract.ts";
  if (one === "shared") return from !== "functions/exporter/contract.ts";
  if (one === "demo") return !from.startsWith("demo/stand-in/") && ["cli", "shared"].includes(other);
  if (one === "parquet" && ROW_TYPES.includes(to)) return true;
  return (IMPORTS[one] ?? []).includes(other) || LEAVES.includes(to);
}

describe("the sources", () => {
  test("import only what their place allows", () => {
    const wrong = PRODUCTION.flatMap((from) =>
      importsOf(from)
        .filter((to) => !mayImport(from, to))
        .map((to) => `${from} imports ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  test("are put together in a few files of functions/exporter only", () => {
    const composing = PRODUCTION.filter(
      (path) => layer(path) === "shared" && importsOf(path).some((to) => layer(to) === "export"),
    );
    expect(composing.filter((path) => !COMPOSITION.includes(path) && !path.includes("/lambda/"))).toEqual([]);
  });

  test("read the environment in entry points only", () => {
    const entries = ["cli/start.ts", "infra/app.ts", "functions/exporter/handler.ts"];
    const reading = PRODUCTION.filter((path) => /process\.env\b/.test(read(path)) && !entries.includes(path));
    expect(reading).toEqual([]);
  });

  test("have files of at most 300 lines, tests of at most 500", () => {
    const long = SOURCES.filter((path) => read(path).split("\n").length > (path.startsWith("test/") ? 500 : 300));
    expect(long).toEqual([]);
  });

  test("document every exported function, class and constant of functions, cli and infra", () => {
    const bare = PRODUCTION.filter((path) => !path.startsWith("demo/")).flatMap((path) =>
      [...read(path).matchAll(/(?<before>[^\n]*)\n(?<line>export (?:async )?(?:function|class|const) (?<symbol>\w+))/g)]
        .filter(({ groups }) => groups?.before?.trim() !== "*/" && !groups?.before?.trim().startsWith("/**"))
        .map(({ groups }) => `${path}: ${groups?.symbol}`),
    );
    expect(bare).toEqual([]);
  });
});

describe("package.json", () => {
  const { dependencies, devDependencies } = JSON.parse(read("package.json"));

  test("pins exact versions", () => {
    const versions = Object.values<string>({ ...dependencies, ...devDependencies });
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  test("goes with a lock file that names no registry", () => {
    expect(read("package-lock.json")).not.toMatch(/"resolved"/);
  });
});
