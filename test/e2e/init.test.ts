import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { readEnvironmentFile, variablesOf } from "../../cli/environment-file.ts";
import type { ProcessIo } from "../../cli/io.ts";
import { runCli } from "../../cli/program.ts";
import { startStandIn } from "../../demo/stand-in/server.ts";
import { systemClock } from "../../functions/exporter/clock.ts";
import { readSettings } from "../../infra/settings.ts";
import { openTerminal, type Terminal } from "../support/person-at-terminal.ts";
import { startProcess } from "../support/processes.ts";
import type { CommandResult } from "../support/scenario.ts";

const FLAGS = ["--host", "https://kore.example", "--bot", "st-1", "--client-id", "cs-1"];
const SECRET = { KORE_CLIENT_SECRET: "hush-hush" };

async function newFolder(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kore-init-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 });
  return folder;
}

/** Runs `init` in a folder, whose `.env` stands in the environment, as it does for a process. */
async function init(
  folder: string,
  args: readonly string[],
  { env = {}, ...io }: Partial<ProcessIo> = {},
): Promise<CommandResult> {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const output = (to: string[]) => ({ write: (text: string) => void to.push(text), isTTY: false });
  const code = await runCli(["init", ...args], {
    stdout: output(stdout),
    stderr: output(stderr),
    clock: systemClock,
    signal: new AbortController().signal,
    folder,
    ...io,
    env: { ...readEnvironmentFile(folder).variables, ...env },
  });
  return { code, stdout: stdout.join(""), stderr: stderr.join("") };
}

const text = (folder: string, name = ".env") => readFile(join(folder, name), "utf8");

/** `init` at a terminal, and the terminal. */
function initAt(folder: string, args: readonly string[], env: ProcessIo["env"] = {}) {
  const terminal = openTerminal();
  const { stdin, stderr } = terminal;
  return { terminal, ended: init(folder, args, { env, stdin: () => stdin, stderr }) };
}

describe("init with flags", () => {
  test("writes a commented .env for its owner only, and tells the next command", async () => {
    const folder = await newFolder();
    const { code, stdout, stderr } = await init(folder, [...FLAGS, "--no-check"], { env: SECRET });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(variablesOf(await text(folder))).toEqual({
      KORE_HOST: "https://kore.example",
      KORE_BOT_IDS: "st-1",
      KORE_CLIENT_ID: "cs-1",
      KORE_CLIENT_SECRET: "hush-hush",
      KORE_ARCHIVE: "./archive",
      KORE_TIME_ZONE: "UTC",
    });
    expect(await text(folder)).toContain("\n# client id of the app made in Kore\nKORE_CLIENT_ID=cs-1\n");
    expect((await stat(join(folder, ".env"))).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual([".env"]);
    expect(stdout).toMatch(/^Wrote .*\.env: .*KORE_HOST, .*\n\nNext:\n {2}npm run -s kore-sessions -- export /);
    expect(stdout).not.toContain("hush");
  });

  test("takes the secret from a pipe, and has every command read what it wrote", async () => {
    const folder = await newFolder();
    const stdin = () => Readable.from(["hush-", "hush\n"]);
    expect((await init(folder, [...FLAGS, "--client-secret-stdin", "--no-check"], { stdin })).code).toBe(0);
    expect(variablesOf(await text(folder)).KORE_CLIENT_SECRET).toBe("hush-hush");
    const status = await startProcess(resolve("cli/main.js"), ["status"], {}, folder).ended;
    expect(status).toMatchObject({ code: 0, stdout: `No day is archived in ${join(folder, "archive")} yet.\n` });
  });

  test("checks what it wrote, and exits with 1 if Kore does not take it", async () => {
    const kore = await startStandIn({ from: "2026-01-02", sessionsPerDay: 1, bots: ["st-1"], clock: systemClock });
    onTestFinished(() => kore.close());
    const folder = await newFolder();
    const flags = ["--host", kore.url, "--bot", "st-1", "--client-id", "cs-demo", "--archive", join(folder, "archive")];
    const right = await init(folder, flags, { env: { KORE_CLIENT_SECRET: "demo-secret-of-the-stand-in" } });
    expect(right).toMatchObject({ code: 0, stderr: "" });
    expect(right.stdout).toMatch(/ok .*token/i);
    const wrong = await init(folder, ["--force", "--json"], { env: SECRET });
    expect(wrong.code).toBe(1);
    expect(JSON.parse(wrong.stdout)).toMatchObject({
      ok: false,
      files: [{ path: join(folder, ".env"), changed: ["KORE_CLIENT_SECRET"] }],
      git: "no repository",
      next: ["npm run -s kore-sessions -- doctor"],
    });
    expect(JSON.parse(wrong.stdout).checks).toContainEqual(
      expect.objectContaining({ name: "token", status: "problem" }),
    );
  });

  test.each<[string, string[], RegExp]>([
    ["what is missing", [], /KORE_HOST is missing[\s\S]*No source is given[\s\S]*KORE_CLIENT_ID is missing/],
    ["a wrong host", [...FLAGS, "--host", "http://kore.example"], /use https/],
    ["a wrong day", [...FLAGS, "--start-date", "2026-02-30"], /KORE_START_DATE is "2026-02-30"/],
    ["two kinds of credentials", [...FLAGS, "--secret-id", "kore"], /Both KORE_SECRET_ID and/],
    ["a pipe that is none", [...FLAGS, "--client-secret-stdin"], /reads the secret from a pipe/],
    ["a deployment without cdk.json", [...FLAGS, "--deploy"], /--deploy writes into cdk\.json/],
    ["an address without a deployment", [...FLAGS, "--alarm-email", "a@b.example"], /give --deploy too/],
  ])("refuses %s, and writes nothing", async (_, args, says) => {
    const folder = await newFolder();
    const { code, stdout, stderr } = await init(folder, [...args, "--no-check"], { env: SECRET });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(says);
    expect(await readdir(folder)).toEqual([]);
  });

  test("refuses an empty pipe", async () => {
    const folder = await newFolder();
    const stdin = () => Readable.from(["\n"]);
    const { code, stderr } = await init(folder, [...FLAGS, "--client-secret-stdin"], { stdin });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("stdin is empty") });
  });
});

describe("an .env that is there already", () => {
  const OLD =
    "# mine\nKORE_HOST=https://old.example\nKORE_BOT_IDS=st-1\nKORE_CLIENT_ID=cs-1\nKORE_CLIENT_SECRET=old-one\nMY_OWN=1\n";

  test("is not replaced without --force: what would be lost is told, secrets aside", async () => {
    const folder = await newFolder({ ".env": OLD });
    const { code, stdout, stderr } = await init(folder, [...FLAGS, "--no-check"], { env: SECRET });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(".env: KORE_HOST: https://old.example becomes https://kore.example\n");
    expect(stderr).toContain(".env: KORE_CLIENT_SECRET: gets another value\n");
    expect(stderr).toContain("--force");
    expect(stderr).not.toMatch(/hush|old-one/);
    expect(await text(folder)).toBe(OLD);
  });

  test("keeps every other line with --force, and what it lacks is added without", async () => {
    const folder = await newFolder({ ".env": OLD });
    await chmod(join(folder, ".env"), 0o644);
    expect((await init(folder, ["--start-date", "2026-01-01", "--no-check"])).code).toBe(0);
    expect(await text(folder)).toMatch(new RegExp(`^${OLD}[\\s\\S]*\nKORE_START_DATE=2026-01-01\n`));
    expect((await stat(join(folder, ".env"))).mode & 0o777).toBe(0o600);
    expect((await init(folder, ["--account", "--force", "--no-check"])).code).toBe(0);
    expect(await text(folder)).toContain("# KORE_BOT_IDS=st-1\n");
    expect(variablesOf(await text(folder))).toMatchObject({ KORE_ACCOUNT: "true", KORE_HOST: "https://old.example" });
    expect(variablesOf(await text(folder))).not.toHaveProperty("KORE_BOT_IDS");
  });

  test("is found to be right already by the same answers", async () => {
    const folder = await newFolder();
    await init(folder, [...FLAGS, "--no-check"], { env: SECRET });
    const before = await text(folder);
    const { code, stdout } = await init(folder, [...FLAGS, "--no-check"]);
    expect(code).toBe(0);
    expect(stdout).toContain(".env is as it was.\n");
    expect(await text(folder)).toBe(before);
  });

  test("stays a link if it is one", async () => {
    const folder = await newFolder({ "shared.env": "" });
    await symlink("shared.env", join(folder, ".env"));
    await init(folder, [...FLAGS, "--no-check"], { env: SECRET });
    expect(variablesOf(await text(folder, "shared.env")).KORE_HOST).toBe("https://kore.example");
  });

  test("that is a folder is named", async () => {
    const folder = await newFolder();
    await mkdir(join(folder, ".env"));
    const { code, stderr } = await init(folder, [...FLAGS, "--no-check"], { env: SECRET });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/\.env cannot be read .*EISDIR/) });
  });
});

describe("git", () => {
  const git = (folder: string, ...args: string[]) =>
    execFileSync("git", args, { cwd: folder, stdio: "pipe" }).toString();

  test("ignores .env afterwards, by a line that is added only where it lacks", async () => {
    const folder = await newFolder({ ".gitignore": "node_modules" });
    git(folder, "init", "-q");
    expect((await init(folder, [...FLAGS, "--no-check"], { env: SECRET })).stdout).toContain("git leaves .env alone");
    expect((await init(folder, [...FLAGS, "--no-check"])).stdout).not.toContain("git leaves .env alone");
    expect(await text(folder, ".gitignore")).toBe("node_modules\n.env\n");
    expect(git(folder, "status", "--porcelain")).toBe("?? .gitignore\n");
  });

  test("that tracks .env is no place for a secret", async () => {
    const folder = await newFolder({ ".env": "" });
    git(folder, "init", "-q");
    git(folder, "add", ".env");
    const { code, stderr } = await init(folder, [...FLAGS, "--no-check"], { env: SECRET });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("run git rm --cached") });
    expect(await text(folder)).toBe("");
  });
});

describe("init --deploy", () => {
  const cdk = () => readFile("cdk.json", "utf8");
  const exporterOf = async (folder: string) => JSON.parse(await text(folder, "cdk.json")).context.exporter;

  test("writes settings that the deployment takes into cdk.json, and nothing else of it changes", async () => {
    const folder = await newFolder({ "cdk.json": await cdk() });
    const args = [...FLAGS, "--bot", "st-2", "--time-zone", "Europe/Berlin", "--start-date", "2026-01-01"];
    const flags = [...args, "--deploy", "--alarm-email", "me@kore.example", "--no-check"];
    const { code, stdout } = await init(folder, flags, { env: SECRET });
    expect(code).toBe(0);
    expect(stdout).toContain("npx cdk deploy");
    const exporter = await exporterOf(folder);
    expect(readSettings(exporter, "2026-01-04")).toMatchObject({
      host: "https://kore.example",
      source: { kind: "bots", botIds: ["st-1", "st-2"] },
      timeZone: "Europe/Berlin",
      startDate: "2026-01-01",
      alarmEmail: "me@kore.example",
    });
    expect(await text(folder, "cdk.json")).not.toContain("hush");
    const restored = (await text(folder, "cdk.json")).replace(/"exporter": \{[^}]*\}/, "EXPORTER");
    expect(restored).toBe((await cdk()).replace(/"exporter": \{[^}]*\}/, "EXPORTER"));
  });

  test("keeps settings that it does not ask for, and replaces others only with --force", async () => {
    const mine = { host: "https://old.example", bots: ["st-1"], retentionDays: 30 };
    const folder = await newFolder({ "cdk.json": JSON.stringify({ app: "x", context: { exporter: mine } }) });
    const flags = ["--host", "kore.example", "--account", "--client-id", "cs-1", "--deploy", "--no-check"];
    const refused = await init(folder, flags, { env: SECRET });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("cdk.json: host: https://old.example becomes https://kore.example\n");
    expect(refused.stderr).toContain('cdk.json: bots: ["st-1"] becomes (nothing)\n');
    expect(await readdir(folder)).toEqual(["cdk.json"]);
    expect((await init(folder, [...flags, "--force"], { env: SECRET })).code).toBe(0);
    expect(await exporterOf(folder)).toEqual({
      host: "https://kore.example",
      retentionDays: 30,
      account: true,
      timeZone: "UTC",
    });
  });

  test("takes the placeholder of the address out, and refuses one that is none", async () => {
    const folder = await newFolder({ "cdk.json": await cdk() });
    const flags = [...FLAGS, "--deploy", "--no-check"];
    const wrong = await init(folder, [...flags, "--alarm-email", "me"], { env: SECRET });
    expect({ code: wrong.code, stderr: wrong.stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining("you@example.com"),
    });
    expect(await text(folder, "cdk.json")).toBe(await cdk());
    expect((await init(folder, flags, { env: SECRET })).code).toBe(0);
    expect(await exporterOf(folder)).toEqual({ host: "https://kore.example", bots: ["st-1"], timeZone: "UTC" });
  });

  test.each(["[]", "{", '{"context": 1}'])("refuses %s for a cdk.json", async (wrong) => {
    const folder = await newFolder({ "cdk.json": wrong });
    const { code, stderr } = await init(folder, [...FLAGS, "--deploy", "--no-check"], { env: SECRET });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/cdk\.json.* is not (JSON|an object)/) });
    expect(await readdir(folder)).toEqual(["cdk.json"]);
  });
});

describe("init at a terminal", () => {
  async function answer(terminal: Terminal, ...answers: [RegExp, string][]): Promise<void> {
    for (const [question, keys] of answers) await terminal.type(question, keys);
  }

  test("asks for what no flag gives, again if an answer is wrong, and never shows the secret", async () => {
    const folder = await newFolder({ "cdk.json": await readFile("cdk.json", "utf8") });
    const { terminal, ended } = initAt(folder, ["--client-id", "cs-1", "--no-check", "--force"]);
    await answer(
      terminal,
      [/Address of your Kore environment/, "ftp://kore.example\r"],
      [/KORE_HOST is "ftp/, `${"\b".repeat(30)}kore.example\r`],
      [/Bots: their ids/, "st-1, st-2\r"],
      [/Client secret/, "hush-hush\r"],
      [/Archive: a folder/, "\r"],
      [/Time zone/, "\r"],
      [/First day/, "\r"],
      [/nightly run in AWS/, "y\r"],
      [/Address that alarms/, "me@kore.example\r"],
    );
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    expect(stdout).not.toContain("hush");
    expect(terminal.shown()).not.toMatch(/hush|Client id/);
    expect(variablesOf(await text(folder))).toEqual({
      KORE_HOST: "kore.example",
      KORE_BOT_IDS: "st-1, st-2",
      KORE_CLIENT_ID: "cs-1",
      KORE_CLIENT_SECRET: "hush-hush",
      KORE_ARCHIVE: "./archive",
      KORE_TIME_ZONE: "UTC",
    });
    expect(JSON.parse(await text(folder, "cdk.json")).context.exporter).toMatchObject({
      host: "https://kore.example",
      bots: ["st-1", "st-2"],
      alarmEmail: "me@kore.example",
    });
  });

  test("offers what .env says already, and leaves all as it is if one does not agree", async () => {
    const old = "KORE_HOST=https://kore.example\nKORE_ACCOUNT=true\nKORE_CLIENT_ID=cs-1\nKORE_CLIENT_SECRET=hush\n";
    const folder = await newFolder({ ".env": old });
    const { terminal, ended } = initAt(folder, ["--no-check"]);
    await answer(
      terminal,
      [/Address of your Kore environment \(https:\/\/kore\.example\)/, "\r"],
      [/Bots: their ids.* \(account\)/, "\r"],
      [/Client id.* \(cs-1\)/, "cs-2\r"],
      [/Client secret.*empty: as it is/, "\r"],
      [/Archive: a folder/, "\r"],
      [/Time zone/, "Europe/Berlin\r"],
      [/First day/, "2026-01-01\r"],
      [/Replace these values\?/, "n\r"],
    );
    expect(await ended).toMatchObject({ code: 1, stdout: "" });
    expect(terminal.shown()).toContain(".env: KORE_CLIENT_ID: cs-1 becomes cs-2\n");
    expect(terminal.shown()).not.toContain("hush");
    expect(await text(folder)).toBe(old);
  });

  test.each([
    ["Ctrl-C", (terminal: Terminal) => terminal.type(/Client id/, "\u0003")],
    ["Ctrl-D", (terminal: Terminal) => terminal.type(/Client id/, "\u0004")],
    ["the end of the terminal", async (terminal: Terminal) => terminal.hangUp()],
  ])("ends with exit code 130 and nothing written on %s", async (_, end) => {
    const folder = await newFolder();
    const { terminal, ended } = initAt(folder, ["--host", "kore.example"], SECRET);
    await terminal.type(/Bots: their ids/, "account\r");
    await end(terminal);
    expect(await ended).toMatchObject({ code: 130, stdout: "" });
    expect(terminal.shown()).toContain("Interrupted. Nothing was written.\n");
    expect(await readdir(folder)).toEqual([]);
  });

  test("asks nothing with --yes", async () => {
    const folder = await newFolder();
    const { terminal, ended } = initAt(folder, [...FLAGS, "--yes", "--no-check"], SECRET);
    expect((await ended).code).toBe(0);
    expect(terminal.shown()).toBe("");
  });
});
