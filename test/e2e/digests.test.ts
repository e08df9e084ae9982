import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { FolderStore } from "../../functions/exporter/archive/folder-store.ts";
import { digestKey, ledgerKey } from "../../functions/exporter/archive/layout.ts";
import { systemClock } from "../../functions/exporter/clock.ts";
import { sealRun } from "../../functions/exporter/export/seal.ts";
import { startKmsServer } from "../support/kms-server.ts";
import { BOT, DAY, type Scenario, startScenario } from "../support/scenario.ts";
import { digestLines, newSigningKey } from "../support/signed-archive.ts";

const RANGE = ["--from", "2026-01-01", "--to", "2026-01-03"];

afterEach(() => vi.unstubAllEnvs());

async function digestsOf({ archive }: Scenario) {
  const names = await readdir(join(archive, "digests")).catch(() => []);
  const numbers = names.filter((name) => name.endsWith(".json")).map((name) => Number.parseInt(name, 10));
  return Promise.all(numbers.sort((a, b) => a - b).map((number) => digestLines(archive, number)));
}

const daysIn = ({ digest }: { digest: { days: { dt: string }[] } }) => digest.days.map(({ dt }) => dt);

const verify = async (scenario: Scenario, ...args: string[]) => {
  const { code, stdout, stderr } = await scenario.cli(["verify", "--json", ...args]);
  expect(stderr).toBe("");
  return { code, ...JSON.parse(stdout) };
};

describe("a run ends with a digest", () => {
  test("of the days it exported, whose number and hash it tells last", async () => {
    const scenario = await startScenario();
    const { stdout } = await scenario.exportDay();
    const [, number, sha256] = /\ndigest (\d+): ([0-9a-f]{64})\n$/.exec(stdout) ?? [];
    expect(number).toBe("1");
    expect(await verify(scenario, "--head", sha256 ?? "")).toMatchObject({ code: 0, head: { number: 1, sha256 } });
    const again = JSON.parse((await scenario.exportDay("--json")).stdout);
    expect(again.digest).toEqual((await verify(scenario)).head);
    expect((await digestsOf(scenario)).map(daysIn)).toEqual([[DAY], [DAY]]);
  });

  test("with no day in it where there was nothing to do", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    await scenario.cli(["backfill", "--local", "--from", DAY, "--to", DAY]);
    expect((await digestsOf(scenario)).map(daysIn)).toEqual([[DAY], []]);
  });

  test("also when Kore refuses: what lies in the archive stays vouched for", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    scenario.kore.misbehave({ kind: "refused", status: 401 });
    expect((await scenario.exportDay()).code).toBe(1);
    expect(await digestsOf(scenario)).toHaveLength(2);
    expect(await verify(scenario)).toMatchObject({ code: 0, findings: [] });
  });

  test("also when it is interrupted: of the days that were done", async () => {
    const scenario = await startScenario({ from: "2026-01-01", to: "2026-01-03" });
    const interrupted = new AbortController();
    // A day of 60 sessions takes 8 requests.
    scenario.kore.misbehave({ kind: "before-request", after: 11, times: 1, change: () => interrupted.abort() });
    expect((await scenario.cli(["export", ...RANGE], {}, interrupted.signal)).code).toBe(130);
    expect((await digestsOf(scenario)).map(daysIn)).toEqual([["2026-01-01"]]);
    expect(await verify(scenario)).toMatchObject({ code: 0, findings: [] });
  });

  test("none if it could not begin", async () => {
    const scenario = await startScenario();
    expect((await scenario.exportDay("--time-zone", "Mars/Base")).code).toBe(2);
    expect(await digestsOf(scenario)).toEqual([]);
  });

  test("each its own where several end at once, and the chain holds", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    const store = new FolderStore(scenario.archive, systemClock);
    const ports = { store, clock: systemClock, exporterVersion: "0.0.0", signer: null, trustedKeys: [] };
    const seals = await Promise.all(["a", "b", "c", "d"].map((runId) => sealRun([], { ...ports, runId })));
    expect(seals.map(({ number }) => number).sort()).toEqual([2, 3, 4, 5]);
    expect(await verify(scenario)).toMatchObject({ code: 0, checked: { digests: 5, days: 1 } });
    expect(new Set(seals.map(({ archiveId }) => archiveId)).size).toBe(1);
    expect(await sealRun([], { ...ports, runId: "z" })).toMatchObject({ number: 6 });
    expect(await sealRun([], { ...ports, runId: "z" })).toMatchObject({ number: 6 });
  });

  test("every ten minutes, too, so that a run that is killed leaves little that nobody vouches for", async () => {
    const scenario = await startScenario({ from: "2025-12-20", to: DAY });
    const args = ["export", "--from", "2025-12-20", "--to", DAY];
    expect((await scenario.cli(args, { KORE_REQUESTS_PER_MINUTE: "4" })).code).toBe(0);
    const digests = await digestsOf(scenario);
    expect(digests.length).toBeGreaterThan(2);
    const ends = digests.map(({ digest }) => Date.parse(digest.created_at) / 60_000);
    for (const [index, end] of ends.slice(1, -1).entries()) expect(end - (ends[index] ?? 0)).toBeGreaterThanOrEqual(10);
    expect(digests.map((one) => daysIn(one).length).every((days) => days > 0 && days < 10)).toBe(true);
    expect(await verify(scenario)).toMatchObject({ code: 0, checked: { days: 14 } });
  });

  test("but not of what a run left that died before its digest: that day is read again, and replaced as a whole", async () => {
    const scenario = await startScenario();
    await scenario.exportSliced(30_000);
    expect(await verify(scenario)).toMatchObject({ code: 3 });
    const { stdout } = await scenario.cli(["backfill", "--local", "--json", "--from", DAY, "--to", DAY]);
    expect(JSON.parse(stdout).days).toMatchObject([{ dt: DAY, adopted: null }]);
    const { code, adopted } = await verify(scenario);
    expect({ code, adopted }).toEqual({ code: 0, adopted: [] });
  });

  test("that leaves a damaged ledger record, and one of a day that is not done, to others", async () => {
    const scenario = await startScenario({ from: "2026-01-01", to: "2026-01-03" });
    await scenario.cli(["export", ...RANGE]);
    const problems = [{ code: "ERR_EXPORT_UNFINISHED", message: "…" }];
    const mark = JSON.stringify({ ...(await scenario.ledger(DAY)), status: "incomplete", problems });
    await writeFile(join(scenario.archive, ledgerKey(DAY, BOT)), mark);
    await writeFile(join(scenario.archive, ledgerKey("2026-01-03", BOT)), "{");
    scenario.kore.misbehave({ kind: "refused", status: 403 });
    await scenario.cli(["backfill", "--local", ...RANGE]);
    for (const digest of (await digestsOf(scenario)).slice(1)) expect(daysIn(digest)).not.toContain("2026-01-03");
  });

  test("linked to one of a later version it is not: the run says so before it asks Kore", async () => {
    const scenario = await startScenario();
    await mkdir(join(scenario.archive, "digests"), { recursive: true });
    await writeFile(join(scenario.archive, digestKey(1)), '{"version":3}\nnull\n');
    const { code, stdout, stderr } = await scenario.exportDay("--json");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^error ERR_DIGEST_UNREADABLE: The digest .*has version 3.*Update the program\.\n$/);
    expect(scenario.kore.requests).toEqual([]);
    expect(await digestsOf(scenario)).toHaveLength(1);
  });

  test("linked to a damaged one, so that the damage stays to be seen", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    await writeFile(join(scenario.archive, digestKey(1)), "damaged\nnull\n");
    expect((await scenario.exportDay()).code).toBe(0);
    const { findings } = await verify(scenario);
    expect(findings).toMatchObject([{ code: "ERR_VERIFY_DIGEST_CHANGED", key: digestKey(1) }]);
  });
});

describe("the index", () => {
  const monthsOf = ({ digest }: { digest: { index: { month: string; key: string; records: number }[] } }) =>
    digest.index;

  test("has a file for each month, which the next digest names again where nothing changed", async () => {
    const scenario = await startScenario({ from: "2025-12-30", to: "2026-01-02" });
    await scenario.cli(["export", "--from", "2025-12-30", "--to", "2026-01-01"]);
    await scenario.cli(["export", "--date", "2026-01-02"]);
    const [first, second] = (await digestsOf(scenario)).map(monthsOf);
    expect(first).toMatchObject([
      { month: "2025-12", records: 2 },
      { month: "2026-01", records: 1 },
    ]);
    expect(second).toMatchObject([first?.[0], { month: "2026-01", records: 2 }]);
    expect(await verify(scenario)).toMatchObject({ code: 0, findings: [] });
  });

  test.each(["a month", "the state", "all of it"])(
    "is written anew by the next run if %s was lost, or changed",
    async (what) => {
      const scenario = await startScenario({ from: "2025-12-30", to: "2026-01-02" });
      await scenario.cli(["export", "--from", "2025-12-30", "--to", "2026-01-02"]);
      const [digest] = await digestsOf(scenario);
      const lost = {
        "a month": monthsOf(digest as never)[0]?.key,
        "the state": digest?.digest.state.key,
        "all of it": "index",
      };
      await rm(join(scenario.archive, lost[what as keyof typeof lost] ?? ""), { recursive: true });
      expect((await verify(scenario)).findings.map((one: { code: string }) => one.code)).toContain(
        "ERR_VERIFY_FILE_MISSING",
      );
      expect(await scenario.cli(["export", "--date", "2026-01-02"])).toMatchObject({ code: 0, stderr: "" });
      expect(await verify(scenario)).toMatchObject({ code: 0, findings: [], adopted: [] });
    },
  );

  test("that was lost does not make a run take days for unknown ones", async () => {
    const scenario = await startScenario({ from: "2026-01-01", to: "2026-01-03" });
    await scenario.cli(["export", ...RANGE]);
    await rm(join(scenario.archive, "index"), { recursive: true });
    const before = scenario.kore.requests.length;
    const { stdout } = await scenario.cli(["backfill", "--local", "--json", ...RANGE]);
    expect(JSON.parse(stdout).days).toEqual([]);
    // What an estimate asks, and nothing else.
    expect(scenario.kore.requests.length - before).toBeLessThan(5);
    expect(await verify(scenario)).toMatchObject({ code: 0, findings: [] });
  });
});

describe("a key file", () => {
  async function withKey(text: string | null) {
    const scenario = await startScenario();
    const path = join(scenario.archive, "..", "key.pem");
    if (text !== null) await writeFile(path, text);
    return { scenario, path, env: { KORE_SIGNING_KEY: path } };
  }

  test("is refused in the archive, where whoever changes it could sign", async () => {
    const { scenario } = await withKey(null);
    const path = join(scenario.archive, "keys", "key.pem");
    await mkdir(join(scenario.archive, "keys"), { recursive: true });
    await writeFile(path, newSigningKey());
    const { code, stderr } = await scenario.cli(["export", "--date", DAY], { KORE_SIGNING_KEY: path });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error ERR_SIGNING_KEY: The signing key .* lies in the archive\./);
    expect(scenario.kore.requests).toEqual([]);
  });

  test.each([
    ["is not there", null, /cannot be read \(ENOENT/],
    ["is no PEM", "hush-hush", /holds no private key in PEM/],
    ["is cut off", newSigningKey().slice(0, 60), /holds no private key in PEM/],
  ])("is refused before Kore is asked if it %s, without being shown", async (_, text, says) => {
    const { scenario, env } = await withKey(text);
    const { code, stderr } = await scenario.cli(["export", "--date", DAY], env);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error ERR_SIGNING_KEY: [^\n]*\n$/);
    expect(stderr).toMatch(says);
    if (text !== null) expect(stderr).not.toContain(text.slice(0, 40));
    expect(scenario.kore.requests).toEqual([]);
  });

  test("is taken up by an archive whose digests were not signed: its signature covers them", async () => {
    const { scenario, path, env } = await withKey(newSigningKey());
    await scenario.exportDay();
    expect((await scenario.cli(["export", "--date", DAY], env)).code).toBe(0);
    const [name = ""] = (await readdir(join(scenario.archive, "digests"))).filter((file) => file.endsWith(".pem"));
    const trusted = join(path, "..", "public.pem");
    await writeFile(trusted, await readFile(join(scenario.archive, "digests", name)));
    expect(await verify(scenario, "--public-key", trusted)).toMatchObject({ code: 0, signed_digests: 1 });
    await rm(trusted);
  });

  test.each([
    ["is a private one", newSigningKey()],
    ["is none", "hush"],
  ])("to verify with is refused if it %s", async (_, text) => {
    const { scenario, path } = await withKey(text);
    const { code, stderr } = await scenario.cli(["verify", "--public-key", path, "--head", "abc"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/ERR_SETTINGS: .* holds no public key of a kind that signs digests/);
    expect(stderr).toContain('--head is "abc"; give the 64 hexadecimal digits');
  });
});

describe("a key of KMS", () => {
  async function withKms() {
    const kms = await startKmsServer();
    onTestFinished(() => kms.close());
    vi.stubEnv("AWS_ENDPOINT_URL_KMS", kms.url);
    vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
    return { kms, scenario: await startScenario() };
  }
  const exportWith = (scenario: Scenario, KORE_SIGNING_KEY: string) =>
    scenario.cli(["export", "--date", DAY], { KORE_SIGNING_KEY });

  test.each(["keyArn", "aliasArn"] as const)("signs by its %s, so that verify trusts its public half", async (name) => {
    const { kms, scenario } = await withKms();
    expect(await exportWith(scenario, kms[name])).toMatchObject({ code: 0, stderr: "" });
    const trusted = join(scenario.archive, "..", "public.pem");
    await writeFile(trusted, kms.publicKey);
    expect(await verify(scenario, "--public-key", trusted)).toMatchObject({ code: 0, signed_digests: 1 });
    expect(kms.requests.map(({ operation }) => operation)).toEqual(["GetPublicKey", "Sign"]);
    const [digest] = await digestsOf(scenario);
    expect(digest?.signature.algorithm).toBe("ecdsa-p256-sha256");
  });

  test("is refused before Kore is asked if it may not be used, or is of another kind", async () => {
    const { kms, scenario } = await withKms();
    const of = async (arn: string) => (await exportWith(scenario, arn)).stderr;
    expect(await of(kms.rsaKeyArn)).toMatch(
      /^error ERR_SIGNING_KEY: .* key spec is RSA_2048, and has to be ECC_NIST_P256/,
    );
    expect(await of(`${kms.keyArn}9`)).toMatch(/^error ERR_SIGNING_KEY: kms:GetPublicKey .*NotFoundException/);
    kms.fail("AccessDeniedException");
    expect(await of(kms.keyArn)).toMatch(/^error ERR_SIGNING_KEY: kms:GetPublicKey .*AccessDeniedException/);
    expect(scenario.kore.requests).toEqual([]);
  });

  test("that fails at the end leaves a run without digest, which says so and fails; the next one vouches", async () => {
    const { kms, scenario } = await withKms();
    scenario.kore.misbehave({
      kind: "before-request",
      after: 1,
      times: 1,
      change: () => kms.fail("DisabledException"),
    });
    const { code, stdout, stderr } = await exportWith(scenario, kms.keyArn);
    expect(code).toBe(1);
    expect(stdout).toMatch(/complete[\s\S]*\nno digest was written\n$/);
    expect(stderr).toMatch(/^error ERR_SIGNING_KEY: kms:Sign .*DisabledException/);
    expect(await scenario.archived()).toEqual(scenario.truth());
    expect(
      (await scenario.cli(["backfill", "--local", "--from", DAY, "--to", DAY], { KORE_SIGNING_KEY: kms.keyArn })).code,
    ).toBe(0);
    expect((await digestsOf(scenario)).map(daysIn)).toEqual([[DAY]]);
  });

  test.each(["arn:aws:kms:us-east-1:1:key/x", "arn:aws:s3:::bucket", newSigningKey()])(
    "is refused in a form that it cannot have, without being shown",
    async (text) => {
      const scenario = await startScenario();
      const { code, stderr } = await exportWith(scenario, text);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^error ERR_SETTINGS: KORE_SIGNING_KEY is neither a file's path nor the ARN of a KMS key/);
    },
  );
});
