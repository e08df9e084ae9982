import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "./synthesise.ts";

const output = mkdtempSync(join(tmpdir(), "kore-synth-"));

/** The command as people run it, without an account. */
function synth(...args: string[]): { status: number | null; stderr: string } {
  const { AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...env } = process.env;
  const { status, stderr } = spawnSync("npm", ["run", "--silent", "synth", "--", "--output", output, ...args], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...env, AWS_EC2_METADATA_DISABLED: "true", CDK_DISABLE_VERSION_CHECK: "1" },
  });
  return { status, stderr };
}

afterAll(() => rmSync(output, { recursive: true, force: true }));

describe("npm run synth with the settings of cdk.json", () => {
  let status: number | null;
  let stderr: string;

  beforeAll(() => {
    ({ status, stderr } = synth());
  });

  it("succeeds without an account", () => {
    expect(status, stderr).toBe(0);
    expect(existsSync(join(output, "KoreSessions.template.json"))).toBe(true);
  });

  it("bundles the function into one module that a bare Node 24 can load", async () => {
    const asset = readdirSync(output).find((name) => existsSync(join(output, name, "index.mjs"))) ?? "";
    const script = `import(${JSON.stringify(join(output, asset, "index.mjs"))}).then((m) => console.log(typeof m.handler))`;
    const { stdout } = await promisify(execFile)(process.execPath, ["-e", script], { cwd: tmpdir(), env: {} });
    expect(stdout.trim()).toBe("function");
  });

  it("puts nothing but the function and the template up for upload", () => {
    const { files } = JSON.parse(readFileSync(join(output, "KoreSessions.assets.json"), "utf8"));
    expect(Object.keys(files)).toHaveLength(2);
  });
});

describe("npm run synth with wrong settings", () => {
  it("fails with all that is wrong, and no stack trace", () => {
    const { status, stderr } = synth("-c", 'exporter={"host":"kore","bots":["st-1"],"personalData":"user_id=mask"}');
    expect(status).toBe(1);
    expect(stderr).toContain('- host "kore" must be the https address');
    expect(stderr).toContain('- personalData "user_id=mask" must be "keep"');
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
