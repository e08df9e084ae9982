import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { MINIO_VERSION } from "../../acceptance/minio.ts";
import { MINISTACK_VERSION } from "../../acceptance/ministack.ts";
import { PYARROW_VERSION, PYSPARK_VERSION } from "../../acceptance/readers.ts";
import { lacking, NEEDS, type RunName } from "../../acceptance/tools.ts";
import { TRINO_VERSION } from "../../acceptance/trino.ts";

const read = (path: string) => readFileSync(path, "utf8");
const { dependencies, devDependencies, scripts } = JSON.parse(read("package.json"));

describe("docs/compatibility.md", () => {
  const versions: [string, string][] = [
    ["Trino", TRINO_VERSION],
    ["DuckDB", dependencies["@duckdb/node-api"].replace(/-.*/, "")],
    ["hyparquet", devDependencies.hyparquet],
    ["pyarrow", PYARROW_VERSION],
    ["Spark", PYSPARK_VERSION],
    ["MinIO", MINIO_VERSION.split("-").at(-1) ?? ""],
    ["ministack", MINISTACK_VERSION],
  ];

  test.each(versions)("names the version of %s that is run", (name, version) => {
    const [row] = read("docs/compatibility.md").match(new RegExp(`^\\| ${name}\\b.*$`, "m")) ?? [];
    expect(row?.split(" | ")[1]).toContain(version);
  });
});

describe("docs/acceptance.md", () => {
  test.each(Object.keys(NEEDS) as RunName[])("tells what test:%s needs", (run) => {
    const [row = ""] = read("docs/acceptance.md").match(new RegExp(`^\\| \`npm run test:${run}\`.*$`, "m")) ?? [];
    for (const { name } of NEEDS[run]) expect(row).toContain(name.split(/ or|,/)[0]);
    expect(scripts).toHaveProperty(`test:${run}`);
  });

  test("names every test file that stands in for the emulator", () => {
    for (const [path] of read("docs/acceptance.md").matchAll(/test\/(?:infra|e2e)\/[a-z-]+\.test\.ts/g)) {
      expect(() => read(path), path).not.toThrow();
    }
  });
});

test("a run names each tool that the machine lacks, with how to get it", () => {
  const path = process.env.PATH;
  process.env.PATH = "/nowhere";
  try {
    const lines = lacking("s3");
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line).toMatch(/is missing\. .*(apt-get|brew|https)/);
  } finally {
    process.env.PATH = path;
  }
});
