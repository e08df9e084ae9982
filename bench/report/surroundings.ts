import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { DuckDBInstance } from "@duckdb/node-api";
import { EXPORTER_VERSION } from "../../functions/exporter/contract.ts";
import type { Scale } from "../bench-case.ts";

/** Packages whose versions a reader needs to understand the figures. */
const PACKAGES = ["parquetjs-lite", "hyparquet-writer", "undici"];

/** Where, when and with what the cases ran. */
export interface Surroundings {
  /** `yyyy-mm-dd`, UTC. */
  readonly date: string;
  readonly command: string;
  readonly scale: Scale;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly platform: string;
  };
  /** By name: the exporter's own, Node's, and those of what it is measured against. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Looks around. */
export async function surroundings(command: string, scale: Scale): Promise<Surroundings> {
  const { dependencies, devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  const installed: Record<string, string> = { ...dependencies, ...devDependencies };
  return {
    date: new Date().toISOString().slice(0, 10),
    command,
    scale,
    machine: {
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      platform: `${process.platform} ${process.arch}`,
    },
    versions: {
      "kore-sessions": EXPORTER_VERSION,
      Node: process.versions.node,
      DuckDB: await duckDbVersion(),
      ...Object.fromEntries(PACKAGES.map((name) => [name, installed[name] ?? "absent"])),
    },
  };
}

async function duckDbVersion(): Promise<string> {
  const duckDb = await (await DuckDBInstance.create()).connect();
  try {
    return String((await duckDb.runAndReadAll("select version()")).getRows()[0]?.[0]).replace(/^v/, "");
  } finally {
    duckDb.closeSync();
  }
}
