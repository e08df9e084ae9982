import { DuckDBInstance } from "@duckdb/node-api";

/**
 * Opens DuckDB in memory, with further options of its own. It downloads nothing: extensions are neither installed nor
 * loaded on demand. And it reads each file as it is: its cache of files takes one that was written to the place of another,
 * within the same second and of the same size, for the one before, and then fails to decompress it.
 */
export function openDuckDb(options: Readonly<Record<string, string>> = {}): Promise<DuckDBInstance> {
  return DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    enable_external_file_cache: "false",
    ...options,
  });
}
