import { execFileSync } from "node:child_process";
import { chmod, chown, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { environmentEntries, missingVariables, readEnvironmentFile, variablesOf } from "../../cli/environment-file.ts";
import { withVariables } from "../../cli/init/environment-text.ts";
import { startProcess } from "../support/processes.ts";

async function folderWith(text: string | Buffer, mode = 0o600): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kore-env-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, ".env"), text);
  await chmod(join(folder, ".env"), mode);
  return folder;
}

/** The command line in a process of its own, run in a folder, with nothing of Kore's in its environment. */
const run = (folder: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  startProcess(resolve("cli/main.js"), args, env, folder).ended;

const IS_POSIX = process.platform !== "win32";

describe("a command reads .env in the folder it is run in", () => {
  test("and the environment wins over it, and a flag over both", async () => {
    const folder = await folderWith("# mine\nKORE_ARCHIVE='./from file'\n");
    expect((await run(folder, ["status"])).stdout).toContain(join(folder, "from file"));
    expect((await run(folder, ["status"], { KORE_ARCHIVE: "./variable" })).stdout).toContain(join(folder, "variable"));
    const flag = await run(folder, ["status", "--archive", "./flag"], { KORE_ARCHIVE: "./variable" });
    expect(flag).toMatchObject({ code: 0, stderr: "", stdout: `No day is archived in ${join(folder, "flag")} yet.\n` });
  });

  test("and hands AWS variables to the AWS SDK", async () => {
    const folder = await folderWith(
      "KORE_ARCHIVE=s3://archive-bucket/kore\nAWS_REGION=eu-central-1\nAWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b\n" +
        "AWS_ENDPOINT_URL_S3=http://127.0.0.1:9\nAWS_MAX_ATTEMPTS=1\n",
    );
    const { code, stderr } = await run(folder, ["status"]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/127\.0\.0\.1:9|ECONNREFUSED/);
  });

  test("and ends with exit code 2 and the line's number if it is broken, without showing it", async () => {
    const folder = await folderWith("KORE_ARCHIVE=./archive\nhush-hush\n");
    const { code, stdout, stderr } = await run(folder, ["status"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(
      `error ERR_SETTINGS: ${join(folder, ".env")}, line 2, is not NAME=value; mend it, or begin it with #.\n`,
    );
    expect(await run(folder, ["--help"])).toMatchObject({ code: 0, stderr: "" });
    expect(await run(folder, ["completion", "bash"])).toMatchObject({ code: 0, stderr: "" });
  });

  test.runIf(IS_POSIX)("and warns if others can read a secret in it", async () => {
    const folder = await folderWith("KORE_ARCHIVE=./archive\nKORE_CLIENT_SECRET=hush-hush\n", 0o640);
    const { code, stderr } = await run(folder, ["status"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: .*\.env holds KORE_CLIENT_SECRET, .*chmod 600/);
    expect(stderr).not.toContain("hush-hush");
  });
});

describe("a command takes from .env nothing that was not meant for it", () => {
  test("so no file of profiles that has a program run for credentials", async () => {
    const folder = await folderWith(
      "KORE_ARCHIVE=s3://archive-bucket/kore\nAWS_CONFIG_FILE=./config\nAWS_PROFILE=harmful\nAWS_REGION=eu-central-1\n" +
        "AWS_ENDPOINT_URL=http://127.0.0.1:9\nAWS_MAX_ATTEMPTS=1\nAWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:9\n",
    );
    const program = `${process.execPath} -e "require('fs').writeFileSync('${join(folder, "was-run")}', '')"`;
    await writeFile(join(folder, "config"), `[profile harmful]\ncredential_process = ${program}\n`);
    const { code, stderr } = await run(folder, ["status"], { HOME: folder });
    expect(await readdir(folder)).not.toContain("was-run");
    expect(code).not.toBe(0);
    const place = join(folder, ".env");
    expect(stderr.split("\n").slice(0, 2)).toEqual([
      `warning: ${place}, line 2, AWS_CONFIG_FILE is not taken from a file; set it in the environment instead.`,
      `warning: ${place}, line 7, AWS_CONTAINER_CREDENTIALS_FULL_URI is not taken from a file; set it in the environment instead.`,
    ]);
  });

  test("and ends with exit code 2 at a misspelt setting, with the line and the name that is meant", async () => {
    const folder = await folderWith("KORE_ARCHIVE=./archive\n\nKORE_TIMEZONE=UTC\nOTHER=1\n");
    const { code, stderr } = await run(folder, ["status"]);
    expect(code).toBe(2);
    expect(stderr).toBe(
      `error ERR_SETTINGS: ${join(folder, ".env")}, line 3, KORE_TIMEZONE is no setting; did you mean KORE_TIME_ZONE?\n`,
    );
  });

  test.runIf(IS_POSIX)("and reads no file that others may write, and says how to change that", async () => {
    for (const mode of [0o620, 0o602]) {
      const folder = await folderWith("KORE_ARCHIVE=./archive\n", mode);
      const { code, stdout, stderr } = await run(folder, ["status"]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(
        /^error ERR_SETTINGS: .*\.env can be written by other users of this computer; .*chmod go-w \.env\n$/,
      );
    }
  });

  test.runIf(IS_POSIX)("and waits for no pipe of that name", async () => {
    const folder = await folderWith("");
    await rm(join(folder, ".env"));
    execFileSync("mkfifo", [join(folder, ".env")]);
    const { code, stderr } = await run(folder, ["status", "--archive", "./archive"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/\.env is no regular file; remove it/);
  });
});

describe("readEnvironmentFile", () => {
  test.runIf(IS_POSIX)("reads what a link leads to, and judges that", async () => {
    const folder = await folderWith("KORE_HOST=kore.example\n");
    await rename(join(folder, ".env"), join(folder, "shared.env"));
    await symlink("shared.env", join(folder, ".env"));
    expect(readEnvironmentFile(folder)).toEqual({
      variables: { KORE_HOST: "kore.example" },
      problems: [],
      warnings: [],
    });
    await chmod(join(folder, "shared.env"), 0o666);
    expect(readEnvironmentFile(folder)).toMatchObject({ variables: {}, problems: [expect.stringContaining("chmod")] });
  });

  test.runIf(process.geteuid?.() === 0)("refuses a file that belongs to another user", async () => {
    const folder = await folderWith("KORE_HOST=kore.example\n");
    await chown(join(folder, ".env"), 12345, 12345);
    expect(readEnvironmentFile(folder)).toEqual({
      variables: {},
      problems: [expect.stringMatching(/\.env belongs to another user \(12345\), who .* cp \.env /)],
      warnings: [],
    });
  });

  test("refuses a file that is larger than any with settings", async () => {
    const folder = await folderWith(`KORE_HOST=kore.example\n#${"x".repeat(1024 * 1024)}`);
    expect(readEnvironmentFile(folder)).toMatchObject({ variables: {}, problems: [expect.stringContaining("1 MiB")] });
  });

  test("finds nothing wrong where there is no such file, or a folder of that name", async () => {
    const folder = await mkdtemp(join(tmpdir(), "kore-env-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const nothing = { variables: {}, problems: [], warnings: [] };
    expect(readEnvironmentFile(folder)).toEqual(nothing);
    await mkdir(join(folder, ".env"));
    expect(readEnvironmentFile(folder)).toEqual(nothing);
  });

  test.runIf(IS_POSIX)("warns of no file that has no secret, or that only its owner can read", async () => {
    expect(readEnvironmentFile(await folderWith("KORE_HOST=kore.example\n", 0o644)).warnings).toEqual([]);
    expect(readEnvironmentFile(await folderWith("KORE_HASH_KEY=\n", 0o644)).warnings).toEqual([]);
    expect(readEnvironmentFile(await folderWith("KORE_HASH_KEY=hush\n", 0o600)).warnings).toEqual([]);
    expect(readEnvironmentFile(await folderWith("AWS_SECRET_ACCESS_KEY=hush\n", 0o604)).warnings).toHaveLength(1);
  });
});

describe("the variables of the file", () => {
  test("are settings, and what the AWS SDK is told of credentials, Region and addresses", () => {
    expect(
      variablesOf(
        "\uFEFFKORE_HOST=a\r\nAWS_REGION=b\nexport KORE_PII='c'\nPATH=d\nkore_host=e\nXKORE_=f\nKORE_SCRATCH=g\n" +
          "AWS_ENDPOINT_URL_KMS=h\nAWS_CA_BUNDLE=i\nAWS_SHARED_CREDENTIALS_FILE=j\nAWS_WEB_IDENTITY_TOKEN_FILE=k\n",
      ),
    ).toEqual({ KORE_HOST: "a", AWS_REGION: "b", KORE_PII: "c", AWS_ENDPOINT_URL_KMS: "h" });
  });

  test.each<[string, Record<string, string>, Record<string, string | undefined>, Record<string, string>]>([
    ["one the environment has, also empty", { KORE_HOST: "a", KORE_PII: "x" }, { KORE_HOST: "b", KORE_PII: "" }, {}],
    ["bots beside an account", { KORE_BOT_IDS: "st-1" }, { KORE_ACCOUNT: "true" }, {}],
    ["an account beside bots", { KORE_ACCOUNT: "true" }, { KORE_BOT_IDS: "st-1" }, {}],
    ["a client beside a secret's name", { KORE_CLIENT_ID: "a", KORE_CLIENT_SECRET: "b" }, { KORE_SECRET_ID: "c" }, {}],
    ["a secret's name beside a client", { KORE_SECRET_ID: "c" }, { KORE_CLIENT_SECRET: "b" }, {}],
    [
      "part of other AWS credentials",
      { AWS_SESSION_TOKEN: "t", AWS_REGION: "r" },
      { AWS_PROFILE: "p" },
      { AWS_REGION: "r" },
    ],
  ])("leave out %s", (_, variables, env, added) => {
    expect(missingVariables(variables, env)).toEqual(added);
  });

  test.each<[Record<string, string>, Record<string, string | undefined>]>([
    [{ KORE_BOT_IDS: "st-1" }, { KORE_ACCOUNT: "false" }],
    [{ KORE_CLIENT_ID: "a" }, { KORE_CLIENT_SECRET: "b" }],
    [{ KORE_CLIENT_ID: "a", KORE_CLIENT_SECRET: "b" }, { KORE_SECRET_ID: " " }],
  ])("%j stay beside %j", (variables, env) => {
    expect(missingVariables(variables, env)).toEqual(variables);
  });
});

describe("environmentEntries", () => {
  test.each([
    ["KORE_A='never closed\nKORE_B=1\n", "line 1, opens a quote for KORE_A that is never closed; close it."],
    ["\n=value\n", "line 2, is not NAME=value; mend it, or begin it with #."],
    ["KORE HOST=x", "line 1, is not NAME=value; mend it, or begin it with #."],
    [
      "KORE_PII=ab#cd",
      "line 1, has a # in the value of KORE_PII, which begins a comment; put the value in single quotes.",
    ],
    ["\u0000K\u0000O", "line 1, is not NAME=value; mend it, or begin it with #."],
  ])("finds what is wrong with %j", (text, problem) => {
    expect(environmentEntries(text).problems).toEqual([problem]);
  });

  test("finds nothing wrong with comments, blank lines, quotes over several lines, and empty values", () => {
    const text = "# it's\n\nKORE_A='x\ny=1\n'\nKORE_B=\nKORE_C=x # said\nOTHER=a#b\nKORE_D=\"#\" # y\n";
    expect(environmentEntries(text)).toEqual({
      problems: [],
      entries: [
        { name: "KORE_A", first: 2, last: 4 },
        { name: "KORE_B", first: 5, last: 5 },
        { name: "KORE_C", first: 6, last: 6 },
        { name: "OTHER", first: 7, last: 7 },
        { name: "KORE_D", first: 8, last: 8 },
      ],
    });
  });
});

describe("withVariables", () => {
  const value = fc
    .string({ unit: "binary", minLength: 1, maxLength: 30 })
    .filter((text) => !/\p{Cc}|\p{Cs}/u.test(text) && !(/'/.test(text) && /["\\]/.test(text) && /`/.test(text)));

  test("writes any value so that it is read back, into a new file and over an old one", () => {
    fc.assert(
      fc.property(value, value, (one, other) => {
        const first = withVariables(null, { KORE_CLIENT_SECRET: one, KORE_HOST: "h" });
        expect(variablesOf(first)).toEqual({ KORE_CLIENT_SECRET: one, KORE_HOST: "h" });
        const second = withVariables(first, { KORE_CLIENT_SECRET: other });
        expect(variablesOf(second)).toEqual({ KORE_CLIENT_SECRET: other, KORE_HOST: "h" });
        expect(environmentEntries(second).problems).toEqual([]);
        expect(second.split("\n")).toHaveLength(first.split("\n").length);
      }),
    );
  });

  test("leaves every other line as it is, and the old lines of a value it takes out as comments", () => {
    const text = "A=1\nexport KORE_HOST=a # old\nKORE_BOT_IDS='st-1,\nst-2'\n# KORE_ACCOUNT=false\nB=2";
    const changed = withVariables(text, { KORE_HOST: "b", KORE_BOT_IDS: undefined, KORE_ACCOUNT: "true" });
    expect(changed).toBe(
      "A=1\nexport KORE_HOST=b\n# KORE_BOT_IDS='st-1,\n# st-2'\n# KORE_ACCOUNT=false\nB=2\n\n" +
        "# true: archive the whole account through the admin-console endpoint, instead of bots\nKORE_ACCOUNT=true\n",
    );
  });

  test("refuses a value that no quotes can hold, without showing it", () => {
    for (const wild of ["two\nlines", "'\"`hush"]) {
      expect(() => withVariables(null, { KORE_CLIENT_SECRET: wild })).toThrow(/^The value of KORE_CLIENT_SECRET has/);
      expect(() => withVariables(null, { KORE_CLIENT_SECRET: wild })).not.toThrow(/hush/);
    }
  });
});
