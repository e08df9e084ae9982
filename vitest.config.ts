import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Where `.ci/run` finds how many tests passed. */
const REPORT = ".cache/test-report.json";

/**
 * Beside a young generation as large as Node's own, V8 takes the small heap of a test for one that is about to be full,
 * and collects all of it ten times a second: half of the time of some tests.
 */
const HEAP = ["--max-semi-space-size=16", "--initial-old-space-size=400"];

const INFRA = "test/infra/**/*.test.ts";

const shared = {
  testTimeout: 30_000,
  hookTimeout: 30_000,
  execArgv: HEAP,
  // Most of the time tests wait for a server or a process: every core may have one, and one more waits.
  maxWorkers: availableParallelism() + 1,
};

export default defineConfig({
  test: {
    reporters: process.env.CI ? ["default", "json"] : ["default"],
    outputFile: { json: REPORT },
    globalSetup: "test/support/temporary-folder.ts",
    projects: [
      { test: { ...shared, name: "exporter", include: ["test/**/*.test.ts"], exclude: [INFRA] } },
      // The CDK takes seconds to load: once for several of its tests, not once for each file.
      { test: { ...shared, name: "infra", include: [INFRA], isolate: false } },
    ],
  },
});
