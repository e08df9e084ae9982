import { defineConfig } from "vitest/config";

/** Where `.ci/run` finds how many tests passed. */
const REPORT = ".cache/test-report.json";

const shared = { testTimeout: 30_000, hookTimeout: 30_000 };

export default defineConfig({
  test: {
    reporters: process.env.CI ? ["default", "json"] : ["default"],
    outputFile: { json: REPORT },
    projects: [
      {
        test: {
          ...shared,
          name: "exporter",
          include: ["test/**/*.test.ts"],
          exclude: ["test/infra/**"],
          // Most of the time these wait for a server or a process: every core may have one.
          maxWorkers: "100%",
        },
      },
      // The CDK takes seconds to load: once for all of its tests, not once for each file.
      {
        test: {
          ...shared,
          name: "infra",
          include: ["test/infra/**/*.test.ts"],
          isolate: false,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
