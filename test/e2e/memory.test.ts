import { once } from "node:events";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { startCli, startProcess } from "../support/processes.ts";
import { DAY, startScenario } from "../support/scenario.ts";

const SESSIONS = 100_000;
test("a day of 100,000 sessions is archived within 512 MB of memory", { timeout: 60_000 }, async () => {
  const args = [
    "--from",
    DAY,
    "--lazy-sessions",
    String(SESSIONS),
    "--requests-per-minute",
    "0",
    "--requests-per-hour",
    "0",
  ];
  const kore = startProcess("demo/stand-in/main.ts", args);
  onTestFinished(async () => {
    kore.child.kill();
    await kore.ended;
  });
  const [line] = (await once(kore.child.stdout ?? kore.child, "data")) as [Buffer];
  const { archive } = await startScenario({ sessionsPerDay: 0 });
  const command = ["export", "--date", DAY, "--bot", "st-support-0001", "--json"];
  const run = startCli({ kore: JSON.parse(line.toString()), archive }, command, {
    NODE_OPTIONS: `--import=${pathToFileURL("bench/tell-peak.ts").href}`,
    KORE_REQUESTS_PER_MINUTE: "0",
    KORE_REQUESTS_PER_HOUR: "0",
  });
  const { stdout, stderr } = await run.ended;
  expect(JSON.parse(stdout).days).toMatchObject([{ status: "complete", archived: { total: SESSIONS } }]);
  expect(Number(stderr.trim().split("\n").at(-1)) * 1024).toBeLessThan(512 * 1024 * 1024);
});
