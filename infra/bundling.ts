import { fileURLToPath } from "node:url";
import { aws_lambda_nodejs as nodejs } from "aws-cdk-lib";
import { undeclaredGlobals } from "./undeclared-globals.ts";

const PARQUETJS = fileURLToPath(new URL("../node_modules/parquetjs-lite", import.meta.url));

/**
 * How the function becomes one ES module for Node 24, with the AWS SDK that the lock file names.
 *
 * The banner runs first: CommonJS packages inside the bundle need `require`, and parquetjs-lite assigns names that it
 * never declares, which an ES module forbids unless they exist.
 */
export function exporterBundling(): nodejs.BundlingOptions {
  const globals = JSON.stringify(undeclaredGlobals(PARQUETJS));
  return {
    format: nodejs.OutputFormat.ESM,
    target: "node24",
    mainFields: ["module", "main"],
    bundleAwsSDK: true,
    minify: true,
    keepNames: true,
    sourceMap: true,
    sourcesContent: false,
    banner: [
      'import { createRequire } from "node:module";',
      "const require = createRequire(import.meta.url);",
      `for (const name of ${globals}) globalThis[name] ??= undefined;`,
    ].join(""),
  };
}
