import { globSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { runCli } from "../cli/program.ts";
import { parseSessionKey } from "../functions/exporter/archive/layout.ts";
import { objectKeys } from "../functions/exporter/archive/listing.ts";
import type { ArchiveStore } from "../functions/exporter/archive/store.ts";
import { systemClock } from "../functions/exporter/clock.ts";
import { installed, run } from "./processes.ts";
import { javaHome, python } from "./tools.ts";
import type { Cell, Cells } from "./truth.ts";

/** Both from PyPI. */
export const PYARROW_VERSION = "26.0.1";
export const PYSPARK_VERSION = "4.3.0";

/** Copies an archive into a folder, as `aws s3 sync` would. */
export async function copyArchive(store: ArchiveStore, folder: string): Promise<void> {
  for await (const key of objectKeys(store, "")) {
    await mkdir(dirname(join(folder, key)), { recursive: true });
    await store.download(key, join(folder, key));
  }
}

/** Runs a query with `kore-sessions sql` on a folder. */
export async function duckdb(folder: string, sql: string): Promise<unknown[][]> {
  const [out, errors]: [string[], string[]] = [[], []];
  const code = await runCli(["sql", sql, "--archive", folder, "--json"], {
    stdout: { write: (text) => void out.push(text), isTTY: false },
    stderr: { write: (text) => void errors.push(text), isTTY: false },
    env: {},
    clock: systemClock,
    signal: new AbortController().signal,
  });
  if (code !== 0) throw new Error(errors.join(""));
  return (JSON.parse(out.join("")) as Record<string, unknown>[]).map((row) => Object.values(row));
}

/** The session files below a folder, with what their keys say. */
function sessionFiles(folder: string): { path: string; dt: string; containment_type: string }[] {
  return globSync("sessions/**/*.parquet", { cwd: folder }).map((key) => {
    const place = parseSessionKey(key);
    if (place === null) throw new Error(`${key} is no key of a session file`);
    return { path: join(folder, key), dt: place.day, containment_type: place.containmentType };
  });
}

/** Reads every session file with hyparquet, a reader written in JavaScript. */
export async function readWithHyparquet(folder: string): Promise<Cells[]> {
  const tables = await Promise.all(
    sessionFiles(folder).map(async ({ path, ...place }) => {
      const file = await asyncBufferFromFile(path);
      const rows = await parquetReadObjects({ file, compressors });
      return rows.map((row) => ({ ...cells(row), ...place }));
    }),
  );
  return tables.flat();
}

/** Reads every session file with pyarrow, which pandas, Polars and most Python tools can read Parquet through. */
export function readWithPyarrow(folder: string): Promise<Cells[]> {
  return readWithPython("pyarrow", PYARROW_VERSION, folder);
}

/** Reads every session file with Spark, on one machine. */
export function readWithSpark(folder: string): Promise<Cells[]> {
  return readWithPython("pyspark", PYSPARK_VERSION, folder);
}

/** Runs the script of a reader, in an environment of its own. */
async function readWithPython(reader: "pyarrow" | "pyspark", version: string, folder: string): Promise<Cells[]> {
  const place = await installed(`${reader}-${version}`, async (venv) => {
    await run(python(), ["-m", "venv", venv]);
    await run(join(venv, "bin/pip"), ["install", "--quiet", `${reader}==${version}`]);
  });
  const script = join(import.meta.dirname, `read-with-${reader}.py`);
  const env = { ...process.env, JAVA_HOME: javaHome(), TZ: "UTC" };
  const printed = await run(join(place, "bin/python"), [script, join(folder, "sessions")], { env });
  return printed
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => cells(JSON.parse(line)));
}

function cells(row: Record<string, unknown>): Cells {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, cell(value)]));
}

/** A value of a JavaScript reader as the truth shows it. */
function cell(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString().replace("T", " ").replace("Z", "");
  if (typeof value === "bigint" || typeof value === "number") return String(value);
  if (Array.isArray(value)) return value.map(element);
  if (typeof value === "string" || typeof value === "boolean") return value;
  throw new TypeError(`a value of type ${typeof value}`);
}

function element(value: unknown): string | null | [string | null, string | null] {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return value;
  const { name = null, value: text = null } = value as { name?: string | null; value?: string | null };
  return [name, text];
}
