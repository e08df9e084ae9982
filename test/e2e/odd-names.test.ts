import { execFileSync } from "node:child_process";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { ledgerKey, sessionKey } from "../../functions/exporter/archive/layout.ts";
import { startS3Server } from "../support/s3-server/server.ts";
import { BOT, DAY, type Scenario, startScenario } from "../support/scenario.ts";

afterEach(() => vi.unstubAllEnvs());

const KEY = "the key of hashes, of 32 characters or more";
const PART = sessionKey(DAY, "agent", BOT, 0);
const RECORD = ledgerKey(DAY, BOT);

/** Names that are no key of the layout, in the places where readers look. */
const ODD_NAMES = [
  `${dirname(PART)}/.hidden.parquet`,
  `${dirname(PART)}/._${BOT}-part-0000.parquet`,
  `${dirname(PART)}/${BOT}-part-00000.parquet`,
  `${dirname(PART)}/deeper/${BOT}-part-0000.parquet`,
  `${dirname(PART)}/tab\t-part-0000.parquet`,
  `${dirname(PART)}/back\\slash-part-0000.parquet`,
  `${dirname(RECORD)}/.${BOT}.json`,
  `${dirname(RECORD)}/tab\t.json`,
  "exports/notes.txt",
  "sessions/dt=2026-02-30/containment_type=agent/x-part-0000.parquet",
  "erasures/.x.json",
  "digests/notes",
];

/** What each command makes of the archive; every one of them has to go on. */
async function readAll(scenario: Pick<Scenario, "cli">, archive: string) {
  const at = ["--archive", archive];
  const env = { KORE_HASH_KEY: KEY };
  const sql = await scenario.cli([
    "sql",
    ...at,
    "--json",
    "SELECT (SELECT count(*) FROM sessions) AS n, (SELECT count(*) FROM exports) AS m",
  ]);
  const status = await scenario.cli(["status", ...at, "--json"]);
  const report = await scenario.cli(["report", ...at, "--json"]);
  const erase = await scenario.cli(["erase", ...at, "--json", "--user-id", "nobody"], env);
  const exported = await scenario.cli(["export", ...at, "--json", "--date", DAY]);
  const verify = await scenario.cli(["verify", ...at, "--json"]);
  return { sql, status, report, erase, exported, verify };
}

function expectUndisturbed({ sql, status, report, erase, exported }: Awaited<ReturnType<typeof readAll>>): void {
  expect(JSON.parse(sql.stdout)).toEqual([{ n: 60, m: 1 }]);
  for (const { code, stderr } of [sql, status, report, erase, exported]) {
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.not.stringContaining("ERR_") });
  }
  expect(JSON.parse(status.stdout).sources).toHaveLength(1);
  for (const { stderr } of [sql, status, report, erase])
    expect(stderr).toMatch(/left out; `kore-sessions verify` names/);
}

const addedIn = ({ verify }: Awaited<ReturnType<typeof readAll>>) => {
  expect(verify).toMatchObject({ code: 3, stderr: "" });
  const findings: { code: string; key: string }[] = JSON.parse(verify.stdout).findings;
  return findings.filter(({ code }) => code === "ERR_VERIFY_FILE_ADDED").map(({ key }) => key);
};

test("names that are no part of the layout stop no command on a folder, and verify names them", async () => {
  const scenario = await startScenario({}, "2026-01-03T04:00:00Z");
  await scenario.exportDay();
  for (const name of [...ODD_NAMES, "stray.txt"]) {
    await mkdir(dirname(join(scenario.archive, name)), { recursive: true });
    await writeFile(join(scenario.archive, name), "x");
  }
  await writeFile(Buffer.concat([Buffer.from(join(scenario.archive, "exports/")), Buffer.from([0xff, 0xfe])]), "x");
  const all = await readAll(scenario, scenario.archive);
  expectUndisturbed(all);
  expect(addedIn(all)).toEqual(expect.arrayContaining([...ODD_NAMES, "stray.txt", "exports/\ufffd\ufffd"]));
});

test("names that are no part of the layout stop no command on a bucket, and verify names them", async () => {
  const scenario = await startScenario({}, "2026-01-03T04:00:00Z");
  const s3 = await startS3Server();
  onTestFinished(() => s3.close());
  const bucket = s3.createBucket("archive-bucket");
  for (const [name, value] of [
    ["AWS_ENDPOINT_URL_S3", s3.url],
    ["AWS_REGION", "us-east-1"],
  ])
    vi.stubEnv(name ?? "", value);
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) vi.stubEnv(name, "test");
  const archive = "s3://archive-bucket/kore";
  await scenario.cli(["export", "--archive", archive, "--date", DAY]);
  const odd = [...ODD_NAMES, "sessions/", `exports/dt=${DAY}/`, "stray.txt", "exports/control\u0001.json"];
  for (const name of odd) bucket.put(`kore/${name}`, "x");
  const all = await readAll(scenario, archive);
  expectUndisturbed(all);
  expect(addedIn(all)).toEqual(expect.arrayContaining(odd));
});

test("names are shown so that they steer no terminal", async () => {
  const scenario = await startScenario();
  await scenario.exportDay();
  await writeFile(join(scenario.archive, "exports", "\u001b[2J.json"), "x");
  const { code, stdout } = await scenario.cli(["verify"]);
  expect({ code, hasControl: stdout.includes("\u001b") }).toEqual({ code: 3, hasControl: false });
  expect(stdout).toContain("exports/\\u001b[2J.json");
});

describe.each([
  ["a part", PART],
  ["a ledger record", RECORD],
])("in the place of %s", (_what, key) => {
  test.each(["a pipe", "a link to a device", "a link to another file", "a folder"])(
    "%s is read by nobody",
    async (kind) => {
      const scenario = await startScenario({ from: "2026-01-01", to: DAY });
      await scenario.cli(["export", "--from", "2026-01-01", "--to", DAY]);
      const path = join(scenario.archive, key);
      await rm(path);
      if (kind === "a pipe") execFileSync("mkfifo", [path]);
      else if (kind === "a folder") await mkdir(path);
      else
        await symlink(
          kind === "a link to a device" ? "/dev/zero" : join(scenario.archive, ledgerKey("2026-01-01", BOT)),
          path,
        );
      const verify = await scenario.cli(["verify", "--json"]);
      const found = JSON.parse(verify.stdout).findings.map(
        (one: { code: string; key: string }) => `${one.code} ${one.key}`,
      );
      expect(verify.code).toBe(3);
      const shown = kind === "a folder" ? `${key}/` : key;
      expect(found).toEqual(
        expect.arrayContaining([`ERR_VERIFY_FILE_MISSING ${key}`, `ERR_VERIFY_FILE_ADDED ${shown}`]),
      );
      const { code, stdout } = await scenario.cli([
        "sql",
        "--json",
        "SELECT count(*) AS n FROM sessions WHERE dt = '2026-01-01'",
      ]);
      expect({ code, rows: JSON.parse(stdout) }).toEqual({ code: 0, rows: [{ n: 60 }] });
      const exported = await scenario.cli(["export", "--from", "2026-01-01", "--to", DAY, "--json"]);
      const days = JSON.parse(exported.stdout).days;
      expect(days.map(({ dt, ok }: { dt: string; ok: boolean }) => ({ dt, ok }))).toEqual([
        { dt: "2026-01-01", ok: true },
        { dt: DAY, ok: kind !== "a folder" },
      ]);
      if (kind === "a folder") expect(exported.stdout + exported.stderr).toContain("ERR_ARCHIVE_BLOCKED");
      else expect((await scenario.cli(["verify"])).code).toBe(0);
    },
  );
});
