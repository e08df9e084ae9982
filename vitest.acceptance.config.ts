import { defineConfig } from "vitest/config";

/** The acceptance runs: `npm run test:deploy`, `test:athena`, `test:s3` and `test:browser`. They install and start real parts. */
export default defineConfig({
  test: {
    include: ["acceptance/*.test.ts"],
    fileParallelism: false,
    testTimeout: 180_000,
    // The first run of each downloads its parts.
    hookTimeout: 900_000,
    reporters: ["verbose"],
  },
});
