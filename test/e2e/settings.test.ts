import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readSettings } from "../../functions/exporter/settings.ts";
import { startScenario } from "../support/scenario.ts";

interface Case {
  readonly wrong: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What the one line on stderr says, after `error ERR_SETTINGS: `. */
  readonly says: RegExp;
}

/** Settings with all that has no default. */
const COMPLETE = {
  KORE_HOST: "https://kore.example",
  KORE_BOT_IDS: "st-1",
  KORE_CLIENT_ID: "cs-1",
  KORE_CLIENT_SECRET: "hush",
  KORE_ARCHIVE: "archive",
};

const cases: readonly Case[] = [
  {
    wrong: "no host",
    env: { KORE_HOST: undefined },
    says: /^KORE_HOST is missing; set it to .*https:\/\/platform\.kore\.ai/,
  },
  { wrong: "a blank host", env: { KORE_HOST: "  " }, says: /^KORE_HOST is missing/ },
  {
    wrong: "plain http",
    env: { KORE_HOST: "http://platform.kore.ai" },
    says: /^KORE_HOST is "http:\/\/platform.*use https/,
  },
  { wrong: "a password in the archive", args: ["--archive", "s3://AKIA:hush@b/x"], says: /^(?!.*hush)the archive / },
  {
    wrong: "a password in a wrong host",
    env: { KORE_HOST: "https://me:hush@kore.ai:99999" },
    says: /^(?!.*hush)KORE_HOST/,
  },
  { wrong: "another scheme", env: { KORE_HOST: "ftp://kore.ai" }, says: /^KORE_HOST is "ftp:\/\/kore\.ai"/ },
  {
    wrong: "a password in the host",
    env: { KORE_HOST: "https://me:hush@kore.ai" },
    says: /^KORE_HOST holds more than an address/,
  },
  {
    wrong: "a date that does not exist",
    args: ["--date", "2026-02-30"],
    says: /^--date is "2026-02-30"; give a date that exists/,
  },
  { wrong: "a date in another form", args: ["--date", "02.01.2026"], says: /^--date is "02\.01\.2026"/ },
  {
    wrong: "a day and a range",
    args: ["--date", "2026-01-02", "--from", "2026-01-01"],
    says: /^Both --date and --from/,
  },
  { wrong: "half a range", args: ["--from", "2026-01-01"], says: /^--to is missing/ },
  {
    wrong: "a range backwards",
    args: ["--from", "2026-01-02", "--to", "2026-01-01"],
    says: /^--to 2026-01-01 lies before/,
  },
  { wrong: "a day to come", args: ["--date", "2026-01-05"], says: /^2026-01-05 has not begun yet in UTC/ },
  {
    wrong: "an unknown zone",
    args: ["--time-zone", "Mars/Base"],
    says: /^KORE_TIME_ZONE \(--time-zone\) is "Mars\/Base"/,
  },
  { wrong: "an offset for a zone", args: ["--time-zone", "+02:00"], says: /^KORE_TIME_ZONE .* is "\+02:00"/ },
  { wrong: "bots and the account", args: ["--bot", "st-1", "--account"], says: /^Both bots and the account/ },
  { wrong: "neither bots nor the account", env: { KORE_BOT_IDS: undefined }, says: /^No source is given/ },
  { wrong: "a bot id with a slash", args: ["--bot", "st/1"], says: /^The bot id "st\/1" cannot be one/ },
  { wrong: "an account that is neither true nor false", env: { KORE_ACCOUNT: "yes" }, says: /^KORE_ACCOUNT is "yes"/ },
  {
    wrong: "no credentials",
    env: { KORE_CLIENT_ID: undefined, KORE_CLIENT_SECRET: undefined },
    says: /^No credentials are given/,
  },
  { wrong: "no secret", env: { KORE_CLIENT_SECRET: undefined }, says: /^KORE_CLIENT_SECRET is missing/ },
  { wrong: "no client id", env: { KORE_CLIENT_ID: undefined }, says: /^KORE_CLIENT_ID is missing/ },
  {
    wrong: "two kinds of credentials",
    env: { KORE_SECRET_ID: "kore" },
    says: /^Both KORE_SECRET_ID and KORE_CLIENT_ID/,
  },
  { wrong: "no archive", env: { KORE_ARCHIVE: undefined }, says: /^No archive is given/ },
  {
    wrong: "an archive that is a web address",
    args: ["--archive", "https://bucket"],
    says: /an archive is a folder's path or s3:/,
  },
  { wrong: "a bucket without a name", args: ["--archive", "s3://"], says: /^the archive "s3:\/\/" names no bucket/ },
  {
    wrong: "a quota that is no number",
    env: { KORE_REQUESTS_PER_MINUTE: "many" },
    says: /^KORE_REQUESTS_PER_MINUTE is "many"/,
  },
  { wrong: "a negative quota", env: { KORE_REQUESTS_PER_HOUR: "-1" }, says: /^KORE_REQUESTS_PER_HOUR is "-1"/ },
  {
    wrong: "a page of nothing",
    env: { KORE_PAGE_SIZE: "0" },
    says: /^KORE_PAGE_SIZE is "0"; give a whole number from 1/,
  },
  { wrong: "no time at all", env: { KORE_REQUEST_TIMEOUT_SECONDS: "0" }, says: /^KORE_REQUEST_TIMEOUT_SECONDS is "0"/ },
  { wrong: "no rules", env: { KORE_PII: "user_id" }, says: /^KORE_PII: "user_id" is no rule; write user_id, alt_text/ },
  {
    wrong: "a rule that never decides",
    env: { KORE_PII: "tag:*=keep,tag:a=drop" },
    says: /^KORE_PII: "tag:a=drop" never decides, since tag:\*=keep stands before it\.$/m,
  },
  { wrong: "hashes without a key", env: { KORE_PII: "user_id=hash" }, says: /^KORE_PII hashes, but KORE_HASH_KEY is/ },
  {
    wrong: "a short key of hashes",
    env: { KORE_PII: "user_id=hash", KORE_HASH_KEY: "hush" },
    says: /^(?!.*hush)KORE_HASH_KEY has less than 32 characters/,
  },
  {
    wrong: "two places for the key of hashes",
    env: { KORE_CLIENT_ID: undefined, KORE_CLIENT_SECRET: undefined, KORE_SECRET_ID: "kore", KORE_HASH_KEY: "x" },
    says: /^Both KORE_HASH_KEY and KORE_SECRET_ID/,
  },
  {
    wrong: "a signing key",
    env: { KORE_SIGNING_KEY: "arn:aws:s3:::bucket" },
    says: /^KORE_SIGNING_KEY is neither a file's path nor the ARN of a KMS key/,
  },
  {
    wrong: "a trusted key by its beginning",
    env: { KORE_TRUSTED_KEYS: `${"a".repeat(64)},621e7446` },
    says: /^KORE_TRUSTED_KEYS has "621e7446…", 8 characters; give fingerprints of public keys, 64 hexadecimal digits/,
  },
  {
    wrong: "a whole key in place of its fingerprint, which may be a secret",
    env: { KORE_TRUSTED_KEYS: "MC4CAQAwBQYDK2VwBCIEIhush" },
    says: /^(?!.*hush)KORE_TRUSTED_KEYS has "mc4caqawbqydk2vw…", 25 characters/,
  },
];

describe("export refuses, in one line and with exit code 2,", () => {
  test.each(cases)("$wrong", async ({ args = [], env = {}, says }) => {
    const scenario = await startScenario({ sessionsPerDay: 0 });
    const { code, stdout, stderr } = await scenario.cli(["export", ...args], env);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr.split("\n")).toHaveLength(2);
    expect(stderr.replace(/^error ERR_SETTINGS: /, "")).toMatch(says);
    expect(scenario.kore.requests).toEqual([]);
    expect(await scenario.files()).toEqual([]);
  });

  test("a folder that cannot be written, as root too", async () => {
    const scenario = await startScenario({ sessionsPerDay: 0 });
    const file = join(scenario.archive, "..", "file");
    await writeFile(file, "in the way");
    const { code, stderr } = await scenario.cli(["export", "--archive", join(file, "archive")]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error ERR_SETTINGS: [^\n]*file[^\n]*\n$/);
  });

  test.each([
    [["export", "--dates", "2026-01-02"], /--dates/],
    [["exprot"], /exprot/],
    [["sql"], /query/],
    [["export", "--date"], /--date/],
  ])("wrong usage such as %j", async (args, says) => {
    const scenario = await startScenario({ sessionsPerDay: 0 });
    const { code, stderr } = await scenario.cli(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(says);
  });

  test("everything that is wrong, together, a line each", async () => {
    const scenario = await startScenario({ sessionsPerDay: 0 });
    await mkdir(scenario.archive, { recursive: true });
    const blocked = join(scenario.archive, "blocked");
    await writeFile(blocked, "");
    const env = { KORE_HOST: undefined, KORE_CLIENT_SECRET: undefined, KORE_PAGE_SIZE: "x", KORE_ACCOUNT: undefined };
    const args = [
      "export",
      "--date",
      "2026-13-01",
      "--time-zone",
      "Nowhere",
      "--archive",
      blocked,
      "--bot",
      "a",
      "--account",
    ];
    const { code, stderr } = await scenario.cli(args, env);
    expect(code).toBe(2);
    const lines = stderr.trimEnd().split("\n");
    expect(lines).toHaveLength(7);
    for (const name of [
      "KORE_HOST",
      "KORE_CLIENT_SECRET",
      "KORE_PAGE_SIZE",
      "--date",
      "--time-zone",
      "blocked",
      "Both bots",
    ]) {
      expect(lines.filter((line) => line.startsWith("error ERR_SETTINGS: ") && line.includes(name))).toHaveLength(1);
    }
  });
});

describe("export takes", () => {
  test.each(["https://kore.example/", "kore.example", "http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"])(
    "%s for a host",
    async (host) => {
      const scenario = await startScenario({ sessionsPerDay: 0 });
      const { stderr } = await scenario.cli(["export", "--date", "2026-13-01"], { KORE_HOST: host });
      expect(stderr).not.toContain("KORE_HOST");
    },
  );

  test("yesterday, if no day is named", async () => {
    const scenario = await startScenario({ from: "2026-01-03", sessionsPerDay: 5 });
    const { code, stdout } = await scenario.cli(["export", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).days).toMatchObject([{ dt: "2026-01-03", archived: { total: 5 } }]);
  });

  test("fingerprints of trusted keys in either case, with blanks, each once", () => {
    const [one, other] = ["0a".repeat(32), "f".repeat(64)];
    const read = (KORE_TRUSTED_KEYS: string) => readSettings({ ...COMPLETE, KORE_TRUSTED_KEYS }).trustedKeys;
    expect(read(`${one.toUpperCase()} , ${other},${one},`)).toEqual([one, other]);
    expect(read(" ")).toEqual([]);
  });

  test("flags over the environment", async () => {
    const scenario = await startScenario({ sessionsPerDay: 5 });
    const env = { KORE_ACCOUNT: "true", KORE_BOT_IDS: undefined, KORE_TIME_ZONE: "Nowhere", KORE_ARCHIVE: "s3://" };
    const args = ["--time-zone", "UTC", "--bot", "st-support-0001", "--archive", scenario.archive];
    const { code } = await scenario.cli(["export", "--date", "2026-01-02", ...args], env);
    expect(code).toBe(0);
    expect(await scenario.archived()).toEqual(scenario.truth());
  });
});

describe("help", () => {
  test.each([["--help"], ["export", "--help"], ["status", "--help"], ["sql", "--help"], ["--version"]])(
    "%s %s goes to stdout with exit code 0",
    async (...args) => {
      const scenario = await startScenario({ sessionsPerDay: 0 });
      const { code, stdout, stderr } = await scenario.cli(args.filter((arg) => arg !== undefined));
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout.length).toBeGreaterThan(3);
    },
  );
});
