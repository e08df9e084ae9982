import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { startStandIn } from "../../demo/stand-in/server.ts";
import { digestKey } from "../../functions/exporter/archive/layout.ts";
import { Forger } from "../support/forge.ts";
import { keyPair } from "../support/key-pair.ts";
import { BOT, commandLine, DAYS, digestLines, OTHER_BOT } from "../support/signed-archive.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

/**
 * An archive that version 0.1.0 of the program left: three days of a bot, one of another, seven signed digests of version
 * 1, and somebody who was erased. Its private key is gone.
 */
const FIXTURE = resolve("test/fixtures/version-1");
const PUBLIC_KEY = join(FIXTURE, "public-key.pem");
const HASH_KEY = "the key of hashes of an archive of version 1";
const ERASED = "u-00c6b72f-df6c-43ce-87c9-1be69133ebb2";

async function copied() {
  const folder = await mkdtemp(join(tmpdir(), "kore-version-1-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const archive = join(folder, "archive");
  await cp(join(FIXTURE, "archive"), archive, { recursive: true });
  const key = await keyPair(folder, "new");
  const old = (await readdir(join(archive, "digests"))).find((name) => name.endsWith(".pem"))?.slice(11, 75) ?? "";
  const env = {
    KORE_SIGNING_KEY: key.privatePath,
    KORE_TRUSTED_KEYS: old,
    KORE_HASH_KEY: HASH_KEY,
    KORE_ARCHIVE: archive,
  };
  const verify = async (...args: string[]) => {
    const keys = ["--public-key", PUBLIC_KEY, key.publicPath];
    const { code, stdout } = await commandLine(["verify", "--archive", archive, "--json", ...keys, ...args]);
    const { findings, ...rest } = JSON.parse(stdout);
    return { code, ...rest, codes: findings.map((finding: { code: string }) => finding.code) };
  };
  return { archive, env, verify };
}

/** Exports a day of the bot, of which Kore has 30 sessions, as the new version does. */
async function exportFurther({ env }: Pick<Awaited<ReturnType<typeof copied>>, "env">, ...args: string[]) {
  const clock = new VirtualClock("2026-01-05T04:00:00Z");
  const kore = await startStandIn({
    from: DAYS[0],
    to: "2026-01-05",
    sessionsPerDay: 30,
    bots: [BOT, OTHER_BOT],
    clock,
  });
  try {
    return await commandLine(["export", "--json", ...args], {
      ...env,
      KORE_HOST: kore.url,
      KORE_BOT_IDS: BOT,
      KORE_CLIENT_ID: "cs-demo",
      KORE_CLIENT_SECRET: "demo-secret-of-the-stand-in",
    });
  } finally {
    await kore.close();
  }
}

test("an archive of version 1 verifies", async () => {
  const { verify } = await copied();
  expect(await verify()).toMatchObject({ code: 0, codes: [], archive_id: null, checked: { digests: 7, days: 4 } });
});

test("it is exported further with digests of version 2, takes over days and erasures, and verifies again", async () => {
  const made = await copied();
  const { code, stdout, stderr } = await exportFurther(made, "--date", "2026-01-04");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { digest } = await digestLines(made.archive, 8);
  expect(digest).toMatchObject({ version: 2, number: 8, archive_id: JSON.parse(stdout).archive_id });
  expect(digest.days.map(({ dt }: { dt: string }) => dt)).toEqual(["2026-01-04"]);
  expect(digest.erasures).toHaveLength(1);
  expect(digest.index).toMatchObject([{ month: "2026-01", records: 5 }]);
  const told = JSON.parse(stdout).digest.sha256;
  expect(await made.verify("--head", told)).toMatchObject({ code: 0, codes: [], checked: { digests: 8, days: 5 } });
});

test("its erased person stays out, and is known to the new version", async () => {
  const made = await copied();
  await exportFurther(made, "--from", DAYS[0], "--to", DAYS[2]);
  const sql = `SELECT count(*) AS n FROM sessions WHERE user_id = '${ERASED}'`;
  expect((await commandLine(["sql", "--archive", made.archive, "--json", sql])).stdout).toBe('[{"n":0}]\n');
  expect(await made.verify()).toMatchObject({ code: 0 });
});

test("it is erased from, by the first digest of version 2", async () => {
  const made = await copied();
  const sql = "SELECT user_id, dt FROM sessions WHERE user_id IS NOT NULL ORDER BY user_id LIMIT 1";
  const [{ user_id }] = JSON.parse((await commandLine(["sql", "--archive", made.archive, "--json", sql])).stdout);
  const args = ["erase", "--user-id", user_id, "--apply", "--reference", "T-2", "--json"];
  expect(await commandLine(args, made.env)).toMatchObject({ code: 0, stderr: "" });
  const { digest } = await digestLines(made.archive, 8);
  expect(digest).toMatchObject({ version: 2, days: [], index: [{ month: "2026-01", records: 4 }] });
  expect(digest.erasures).toHaveLength(2);
  expect(await made.verify()).toMatchObject({ code: 0, codes: [], adopted: [], checked: { digests: 9 } });
});

test("of a run that does not trust its key, it says so", async () => {
  const made = await copied();
  const { code, stderr } = await exportFurther({ env: { ...made.env, KORE_TRUSTED_KEYS: "" } }, "--date", "2026-01-04");
  expect(code).toBe(1);
  expect(stderr).toMatch(/ERR_DIGEST_NOT_TRUSTED: .*00000007\.json, is signed with a key that this run does not trust/);
});

test("after a digest of version 2 one of version 1 is none", async () => {
  const made = await copied();
  await exportFurther(made, "--date", "2026-01-04");
  const old = String(await readFile(join(made.archive, digestKey(7))));
  await writeFile(join(made.archive, digestKey(9)), old.replace('"number":7', '"number":9'));
  expect((await made.verify()).codes).toContain("ERR_VERIFY_DIGEST_CHANGED");
});

const PART = `sessions/dt=${DAYS[1]}/containment_type=agent/${BOT}-part-0000.parquet`;
const RECORD = `exports/dt=${DAYS[2]}/${BOT}.json`;

const erasure = async (f: Forger) => `erasures/${(await readdir(f.path("erasures")))[0]}`;

/** Digests of version 1 name no erasures: what is done to their names shows once version 2 has taken them over. */
const AFTERWARDS: [string, (f: Forger) => Promise<unknown>][] = [
  ["the record of the erasure is renamed", async (f) => f.move(await erasure(f), `erasures/${"0".repeat(64)}.json`)],
  [
    "the record of the erasure is copied",
    async (f) => f.write(`erasures/${"0".repeat(64)}.json`, await f.read(await erasure(f))),
  ],
];

describe.each([
  ["as version 1 left it", false],
  ["exported further", true],
])("a copy of it, %s, does not verify once", (_, isExported) => {
  test.each<[string, (f: Forger) => Promise<unknown>]>([
    ["a byte of a file changes", (f) => f.edit(PART, (bytes) => bytes.fill(1, 100, 101))],
    ["a file is removed", (f) => f.remove(PART)],
    ["a file is renamed", (f) => f.move(PART, PART.replace("0000", "0001"))],
    ["a hidden copy of a file is added", async (f) => f.write(PART.replace(BOT, `.${BOT}`), await f.read(PART))],
    ["a record is edited", (f) => f.replace(RECORD, '"total":29', '"total":28')],
    ["a record is removed", (f) => f.remove(RECORD)],
    ["a digest is removed", (f) => f.remove(digestKey(5))],
    ["a digest is edited", (f) => f.replace(digestKey(6), /"run_id":"[^"]*"/, '"run_id":"x"')],
    ["the record of the erasure is removed", async (f) => f.remove(await erasure(f))],
    ...(isExported ? AFTERWARDS : []),
  ])("%s", async (_what, how) => {
    const made = await copied();
    if (isExported) await exportFurther(made, "--date", "2026-01-04");
    await how(new Forger(made.archive));
    expect((await made.verify()).code).toBe(3);
  });
});
