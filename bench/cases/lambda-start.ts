import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import type { BenchCase, Contender, Scale } from "../bench-case.ts";

const run = promisify(execFile);

/** Imports a module as Lambda does at a cold start, and tells what that took and what it found. */
const IMPORT = `
const started = performance.now();
const { handler } = await import(process.argv[1]);
console.log(JSON.stringify({ importMs: performance.now() - started, handler: typeof handler }));
`;

/** Size of what is deployed, and how long a fresh Node takes to load it. */
export function lambdaStart(scale: Scale): BenchCase {
  return {
    name: "lambda-start",
    title: "The Lambda bundle",
    about:
      "The bundle that the synthesised template names, imported by a fresh Node process without a compile cache; beside it, an empty module. " +
      "Time is that of the whole process, `ms import` that of the import alone: what a cold start adds to Lambda's own. This is not arm64, and not a function's share of a processor. " +
      "Checked: the module has a handler.",
    unit: "start",
    units: 1,
    rounds: scale === "full" ? 15 : 3,
    warmUp: true,
    compares: true,
    prepare,
    promises: () => [],
  };
}

async function prepare() {
  const folder = await mkdtemp(join(tmpdir(), "bench-bundle-"));
  const [bundle, empty] = [join(folder, "index.mjs"), join(folder, "empty.mjs")];
  await bundleInto(folder, bundle);
  await writeFile(empty, "export const handler = () => {};\n");
  const contenders = await Promise.all([
    contender("the function's bundle", bundle),
    contender("an empty module", empty),
  ]);
  return { contenders, cleanUp: () => rm(folder, { recursive: true, force: true }) };
}

/** As `cdk deploy` would. */
async function bundleInto(folder: string, path: string): Promise<void> {
  const out = join(folder, "out");
  const cdk = ["node_modules/aws-cdk/bin/cdk", "synth", "--quiet", "--output", out];
  await run(process.execPath, cdk, { env: { ...process.env, CDK_DISABLE_VERSION_CHECK: "1" } });
  const template = JSON.parse(await readFile(join(out, "KoreSessions.template.json"), "utf8"));
  const resources = Object.values<{ Type: string; Properties: { Code: { S3Key: string }; Handler: string } }>(
    template.Resources,
  );
  const exporter = resources.find(
    ({ Type, Properties }) => Type === "AWS::Lambda::Function" && Properties.Handler === "index.handler",
  );
  const asset = exporter?.Properties.Code.S3Key.replace(".zip", "");
  await copyFile(join(out, `asset.${asset}`, "index.mjs"), path);
}

async function contender(name: string, path: string): Promise<Contender> {
  const code = await readFile(path);
  const sizes = { kB: code.length / 1_000, "kB gzip": gzipSync(code).length / 1_000 };
  const { NODE_COMPILE_CACHE: _cache, NODE_OPTIONS: _options, ...env } = process.env;
  return {
    name,
    run: async () => {
      const started = performance.now();
      const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", IMPORT, path], { env });
      const elapsedMs = performance.now() - started;
      const { importMs, handler } = JSON.parse(stdout) as { importMs: number; handler: string };
      if (handler !== "function") throw new Error(`${path} has no handler`);
      return { elapsedMs, figures: { "ms import": importMs, ...sizes } };
    },
  };
}
