import { type ExporterError, SettingsError } from "../functions/exporter/errors.ts";

/** One line for each problem. A defect of ours also shows where it happened. */
export function describe(error: ExporterError): string {
  const problems = error instanceof SettingsError ? error.problems : [error.message];
  const lines = problems.map((problem) => `error ${error.code}: ${problem}\n`).join("");
  const cause = error.cause instanceof Error ? error.cause.stack : error.stack;
  return error.code === "ERR_INTERNAL" ? `${lines}${cause ?? ""}\n` : lines;
}
