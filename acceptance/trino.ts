import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { REGION } from "./ministack.ts";
import { CACHE, freePort, installed, run, type Service, startService } from "./processes.ts";
import { javaHome, maven } from "./tools.ts";
import { TrinoClient } from "./trino-client.ts";

/** From Maven Central. Athena's engine 3 is a Trino that Amazon Web Services keeps current; it names no version. */
export const TRINO_VERSION = "476";
const COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy";

/** A running Trino, with the emulator's Glue catalog as `awsdatacatalog`, as Athena names it. */
export interface Trino extends Service {
  readonly client: TrinoClient;
}

/** Starts a Trino of one node on the loopback interface, over an emulator's Glue tables and buckets. */
export async function startTrino(endpoint: string): Promise<Trino> {
  const server = await installed(`trino-${TRINO_VERSION}`, install);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const home = await mkdtemp(join(CACHE, "trino-home-"));
  await configure(home, port, endpoint);
  const client = new TrinoClient(url);
  const launcher = join(server, "bin/launcher");
  const service = await startService(launcher, ["--etc-dir", join(home, "etc"), "run"], {
    url,
    log: join(CACHE, "logs", "trino.log"),
    isUp: async () => (await client.query("SELECT 1")).rows.length === 1,
    startTimeoutMs: 180_000,
    env: { ...process.env, JAVA_HOME: javaHome(), PATH: `${join(javaHome(), "bin")}:${process.env.PATH}` },
  });
  return {
    url,
    client,
    stop: async () => {
      await service.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** The server without plugins, and the one that reads Glue tables. */
async function install(folder: string): Promise<void> {
  await copyArtifact(`io.trino:trino-server-core:${TRINO_VERSION}:tar.gz`, folder);
  await copyArtifact(`io.trino:trino-hive:${TRINO_VERSION}:zip`, folder);
  const [server, plugin] = [`trino-server-core-${TRINO_VERSION}`, `trino-hive-${TRINO_VERSION}`];
  await run("tar", ["-xzf", `${server}.tar.gz`, "--strip-components=1"], { cwd: folder });
  await run(join(javaHome(), "bin/jar"), ["--extract", "--file", `${plugin}.zip`], { cwd: folder });
  await rename(join(folder, plugin), join(folder, "plugin/hive"));
  const archives = (await readdir(folder)).filter((name) => /\.(tar\.gz|zip)$/.test(name));
  for (const name of archives) await rm(join(folder, name));
}

async function copyArtifact(artifact: string, folder: string): Promise<void> {
  await run(maven(), ["-q", "-B", COPY, `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`], { cwd: folder });
}

async function configure(home: string, port: number, endpoint: string): Promise<void> {
  const etc = join(home, "etc");
  await mkdir(join(etc, "catalog"), { recursive: true });
  const files: Record<string, Record<string, string> | readonly string[]> = {
    "node.properties": {
      "node.environment": "acceptance",
      "node.id": "acceptance-1",
      "node.data-dir": join(home, "data"),
      "node.internal-address": "127.0.0.1",
    },
    "jvm.config": [
      "-server",
      "-Xmx1G",
      "-XX:+UseG1GC",
      "-XX:+ExitOnOutOfMemoryError",
      "-Djdk.attach.allowAttachSelf=true",
    ],
    "config.properties": {
      coordinator: "true",
      "node-scheduler.include-coordinator": "true",
      "http-server.http.port": String(port),
      "discovery.uri": `http://127.0.0.1:${port}`,
      "query.max-memory": "512MB",
      "query.max-memory-per-node": "512MB",
      "catalog.management": "static",
    },
    "log.properties": { "io.trino": "WARN" },
    "catalog/awsdatacatalog.properties": catalog(endpoint),
  };
  for (const [name, content] of Object.entries(files)) {
    const lines = Array.isArray(content) ? content : Object.entries(content).map(([key, value]) => `${key}=${value}`);
    await writeFile(join(etc, name), `${lines.join("\n")}\n`);
  }
}

function catalog(endpoint: string): Record<string, string> {
  return {
    "connector.name": "hive",
    "hive.metastore": "glue",
    "hive.metastore.glue.region": REGION,
    "hive.metastore.glue.endpoint-url": endpoint,
    "hive.metastore.glue.aws-access-key": "test",
    "hive.metastore.glue.aws-secret-key": "test",
    "hive.metastore-cache-ttl": "0s",
    "hive.partition-projection-enabled": "true",
    "hive.parquet.time-zone": "UTC",
    "fs.native-s3.enabled": "true",
    "s3.endpoint": endpoint,
    "s3.region": REGION,
    "s3.path-style-access": "true",
    "s3.aws-access-key": "test",
    "s3.aws-secret-key": "test",
  };
}
