import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ENVIRONMENT_NAMES } from "../../cli/environment-names.ts";

const read = (path: string) => readFileSync(path, "utf8");

/** Names of settings that stand in the code; those of error codes are something else. */
const READ = new Set(
  ["cli", "functions/exporter"]
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => join(folder, path)))
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) => [...read(path).matchAll(/(?<![A-Z_])KORE_[A-Z_]*[A-Z]/g)].map(([name]) => name)),
);

/** The stack tells them to the deployed function; no command reads them. */
const OF_THE_FUNCTION = ["KORE_DEPLOYMENT", "KORE_SCRATCH"];

describe("the names that are taken from .env", () => {
  test("are those of all settings that the code reads, and no other", () => {
    const settings = [...ENVIRONMENT_NAMES].filter((name) => name.startsWith("KORE_"));
    expect(settings.sort()).toEqual([...READ].filter((name) => !OF_THE_FUNCTION.includes(name)).sort());
  });

  test("have the address of each AWS service that is used", () => {
    const { dependencies } = JSON.parse(read("package.json"));
    const services = Object.keys(dependencies).flatMap((name) => /^@aws-sdk\/client-(.+)$/.exec(name)?.[1] ?? []);
    const wanted = services.map((service) => `AWS_ENDPOINT_URL_${service.toUpperCase().replaceAll("-", "_")}`);
    expect([...ENVIRONMENT_NAMES].filter((name) => name.startsWith("AWS_ENDPOINT_URL_"))).toEqual(wanted.sort());
  });
});
