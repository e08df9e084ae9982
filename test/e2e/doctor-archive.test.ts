import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { CheckName } from "../../cli/doctor/checks.ts";
import { digestKey, ledgerKey } from "../../functions/exporter/archive/layout.ts";
import { checkUp, stubAws, temporaryFolder } from "../support/check-up.ts";
import { filesBelow } from "../support/files.ts";
import { startKmsServer } from "../support/kms-server.ts";
import { EMPTY_DIGEST } from "../support/ledger-days.ts";
import { type S3Server, startS3Server } from "../support/s3-server/server.ts";
import { BOT, DAY, type Scenario, startScenario } from "../support/scenario.ts";

const BUCKET = "archive-bucket";
const ON_S3 = { KORE_ARCHIVE: `s3://${BUCKET}/kore` };

afterEach(() => vi.unstubAllEnvs());

/** Runs `doctor`, and expects one problem and no change in the archive's folder. */
async function onlyProblem(
  scenario: Scenario,
  env: Readonly<Record<string, string | undefined>>,
  name: CheckName,
): Promise<{ says: string; remedy: string; skipped: CheckName[] }> {
  const before = await filesBelow(scenario.archive);
  const found = await checkUp(scenario, env);
  expect(found.problems).toEqual([name]);
  expect(found.code).toBe(1);
  expect(await filesBelow(scenario.archive)).toEqual(before);
  const [told] = found.of(name);
  const skipped = found.checks.filter(({ status }) => status === "skipped").map((check) => check.name);
  return { says: told?.says ?? "", remedy: told?.remedy ?? "", skipped };
}

async function signingKeyFile(folder: string, type: "ed25519" | "ec" = "ed25519"): Promise<string> {
  const { privateKey } = type === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", P256);
  const path = join(folder, "signing.pem");
  await writeFile(path, privateKey.export({ type: "pkcs8", format: "pem" }));
  return path;
}
const P256 = { namedCurve: "prime256v1" } as const;

describe("doctor on an archive in a folder", () => {
  test("tells its days, its zone and its last run", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    const found = await checkUp(scenario);
    expect(found.of("archive-read")[0]?.says).toBe(`${scenario.archive}: 1 day of 1 source in the ledger`);
    expect(found.of("archive-write")[0]?.says).toMatch(/^its permissions allow it, and [\d,]+ [GM]B are free$/);
    expect(found.of("time-zone")[0]?.says).toBe("UTC, as KORE_TIME_ZONE says");
    expect(found.of("last-run")[0]?.says).toBe(
      `The last run ended on 2026-01-04 04:00 UTC; newest: ${BOT} ${DAY} (complete)`,
    );
  });

  test("names a folder that lies below a file", async () => {
    const scenario = await startScenario();
    const file = join(await temporaryFolder(), "file");
    await writeFile(file, "");
    const { says, skipped } = await onlyProblem(scenario, { KORE_ARCHIVE: join(file, "archive") }, "archive-read");
    expect(says).toMatch(/^cannot list .*ENOTDIR/);
    expect(skipped).toEqual(expect.arrayContaining(["archive-write", "time-zone", "personal-data", "last-run"]));
  });

  test("names a folder that may not be written", async () => {
    const scenario = await startScenario();
    await mkdir(scenario.archive);
    // Nothing is forbidden to root, but no user may enter a file.
    if (process.getuid?.() === 0) await writeFile(join(scenario.archive, "sessions"), "");
    else await chmod(scenario.archive, 0o555);
    const { says } = await onlyProblem(scenario, {}, "archive-write");
    expect(says).toMatch(/^Nothing could be written to .*archive: EACCES: permission denied/);
  });

  test.each(["index", "digests"])("names %s within it that may not be written", async (prefix) => {
    const scenario = await startScenario();
    await mkdir(scenario.archive);
    // Stands for a folder without permissions, which would keep nothing from root.
    await writeFile(join(scenario.archive, prefix), "");
    const { says } = await onlyProblem(scenario, {}, "archive-write");
    expect(says).toMatch(/^Nothing could be written to .*archive: EACCES: permission denied/);
  });

  test.each(["holds", "messages"])("does not ask for %s to be written, which no export does", async (prefix) => {
    const scenario = await startScenario();
    await mkdir(scenario.archive);
    await writeFile(join(scenario.archive, prefix), "");
    expect((await checkUp(scenario)).problems).toEqual([]);
  });

  test("names another time zone", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    const { says, remedy } = await onlyProblem(scenario, { KORE_TIME_ZONE: "Europe/Berlin" }, "time-zone");
    expect(says).toMatch(/^The days of .* are those of UTC, not Europe\/Berlin\.$/);
    expect(remedy).toBe("Use that zone, or another archive.");
  });

  test("names a day that the last run left incomplete", async () => {
    const scenario = await startScenario();
    scenario.kore.misbehave({ kind: "total", as: { offset: 1 }, onlyPages: true });
    expect((await scenario.exportDay()).code).toBe(1);
    scenario.kore.misbehave();
    const { says, remedy } = await onlyProblem(scenario, {}, "last-run");
    expect(says).toMatch(new RegExp(`${DAY} of ${BOT} is incomplete \\(ERR_[A-Z_]+\\)\\.$`));
    expect(remedy).toMatch(/kore-sessions status.*export --repair/);
  });

  test("names a record that is damaged", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    await writeFile(join(scenario.archive, ledgerKey(DAY, BOT)), "{");
    const { says } = await onlyProblem(scenario, {}, "last-run");
    expect(says).toContain(`${DAY} of ${BOT} has a damaged record`);
  });
});

describe("doctor on the digests", () => {
  const [OF_VERSION_1 = ""] = readFileSync(`test/fixtures/version-1/archive/${digestKey(1)}`, "utf8").split("\n");

  async function withDigest(number: number, line: string): Promise<Scenario> {
    const scenario = await startScenario();
    const path = join(scenario.archive, digestKey(number));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${line}\nnull\n`);
    return scenario;
  }

  test("tells nothing before there is one", async () => {
    expect((await checkUp(await startScenario())).of("digests")).toEqual([]);
  });

  test("warns of version 1, which the next run leaves behind for good", async () => {
    const scenario = await withDigest(1, OF_VERSION_1);
    const found = await checkUp(scenario);
    expect(found).toMatchObject({ code: 0, problems: [] });
    expect(found.of("digests")).toEqual([
      {
        name: "digests",
        status: "warning",
        says: "the newest digest is of version 1: the first run of this version writes version 2",
        remedy: 'Bring laptops and operators\' policies up to date first: docs/deploy.md, "Upgrading".',
      },
    ]);
    const { stdout } = await scenario.cli(["doctor"]);
    expect(stdout).toMatch(/\n {2}! warning {2}Digests .*\n +→ Bring laptops/);
    expect(stdout).toMatch(/\nNo problem, 1 warning, \d+ ok, \d+ skipped\. Nothing was changed\.\n$/);
  });

  test("names the archive by the newest of version 2", async () => {
    const id = EMPTY_DIGEST.archive_id;
    const scenario = await withDigest(1, OF_VERSION_1);
    await writeFile(join(scenario.archive, digestKey(2)), `${JSON.stringify(EMPTY_DIGEST)}\nnull\n`);
    const [told] = (await checkUp(scenario)).of("digests");
    expect(told).toEqual({ name: "digests", status: "ok", says: `of version 2; the archive is ${id}` });
  });

  test.each([
    [
      "of a version to come",
      '{"version":3}',
      "The newest digest is of version 3, of which this program knows nothing.",
    ],
    ["without the archive's id", '{"version":2}', "The newest digest is damaged."],
    ["that is no JSON", "{", "The newest digest is damaged."],
  ])("names one %s", async (_, line, says) => {
    const told = await onlyProblem(await withDigest(1, line), {}, "digests");
    expect(told).toMatchObject({ says, remedy: expect.stringMatching(/^Update this program/) });
  });
});

describe("doctor on a signing key", () => {
  test("signs with it, and keeps nothing", async () => {
    const scenario = await startScenario();
    const found = await checkUp(scenario, { KORE_SIGNING_KEY: await signingKeyFile(await temporaryFolder()) });
    expect(found.of("signing-key")[0]?.says).toMatch(/^signs \(ed25519, fingerprint [0-9a-f]{16}…\)$/);
  });

  test.each([
    ["that is not there", async () => "nowhere.pem", /cannot be read \(ENOENT/],
    ["of another type", async () => signingKeyFile(await temporaryFolder(), "ec"), /is a key of type ec/],
  ])("names one %s", async (_, make, says) => {
    const scenario = await startScenario();
    const told = await onlyProblem(scenario, { KORE_SIGNING_KEY: await make() }, "signing-key");
    expect(told.says).toMatch(says);
  });

  test("names one that lies in the archive", async () => {
    const scenario = await startScenario();
    await mkdir(scenario.archive);
    const path = await signingKeyFile(scenario.archive);
    const told = await onlyProblem(scenario, { KORE_SIGNING_KEY: path }, "signing-key");
    expect(told).toMatchObject({ says: `The signing key ${path} lies in the archive.` });
    expect(told.remedy).toMatch(/^Keep it elsewhere/);
    expect(told.says + told.remedy).not.toContain((await readFile(path, "utf8")).split("\n")[1]);
  });

  test("asks KMS, and names what it forbids", async () => {
    const kms = await startKmsServer();
    onTestFinished(() => kms.close());
    stubAws({ KMS: kms });
    const scenario = await startScenario();
    const env = { KORE_SIGNING_KEY: kms.keyArn };
    expect((await checkUp(scenario, env)).of("signing-key")[0]?.says).toMatch(/^signs \(ecdsa-p256-sha256/);
    kms.fail("AccessDeniedException");
    const told = await onlyProblem(scenario, env, "signing-key");
    expect(told.says).toMatch(/^kms:GetPublicKey with .* failed \(AccessDeniedException/);
    expect(told.remedy).toMatch(/^Check KORE_SIGNING_KEY/);
  });
});

describe("doctor on personal data", () => {
  const KEY = "k".repeat(40);

  test("tells the rules", async () => {
    const scenario = await startScenario();
    const found = await checkUp(scenario, { KORE_PII: "user_id=hash", KORE_HASH_KEY: KEY });
    expect(found.of("personal-data")[0]?.says).toBe("archived by the rules user_id=hash, with a key");
  });

  test("names a key that is not the one of the erasures", async () => {
    const scenario = await startScenario();
    await scenario.exportDay();
    const erase = ["erase", "--user-id", "zoe@example.com", "--reference", "case 1", "--apply"];
    const erased = await scenario.cli(erase, { KORE_HASH_KEY: KEY });
    expect(erased).toMatchObject({ code: 0 });
    const told = await onlyProblem(scenario, { KORE_HASH_KEY: "z".repeat(40) }, "personal-data");
    expect(told.says).toMatch(/key/);
    expect((await checkUp(scenario, { KORE_HASH_KEY: KEY })).of("personal-data")[0]?.says).toMatch(
      /the key is that of the erasures$/,
    );
  });
});

describe("doctor on an archive in a bucket", () => {
  async function startBucket(): Promise<S3Server> {
    const s3 = await startS3Server();
    onTestFinished(() => s3.close());
    s3.createBucket(BUCKET, { objectLock: true });
    stubAws({ S3: s3 });
    return s3;
  }

  test("reads what there is, and writes nothing to find out", async () => {
    const s3 = await startBucket();
    const scenario = await startScenario();
    await scenario.cli(["export", "--date", DAY], ON_S3);
    const before = s3.requests.length;
    const found = await checkUp(scenario, ON_S3);
    expect(found).toMatchObject({ code: 0, problems: [] });
    expect(found.of("archive-write")).toEqual([
      {
        name: "archive-write",
        status: "skipped",
        says: "Only a write would tell whether s3:PutObject is allowed; none was made. A run last wrote on 2026-01-04 04:00 UTC.",
      },
    ]);
    const asked = s3.requests.slice(before).map(({ method }) => method);
    expect(asked.length).toBeGreaterThan(3);
    expect(asked.filter((method) => method !== "GET" && method !== "HEAD")).toEqual([]);
  });

  test("names a bucket that does not exist", async () => {
    await startBucket();
    const scenario = await startScenario();
    const told = await onlyProblem(scenario, { KORE_ARCHIVE: "s3://another-bucket" }, "archive-read");
    expect(told.says).toMatch(/^s3:ListBucket on s3:\/\/another-bucket\/exports\/ failed: NoSuchBucket/);
    expect(told.remedy).toMatch(/^Check the bucket's name, AWS_REGION/);
  });

  test.each(["s3:ListBucket", "s3:GetObject"])("names what is forbidden: %s", async (action) => {
    const s3 = await startBucket();
    const scenario = await startScenario();
    await scenario.cli(["export", "--date", DAY], ON_S3);
    s3.deny({ action });
    const told = await onlyProblem(scenario, ON_S3, "archive-read");
    expect(told.says).toContain(`${action} on s3://`);
    expect(told.says).toContain("access denied");
    expect(told.remedy).toContain(`Allow ${action}`);
  });
});
