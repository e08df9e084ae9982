import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { answers, CACHE, freePort, installed, run, type Service, startService } from "./processes.ts";
import { python } from "./tools.ts";

/** From PyPI, at a version whose behaviour docs/acceptance.md describes. */
export const MINISTACK_VERSION = "1.5.33";
export const REGION = "us-east-1";
export const ACCOUNT = "000000000000";

/** Variables with which the AWS SDK, the CDK and our own command line work on an emulator. */
export function awsEnvironment(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_EC2_METADATA_DISABLED: "true",
    CDK_DEFAULT_ACCOUNT: ACCOUNT,
    CDK_DEFAULT_REGION: REGION,
    CDK_DISABLE_VERSION_CHECK: "1",
    // An emulated function runs with the `node` of the path: the one that runs this, which is Node 24.
    PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
  };
}

/** Starts an emulator of AWS, empty, on the loopback interface. */
export async function startMinistack(name: string): Promise<Service> {
  const folder = await installed(`ministack-${MINISTACK_VERSION}`, async (place) => {
    await run(python(), ["-m", "venv", place]);
    await run(join(place, "bin/pip"), ["install", "--quiet", `ministack==${MINISTACK_VERSION}`, "cryptography"]);
  });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  // Everything that it unpacks or keeps, gone when it ends.
  const scratch = await mkdtemp(join(tmpdir(), "acceptance-ministack-"));
  const service = await startService(join(folder, "bin/ministack"), [], {
    url,
    log: join(CACHE, "logs", `${name}-ministack.log`),
    isUp: () => answers(`${url}/_ministack/health`),
    startTimeoutMs: 60_000,
    env: {
      ...process.env,
      ...awsEnvironment(url),
      GATEWAY_PORT: String(port),
      BIND_HOST: "127.0.0.1",
      MINISTACK_HOST: "127.0.0.1",
      MINISTACK_REGION: REGION,
      TMPDIR: scratch,
      STATE_DIR: join(scratch, "state"),
      // Between the attempts of a failed asynchronous invocation; minutes in AWS.
      LAMBDA_ASYNC_RETRY_BASE_SECONDS: "0.2",
    },
  });
  return {
    url,
    stop: async () => {
      await service.stop();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}
