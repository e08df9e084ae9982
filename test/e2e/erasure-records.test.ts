import { createHmac } from "node:crypto";
import { copyFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sampleSession } from "../../demo/stand-in/server.ts";
import { BOT, DAY, startScenario } from "../support/scenario.ts";

const KEY = "the key of hashes, of 32 characters or more";
const [ZOE, ADA] = ["zoe@example.com", "ada@example.com"];
const ENV = { KORE_HASH_KEY: KEY };
const hmac = (text: string) => createHmac("sha256", KEY).update(text).digest("hex");

async function started(env: Readonly<Record<string, string>> = {}) {
  const scenario = await startScenario();
  for (const [user, id] of [
    [ZOE, "z-1"],
    [ADA, "a-1"],
  ] as const) {
    scenario.kore.store.add(
      BOT,
      sampleSession({ botId: BOT, startTime: `${DAY}T12:00:00Z` }, { sessionId: id, userId: user }),
    );
  }
  const all = { ...ENV, ...env };
  const exportDay = (...args: string[]) => scenario.cli(["export", "--date", DAY, "--json", ...args], all);
  await exportDay();
  const erase = () => scenario.cli(["erase", "--user-id", ZOE, "--apply", "--reference", "T-1", "--json"], all);
  const verify = async () => {
    const { code, stdout } = await scenario.cli(["verify", "--json"]);
    return { code, codes: JSON.parse(stdout).findings.map((one: { code: string }) => one.code) };
  };
  const folder = join(scenario.archive, "erasures");
  const record = async () => join(folder, (await readdir(folder))[0] ?? "");
  const ids = async (day = DAY) => (await scenario.archived(day)).map((text) => text.split(" ")[0]);
  return { scenario, exportDay, erase, verify, folder, record, ids };
}

/** A record as somebody could write it who has seen another one, and a hash of an id. */
const planted = (version: 1 | 2, name: string, at: string) =>
  `${JSON.stringify({
    version,
    at,
    reference: "T-2",
    key_check: hmac("check of the key of erasures"),
    ...(version === 2 && { user: name, sessions: [] }),
  })}\n`;

describe("the record of an erasure that digests name", () => {
  test.each<[string, (path: string, folder: string) => Promise<void>]>([
    ["is removed", (path) => rm(path)],
    ["is renamed", (path, folder) => rename(path, join(folder, `${"0".repeat(64)}.json`))],
    ["is changed", (path) => writeFile(path, planted(2, path.slice(-69, -5), "2026-01-01T00:00:00.000Z"))],
    ["is replaced by an empty folder", async (path, folder) => rename(path, join(folder, "../gone.json"))],
  ])("stops exports before they ask Kore if it %s, and verify names it", async (_, how) => {
    const { scenario, exportDay, erase, verify, record, folder, ids } = await started();
    await erase();
    await how(await record(), folder);
    expect((await verify()).code).toBe(3);
    const requests = scenario.kore.requests.length;
    const { code, stderr } = await exportDay();
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/ERR_ERASURE_(MISSING|UNREADABLE)/),
    });
    expect(scenario.kore.requests).toHaveLength(requests);
    expect(await ids()).not.toContain("z-1");
  });

  test("has a name that no column shows, and is in the digest before any row goes", async () => {
    const { scenario, erase, record } = await started({ KORE_PII: "user_id=hash" });
    await erase();
    const name = (await record()).slice(-69, -5);
    expect(name).not.toBe(hmac(ZOE));
    const { stdout } = await scenario.cli(["sql", "--json", "SELECT user_id FROM sessions"]);
    expect(stdout).not.toContain(name);
    expect(stdout).not.toContain(hmac(ZOE));
    expect((await readdir(join(scenario.archive, "digests"))).length).toBe(3);
  });
});

describe("a record of an erasure that no digest names", () => {
  const OLD = "2026-01-03T00:00:00.000Z";
  const plant = async (folder: string, version: 1 | 2, user: string, at = OLD) => {
    const name = version === 1 ? hmac(user) : hmac(`erased user ${hmac(user)}`);
    await writeFile(join(folder, `${name}.json`), planted(version, name, at));
  };

  test.each([1, 2] as const)(
    "of version %i takes nobody out of a complete day, and every run fails until it is gone",
    async (version) => {
      const { scenario, exportDay, erase, verify, folder, ids } = await started();
      await erase();
      await plant(folder, version, ADA);
      expect((await verify()).codes).toContain("ERR_VERIFY_ERASURE_UNKNOWN");
      const { code, stdout, stderr } = await exportDay();
      expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining("ERR_ERASURE_NOT_VOUCHED") });
      expect(JSON.parse(stdout).days[0]).toMatchObject({ ok: false, status: "complete" });
      expect(await ids()).toContain("a-1");
      await scenario.cli(["export", "--repair"], { ...ENV, KORE_LOOK_BACK_DAYS: "1" });
      expect((await verify()).codes).toContain("ERR_VERIFY_ERASURE_UNKNOWN");
      await rm(join(folder, `${version === 1 ? hmac(ADA) : hmac(`erased user ${hmac(ADA)}`)}.json`));
      expect((await exportDay()).code).toBe(0);
      expect(await ids()).toContain("a-1");
      expect(await verify()).toEqual({ code: 0, codes: [] });
    },
  );

  test("leaves its person out of days that come", async () => {
    const { scenario, erase, folder, ids } = await started();
    await erase();
    await plant(folder, 2, ADA);
    const next = "2026-01-03";
    scenario.kore.store.add(
      BOT,
      sampleSession({ botId: BOT, startTime: `${next}T12:00:00Z` }, { sessionId: "a-2", userId: ADA }),
    );
    const { code, stdout } = await scenario.cli(["export", "--date", next, "--json"], ENV);
    expect({ code, day: JSON.parse(stdout).days[0] }).toMatchObject({
      code: 1,
      day: { problems: [{ code: "ERR_ERASURE_NOT_VOUCHED" }] },
    });
    expect(await ids(next)).not.toContain("a-2");
  });

  test("is waited for while it is young: its digest may still come", async () => {
    const { scenario, erase, exportDay, folder } = await started();
    await erase();
    const before = scenario.clock.now();
    await plant(folder, 2, ADA, new Date(before - 60_000).toISOString());
    expect((await exportDay()).code).toBe(1);
    expect(scenario.clock.now() - before).toBeGreaterThanOrEqual(9 * 60_000);
    expect(scenario.clock.now() - before).toBeLessThan(11 * 60_000);
  });

  test("is taken over by the same command, as one that was broken off", async () => {
    const { scenario, erase, exportDay, folder, verify, ids } = await started();
    await scenario.cli(["erase", "--user-id", ADA, "--apply", "--reference", "T-0"], ENV);
    await plant(folder, 2, ZOE);
    expect((await erase()).code).toBe(0);
    expect((await exportDay()).code).toBe(0);
    expect(await ids()).not.toContain("z-1");
    expect(await verify()).toEqual({ code: 0, codes: [] });
  });

  test("that is a copy of another's is damaged: its name is part of it", async () => {
    const { erase, exportDay, record, folder } = await started();
    await erase();
    await copyFile(await record(), join(folder, `${hmac(ADA)}.json`));
    expect((await exportDay()).stderr).toContain("ERR_ERASURE_UNREADABLE");
  });
});
