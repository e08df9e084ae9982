import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { request } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { token } from "./stand-in-client.ts";

const MAIN = fileURLToPath(new URL("../../demo/stand-in/main.ts", import.meta.url));
const started: ChildProcessWithoutNullStreams[] = [];

function run(...args: string[]): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [MAIN, ...args]);
  started.push(child);
  return child;
}

async function urlOf(child: ChildProcessWithoutNullStreams): Promise<string> {
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  return JSON.parse(line).url;
}

async function ask(url: string): Promise<{ status: number; text: string }> {
  const headers = { auth: await token({ nowMs: Date.now() }), "content-type": "application/json" };
  const body = JSON.stringify({ dateFrom: "2026-01-02", dateTo: "2026-01-03", limit: 5 });
  const answer = await request(`${url}/api/public/bot/bot-1/getSessions`, { method: "POST", headers, body });
  return { status: answer.statusCode, text: await answer.body.text() };
}

async function control(url: string, method: "GET" | "POST" | "DELETE", path: string, body?: unknown) {
  const answer = await request(`${url}/__stand-in/${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: answer.statusCode, json: JSON.parse(await answer.body.text()) };
}

afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  }
});

describe("the stand-in as a process", () => {
  it("serves, and changes its faults and sessions, by HTTP", async () => {
    const child = run("--bots", "bot-1,bot-2", "--from", "2026-01-02", "--sessions-per-day", "12", "--page-cap", "4");
    const url = await urlOf(child);
    const first = await ask(url);
    expect(JSON.parse(first.text)).toMatchObject({ total: 12, sessions: { length: 4 } });

    await control(url, "POST", "faults", [{ kind: "refused", status: 503, times: 1 }]);
    expect([(await ask(url)).status, (await ask(url)).status]).toEqual([503, 200]);

    const session = { sessionId: "late", start_time: "2026-01-02T12:00:00.000Z", containmentType: "agent" };
    await control(url, "POST", "changes", [{ op: "add", botId: "bot-1", session }]);
    expect(JSON.parse((await ask(url)).text).total).toBe(13);

    const { json: requests } = await control(url, "GET", "requests");
    expect(requests.map((record: { status: number; fault?: string }) => [record.status, record.fault])).toEqual([
      [200, undefined],
      [503, "refused"],
      [200, undefined],
      [200, undefined],
    ]);
    await control(url, "DELETE", "requests");
    expect((await control(url, "GET", "requests")).json).toEqual([]);
  });

  it("refuses a fault or a change that it does not know, and keeps running", async () => {
    const url = await urlOf(run());
    expect(await control(url, "POST", "faults", [{ kind: "earthquake" }])).toMatchObject({ status: 400 });
    expect(await control(url, "POST", "faults", [{ kind: "reset", tmes: 1 }])).toMatchObject({ status: 400 });
    expect(await control(url, "POST", "changes", [{ op: "remove", botId: "x", sessionId: "y" }])).toEqual({
      status: 400,
      json: { error: "bot x holds no session y" },
    });
    expect(await control(url, "GET", "weather")).toMatchObject({ status: 404 });
  });

  it("takes faults from its stdin, and stops at SIGTERM", async () => {
    const child = run(
      "--bots",
      "bot-1",
      "--from",
      "2026-01-02",
      "--lazy-sessions",
      "1000000",
      "--requests-per-minute",
      "0",
    );
    const url = await urlOf(child);
    expect(JSON.parse((await ask(url)).text)).toMatchObject({ total: 1_000_000, moreAvailable: true });
    child.stdin.write('[{"kind":"refused","status":418}]\n');
    let status = 200;
    while (status === 200) status = (await ask(url)).status;
    expect(status).toBe(418);
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  it("names a wrong option, and shows how it is used", async () => {
    const child = run("--page-cap", "many");
    const [text] = await Promise.all([Array.fromAsync(child.stderr), once(child, "exit")]);
    expect(child.exitCode).toBe(2);
    expect(Buffer.concat(text as Buffer[]).toString()).toMatch(/--page-cap "many" is not a whole number[\s\S]*Usage:/);
  });
});
