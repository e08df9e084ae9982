import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { ledgerKey } from "../../functions/exporter/archive/layout.ts";
import { deploy } from "../support/durable-run.ts";
import { keyPair } from "../support/key-pair.ts";
import { BOT, DAY, type Scenario, startScenario } from "../support/scenario.ts";

/** A scenario whose runs are signed, with an archive of a day as it was, and as it became. */
async function signedScenario() {
  const scenario = await startScenario();
  const folder = join(scenario.archive, "..");
  const [own, person] = [await keyPair(folder, "own"), await keyPair(folder, "person")];
  const env = { KORE_SIGNING_KEY: own.privatePath, KORE_TRUSTED_KEYS: person.fingerprint };
  const exportDay = (...args: string[]) => scenario.cli(["export", "--date", DAY, "--json", ...args], env);
  const verify = async (...args: string[]) => {
    const keys = ["--public-key", own.publicPath, person.publicPath];
    const { code, stdout } = await scenario.cli(["verify", "--json", ...keys, ...args], {
      KORE_SIGNING_KEY: person.privatePath,
      KORE_TRUSTED_KEYS: own.fingerprint,
    });
    const { findings, adopted } = stdout === "" ? { findings: [], adopted: [] } : JSON.parse(stdout);
    return { code, adopted, codes: findings.map((one: { code: string }) => one.code) };
  };
  return { scenario, own, person, env, exportDay, verify };
}

/** Lays the day's files and record as another archive has them over those of the scenario's. */
async function layOver(scenario: Scenario, from: string): Promise<void> {
  for (const prefix of ["sessions", "exports"]) {
    await rm(join(scenario.archive, prefix, `dt=${DAY}`), { recursive: true });
    await cp(join(from, prefix, `dt=${DAY}`), join(scenario.archive, prefix, `dt=${DAY}`), { recursive: true });
  }
}

/** A day of another, consistent state: that of a Kore with more sessions, exported without this archive's key. */
async function forgedDay(sessionsPerDay = 80): Promise<string> {
  const other = await startScenario({ sessionsPerDay });
  await other.exportDay();
  const copy = await mkdtemp(join(other.archive, "..", "..", "forged-"));
  await cp(other.archive, copy, { recursive: true });
  return copy;
}

describe("a day that somebody replaced by another consistent one", () => {
  test("is adopted, and verify says so, where Kore holds fewer sessions than it", async () => {
    const { scenario, exportDay, verify } = await signedScenario();
    await exportDay();
    await layOver(scenario, await forgedDay());
    const { code, stdout, stderr } = await exportDay();
    expect(code).toBe(0);
    expect(JSON.parse(stdout).days[0]).toMatchObject({
      adopted: { reason: expect.stringMatching(/was in no digest/) },
    });
    expect(stderr).toContain(`${DAY} of ${BOT} was adopted`);
    expect((await scenario.ledger()).adopted).toMatchObject({
      previous_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(await verify()).toMatchObject({
      code: 3,
      codes: ["ERR_VERIFY_ADOPTED"],
      adopted: [{ dt: DAY, source: BOT, digest: 2, accepted: null }],
    });
  });

  test("is adopted where Kore does not answer, and stays so through later runs, until it is read again as a whole", async () => {
    const { scenario, exportDay, verify } = await signedScenario();
    await exportDay();
    await layOver(scenario, await forgedDay(40));
    scenario.kore.misbehave({ kind: "refused", status: 403, times: 2 });
    expect((await exportDay()).code).toBe(1);
    expect((await exportDay()).code).toBe(1);
    expect((await verify()).codes).toEqual(["ERR_VERIFY_ADOPTED"]);
    expect((await exportDay()).code).toBe(0);
    expect((await scenario.ledger()).adopted).toBeNull();
    expect(await scenario.archived()).toEqual(scenario.truth());
    expect(await verify()).toMatchObject({ code: 0, codes: [], adopted: [] });
  });

  test("is read again by the night although its record says that it is complete", async () => {
    const { scenario, env, exportDay, verify } = await signedScenario();
    await exportDay();
    await layOver(scenario, await forgedDay(40));
    const { code } = await scenario.cli(["export", "--repair"], { ...env, KORE_LOOK_BACK_DAYS: "3" });
    expect(code).toBe(0);
    expect(await scenario.archived()).toEqual(scenario.truth());
    expect(await verify()).toMatchObject({ code: 0, adopted: [] });
  });

  test("is adopted where the record alone was removed, and Kore does not answer", async () => {
    const { scenario, exportDay, verify } = await signedScenario();
    await exportDay();
    for (const prefix of ["sessions", "exports"]) await rm(join(scenario.archive, prefix), { recursive: true });
    scenario.kore.misbehave({ kind: "refused", status: 403 });
    await exportDay();
    expect((await scenario.ledger()).adopted).toMatchObject({ previous_sha256: null });
    expect((await verify()).codes).toEqual(["ERR_VERIFY_ADOPTED"]);
  });

  test("is adopted by an erasure that rewrites it, too", async () => {
    const { scenario, env, exportDay, verify } = await signedScenario();
    await exportDay();
    await layOver(scenario, await forgedDay());
    const { stdout } = await scenario.cli([
      "sql",
      "--json",
      "SELECT user_id FROM sessions WHERE user_id IS NOT NULL LIMIT 1",
    ]);
    const [{ user_id }] = JSON.parse(stdout);
    const args = ["erase", "--user-id", user_id, "--apply", "--reference", "T-1"];
    expect(
      (await scenario.cli(args, { ...env, KORE_HASH_KEY: "the key of hashes, of 32 characters or more" })).code,
    ).toBe(0);
    expect((await scenario.ledger()).adopted).not.toBeNull();
    expect((await verify()).codes).toEqual(["ERR_VERIFY_ADOPTED"]);
  });

  test("keeps nothing of what a forged record says of erasures where it is replaced", async () => {
    const { scenario, exportDay, verify } = await signedScenario();
    await exportDay();
    const path = join(scenario.archive, ledgerKey(DAY, BOT));
    const record = { ...(await scenario.ledger()), erasures: [{ at: "2026-01-03T00:00:00.000Z", reference: "T-9" }] };
    await writeFile(path, `${JSON.stringify(record)}\n`);
    await exportDay();
    expect((await scenario.ledger()).erasures).toEqual([]);
    expect(await verify()).toMatchObject({ code: 0 });
  });

  test("shows no control character of a forged record", async () => {
    const { scenario, exportDay, own } = await signedScenario();
    await exportDay();
    const path = join(scenario.archive, ledgerKey(DAY, BOT));
    const archived = { ...(await scenario.ledger()).archived, total: 9_999 };
    await writeFile(path, `${JSON.stringify({ ...(await scenario.ledger()), run_id: "\u001b[2J\u0007", archived })}\n`);
    const { stderr } = await exportDay();
    const { stdout } = await scenario.cli(["verify", "--public-key", own.publicPath]);
    expect(stdout).toContain("ERR_VERIFY_ADOPTED");
    for (const control of ["\u0007", "\u001b"]) expect(stdout + stderr).not.toContain(control);
  });
});

describe("a day whose record was tampered with while Kore holds fewer sessions", () => {
  const path = ({ archive }: Scenario) => join(archive, ledgerKey(DAY, BOT));
  const removed = (scenario: Scenario) => rm(path(scenario));
  const emptied = async (scenario: Scenario, more: object) => {
    const previous_sha256 = createHash("sha256")
      .update(readFileSync(path(scenario)))
      .digest("hex");
    const archived = { drop_off: 0, self_service: 0, agent: 0, unclassified: 0, total: 0 };
    const record = { ...(await scenario.ledger()), previous_sha256, archived, files: [], ...more };
    await writeFile(path(scenario), `${JSON.stringify(record)}\n`);
  };
  const mark = { status: "incomplete", problems: [{ code: "ERR_EXPORT_UNFINISHED", message: "forged" }] };
  const forget = ({ kore }: Scenario, keep: number) => {
    const from = Date.parse(DAY);
    for (const { session } of kore.store.between(BOT, from, from + 86_400_000).slice(keep)) {
      kore.store.remove(BOT, String(session.sessionId));
    }
  };
  const asked = ["export", "--date", DAY, "--json"];

  test.each<[string, (scenario: Scenario) => Promise<void>, string[]]>([
    ["was removed", removed, asked],
    ["was removed, by the night", removed, ["export", "--repair", "--json"]],
    ["says that the day is empty", (scenario) => emptied(scenario, {}), asked],
    ["says that a run died over an empty day", (scenario) => emptied(scenario, mark), asked],
  ])("keeps every row, and is adopted until Kore is taken over: it %s", async (_, tamper, args) => {
    const { scenario, env, exportDay, verify } = await signedScenario();
    await exportDay();
    const before = await scenario.archived();
    await tamper(scenario);
    forget(scenario, 5);
    for (const _night of [1, 2]) {
      await scenario.cli(args, { ...env, KORE_LOOK_BACK_DAYS: "3" });
      expect(await scenario.archived()).toEqual(before);
      expect(await scenario.ledger()).toMatchObject({
        status: "incomplete",
        archived: { total: before.length },
        adopted: { reason: expect.stringContaining("digest") },
        problems: [{ code: "ERR_SESSIONS_GONE" }],
      });
      expect(await verify()).toMatchObject({ code: 3, codes: ["ERR_VERIFY_ADOPTED"] });
    }
    expect((await exportDay("--accept-fewer")).code).toBe(0);
    expect(await scenario.archived()).toHaveLength(5);
    expect(await verify()).toMatchObject({ code: 0, codes: [], adopted: [] });
  });

  test("stays adopted when what Kore holds is published, since the vouched files are gone", async () => {
    const { scenario, exportDay, verify } = await signedScenario();
    await exportDay();
    for (const prefix of ["sessions", "exports"]) await rm(join(scenario.archive, prefix), { recursive: true });
    scenario.kore.misbehave({ kind: "refused", status: 403, times: 1 });
    await exportDay();
    forget(scenario, 5);
    for (const _night of [1, 2]) {
      expect((await exportDay()).code).toBe(0);
      expect(await scenario.archived()).toHaveLength(5);
      expect(await scenario.ledger()).toMatchObject({
        adopted: { previous_sha256: null },
        problems: [{ code: "ERR_SESSIONS_GONE", message: expect.stringContaining("vouched for 60 sessions") }],
      });
      expect((await verify()).codes).toEqual(["ERR_VERIFY_ADOPTED"]);
    }
    expect((await exportDay("--accept-fewer")).code).toBe(0);
    expect(await verify()).toMatchObject({ code: 0, adopted: [] });
  });
});

describe("an adopted day", () => {
  async function adopted() {
    const all = await signedScenario();
    await all.exportDay();
    await layOver(all.scenario, await forgedDay());
    await all.exportDay();
    return all;
  }
  const accept = ["--accept-adopted", `${DAY}/${BOT}`, "--reference", "TICKET-4711"];

  test("is accepted by another key than the run's, for later records of the same adoption, too", async () => {
    const { exportDay, verify } = await adopted();
    const accepted = { actor: expect.stringContaining("@"), reference: "TICKET-4711" };
    expect(await verify(...accept)).toMatchObject({ code: 0, codes: [], adopted: [{ dt: DAY, accepted }] });
    await exportDay();
    expect(await verify()).toMatchObject({ code: 0, adopted: [{ accepted }] });
  });

  test("is no longer one once a person takes over what Kore holds", async () => {
    const { exportDay, verify } = await adopted();
    expect((await exportDay("--accept-fewer")).code).toBe(0);
    expect(await verify()).toMatchObject({ code: 0, adopted: [] });
  });

  test("is not accepted by the key that adopted it, nor without one", async () => {
    const { scenario, env, verify } = await adopted();
    for (const keys of [env, { KORE_TRUSTED_KEYS: "" }]) {
      const { code, stderr } = await scenario.cli(["verify", ...accept], keys);
      expect(code).toBeGreaterThan(0);
      expect(stderr).toMatch(/ERR_STATEMENT_REFUSED|ERR_DIGEST_NOT_TRUSTED/);
    }
    expect((await verify()).codes).toEqual(["ERR_VERIFY_ADOPTED"]);
  });

  test("is not accepted twice over: one that is adopted again is looked at again", async () => {
    const { scenario, exportDay, verify } = await adopted();
    await verify(...accept);
    await layOver(scenario, await forgedDay(90));
    await exportDay();
    expect((await verify()).codes).toEqual(["ERR_VERIFY_ADOPTED"]);
  });

  test.each([
    [["--accept-adopted", "2026-01-02"], /--accept-adopted is "2026-01-02"; give a day and a source/],
    [["--accept-adopted", `${DAY}/${BOT}`], /--reference is missing/],
    [["--retire-key", "abc", "--reference", "x"], /--retire-key is "abc"; give the 64/],
    [["--archive-id", "abc"], /--archive-id is "abc"; give the id/],
  ])("is not accepted by wrong usage: %j", async (args, says) => {
    const { scenario } = await signedScenario();
    const { code, stderr } = await scenario.cli(["verify", ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(says);
  });

  test("that is none cannot be accepted", async () => {
    const { exportDay, scenario, person, own } = await signedScenario();
    await exportDay();
    const keys = { KORE_SIGNING_KEY: person.privatePath, KORE_TRUSTED_KEYS: own.fingerprint };
    const { code, stderr } = await scenario.cli(["verify", ...accept], keys);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("is not adopted") });
  });
});

describe("the newest digest", () => {
  const newest = (scenario: Scenario, number: number) => join(scenario.archive, `digests/0000000${number}.json`);

  test.each<[string, (text: string) => string, RegExp]>([
    ["is damaged", () => "damaged\nnull\n", /is damaged/],
    ["has lost its signature", (text) => `${text.split("\n")[0]}\nnull\n`, /is not signed/],
    [
      "has another's signature",
      (text) => text.replace('"run_id":"', '"run_id":"x'),
      /has a signature that is not its key's/,
    ],
  ])("that %s is told, fails the run, and is still linked to", async (_, change, says) => {
    const { scenario, exportDay, verify } = await signedScenario();
    await exportDay();
    await exportDay();
    const path = newest(scenario, 2);
    await writeFile(path, change(readFileSync(path, "utf8")));
    const { code, stderr } = await exportDay();
    expect(code).toBe(1);
    expect(stderr).toMatch(/error ERR_DIGEST_NOT_TRUSTED: The newest digest, .*00000002\.json, /);
    expect(stderr).toMatch(says);
    expect((await exportDay()).code).toBe(0);
    const { codes } = await verify();
    expect(codes.length).toBeGreaterThan(0);
    expect(codes).not.toContain("ERR_VERIFY_INDEX");
  });

  test("of a key that nobody named is not believed: days that it vouches for are read again", async () => {
    const { scenario, person, env, exportDay, verify } = await signedScenario();
    await exportDay();
    await scenario.cli(["export", "--date", DAY], { KORE_SIGNING_KEY: person.privatePath });
    const alone = { ...env, KORE_TRUSTED_KEYS: "" };
    const { code, stderr } = await scenario.cli(["export", "--repair"], { ...alone, KORE_LOOK_BACK_DAYS: "1" });
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining(person.fingerprint) });
    expect((await exportDay()).code).toBe(0);
    expect(await verify()).toMatchObject({ code: 0, adopted: [] });
  });

  test("that a deployed run does not believe fails it", async () => {
    const { scenario, person, env, exportDay, verify } = await signedScenario();
    await exportDay();
    await scenario.cli(["export", "--date", DAY], { KORE_SIGNING_KEY: person.privatePath });
    for (const level of ["log", "info", "error"] as const) vi.spyOn(console, level).mockReturnValue();
    const deployment = await deploy(scenario, { ...env, KORE_TRUSTED_KEYS: "" });
    const run = deployment.plainly({ scheduledTime: "2026-01-03T02:15:00Z" }, 600_000);
    await expect(run).rejects.toMatchObject({ code: "ERR_DIGEST_NOT_TRUSTED" });
    expect((await exportDay()).code).toBe(0);
    expect(await verify()).toMatchObject({ code: 0 });
  });

  test("of an archive that was never signed has nothing to be checked", async () => {
    const { scenario, env } = await signedScenario();
    await scenario.exportDay();
    await scenario.exportDay();
    expect(await scenario.cli(["export", "--date", DAY], env)).toMatchObject({ code: 0, stderr: "" });
  });
});

describe("a key that was retired", () => {
  test("signs nothing that verify accepts, and a run with it does not begin", async () => {
    const { scenario, own, person, env, exportDay, verify } = await signedScenario();
    await exportDay();
    expect(await verify("--retire-key", own.fingerprint, "--reference", "T-2")).toMatchObject({ code: 0 });
    const requests = scenario.kore.requests.length;
    const refused = await exportDay();
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/ERR_SIGNING_KEY: .* was retired by digest 2/),
    });
    expect(scenario.kore.requests).toHaveLength(requests);
    expect(await verify()).toMatchObject({ code: 0 });
    // Whoever still has the key cuts off the digest that retired it, writes, and puts it back.
    const path = newestOf(scenario, 2);
    const retiring = readFileSync(path);
    await rm(path);
    await scenario.cli(["export", "--date", DAY], env);
    await cp(path, newestOf(scenario, 3));
    await writeFile(path, retiring);
    expect((await verify()).codes).toContain("ERR_VERIFY_KEY_RETIRED");
    expect(person.fingerprint).not.toBe(own.fingerprint);
  });

  const newestOf = (scenario: Scenario, number: number) => join(scenario.archive, `digests/0000000${number}.json`);

  test("cannot retire itself", async () => {
    const { scenario, own, env, exportDay } = await signedScenario();
    await exportDay();
    const args = ["verify", "--retire-key", own.fingerprint, "--reference", "T-2"];
    expect(await scenario.cli(args, env)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/ERR_STATEMENT_REFUSED: A key is retired by another one/),
    });
  });
});

test("another archive, signed with the same key, is not this one", async () => {
  const { scenario, own, env, exportDay } = await signedScenario();
  const { archive_id: id } = JSON.parse((await exportDay()).stdout);
  const { stdout } = await scenario.cli(["status", "--json"]);
  expect(JSON.parse(stdout).archive_id).toBe(id);
  expect((await scenario.cli(["status"])).stdout).toContain(`\narchive ${id}\n`);
  const ask = ["verify", "--public-key", own.publicPath, "--json", "--archive-id", id];
  expect((await scenario.cli(ask)).code).toBe(0);
  await rm(scenario.archive, { recursive: true });
  await scenario.cli(["export", "--date", DAY], env);
  const plain = await scenario.cli(["verify", "--public-key", own.publicPath]);
  expect(plain.stdout).toMatch(/The chain's end: NOT checked\..*another archive put in this one's place/);
  const asked = await scenario.cli(ask);
  expect(asked.code).toBe(3);
  expect(JSON.parse(asked.stdout).findings).toMatchObject([{ code: "ERR_VERIFY_ARCHIVE_ID" }]);
});
