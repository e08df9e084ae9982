import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answers, CACHE, freePort, installed, run, type Service, startService } from "./processes.ts";
import { go } from "./tools.ts";

/** From the Go module proxy; the last commit of the open-source edition. */
export const MINIO_VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c";

/** Starts a server with S3's API whose Object Lock is enforced, empty, on the loopback interface. */
export async function startMinio(): Promise<Service> {
  const folder = await installed(`minio-${MINIO_VERSION}`, async (place) => {
    await run(go(), ["install", `github.com/minio/minio@${MINIO_VERSION}`], { env: { ...process.env, GOBIN: place } });
  });
  const [port, consolePort] = [await freePort(), await freePort()];
  const data = await mkdtemp(join(tmpdir(), "minio-"));
  const url = `http://127.0.0.1:${port}`;
  const address = ["--address", `127.0.0.1:${port}`, "--console-address", `127.0.0.1:${consolePort}`];
  const service = await startService(join(folder, "minio"), ["server", "--quiet", ...address, data], {
    url,
    log: join(CACHE, "logs", "minio.log"),
    isUp: () => answers(`${url}/minio/health/ready`),
    startTimeoutMs: 60_000,
    env: { ...process.env, MINIO_ROOT_USER: "test", MINIO_ROOT_PASSWORD: "test-secret", MINIO_BROWSER: "off" },
  });
  return {
    url,
    stop: async () => {
      await service.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}
