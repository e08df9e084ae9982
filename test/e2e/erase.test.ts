import { createHmac } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sampleSession } from "../../demo/stand-in/server.ts";
import { writeErasure } from "../../functions/exporter/archive/erasures.ts";
import { FolderStore } from "../../functions/exporter/archive/folder-store.ts";
import { ledgerKey, rejectedKey } from "../../functions/exporter/archive/layout.ts";
import type { ArchiveStore } from "../../functions/exporter/archive/store.ts";
import { type ErasePorts, eraseUsers } from "../../functions/exporter/erase/erase-users.ts";
import { sealRun } from "../../functions/exporter/export/seal.ts";
import { filesBelow } from "../support/files.ts";
import { BOT, DAY, type Scenario, startScenario } from "../support/scenario.ts";

const KEY = "the key of hashes, of 32 characters or more";
const ENV = { KORE_HASH_KEY: KEY };
const ZOE = "zoe-CANARY@example.com";
const ADA = "ada-CANARY@example.com";
const NEXT = "2026-01-03";
const hmac = (text: string) => createHmac("sha256", KEY).update(text).digest("hex");
const erasureName = (id: string) => hmac(`erased user ${hmac(id)}`);
const erasureFile = (id: string) => `erasures/${erasureName(id)}.json`;

function add({ kore }: Scenario, userId: string, sessionId: string, at: string, type = "agent"): void {
  kore.store.add(BOT, sampleSession({ botId: BOT, startTime: at }, { userId, sessionId, containmentType: type }));
}

/** Two days, on the first of which ZOE has two sessions and ADA one. */
async function started(env: Readonly<Record<string, string>> = {}) {
  const scenario = await startScenario({ sessionsPerDay: 20, to: NEXT });
  add(scenario, ZOE, "z-1", `${DAY}T10:00:00.000Z`);
  add(scenario, ZOE, "z-2", `${DAY}T11:00:00.000Z`, "dropOff");
  add(scenario, ADA, "a-1", `${DAY}T12:00:00.000Z`);
  const cli: Scenario["cli"] = (args, more = {}) => scenario.cli(args, { ...ENV, ...env, ...more });
  const both = ["--from", DAY, "--to", NEXT];
  expect(await cli(["export", ...both])).toMatchObject({ code: 0 });
  return {
    ...scenario,
    cli,
    exportBoth: () => cli(["export", ...both]),
    erase: (...args: string[]) => cli(["erase", "--json", "--reference", "T-1", ...args]),
    found: async () => {
      const { code, stdout } = await cli(["verify", "--json"]);
      return { code, codes: JSON.parse(stdout).findings.map(({ code: one }: { code: string }) => one) };
    },
    everything: () => filesBelow(scenario.archive),
    ids: async () => (await scenario.archived()).map((text) => text.split(" ")[0]),
  };
}

/** Everything below the archive as text: rows through DuckDB, the rest as it is. */
async function said(scenario: Pick<Scenario, "archive" | "cli">): Promise<string> {
  const entries = await readdir(scenario.archive, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith(".parquet"));
  const texts = await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name), "utf8")));
  const rows = await scenario.cli(["sql", "--json", "SELECT * FROM sessions"]);
  return [...texts, rows.stdout, ...entries.map(({ name }) => name)].join("\n");
}

describe("erase without --apply", () => {
  test("tells where the user is and changes nothing", async () => {
    const { erase, everything, cli } = await started();
    const before = await everything();
    const { code, stdout } = await erase("--user-id", ZOE);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ applied: false, older_versions: "none", days_without_user_ids: 0 });
    const files = JSON.parse(stdout).files.map(({ dt, rows }: { dt: string; rows: number }) => [dt, rows]);
    expect(files).toEqual([
      [DAY, 1],
      [DAY, 1],
    ]);
    expect(await everything()).toEqual(before);
    const text = (await cli(["erase", "--user-id", ZOE])).stdout;
    expect(text).toContain("1 day would be rewritten, 2 files.");
    expect(stdout + text).not.toContain(ZOE);
  });

  test.each<[string, string[], Record<string, string>, string]>([
    ["without a key", ["--user-id", ZOE], { KORE_HASH_KEY: "" }, "ERR_HASH_KEY"],
    ["with a key that is too short", ["--user-id", ZOE], { KORE_HASH_KEY: "short" }, "less than 32"],
    ["without a reference", ["--user-id", ZOE, "--apply"], {}, "--reference is missing"],
    ["with the id in the reference", ["--user-id", ZOE, "--apply", "--reference", `of ${ZOE}`], {}, "in it"],
    ["that purges only", ["--user-id", ZOE, "--purge-versions"], {}, "--apply"],
    ["of nobody", ["--user-id", " "], {}, "is blank"],
    ["of a day that does not exist", ["--user-id", ZOE, "--from", "2026-02-30"], {}, "--from"],
  ])("%s is refused", async (_, args, env, says) => {
    const { cli } = await startScenario();
    const { code, stderr } = await cli(["erase", ...args], { ...ENV, ...env });
    expect(code).toBe(2);
    expect(stderr).toContain(says);
    expect(stderr).not.toContain(ZOE);
  });
});

describe("erase --apply", () => {
  test("takes the user out of files, and nobody else; verify passes before and after", async () => {
    const scenario = await started();
    expect(await scenario.found()).toEqual({ code: 0, codes: [] });
    const before = await scenario.ledger();
    const { code, stdout } = await scenario.erase("--user-id", ZOE, "--apply");
    expect(code).toBe(0);
    expect(JSON.parse(stdout).days).toEqual([{ dt: DAY, source: BOT, filesWritten: 2, rowsErased: 2 }]);
    expect(await scenario.ids()).not.toContain("z-1");
    expect(await scenario.archived()).toEqual(scenario.truth().filter((text) => !text.startsWith("z-")));
    const after = await scenario.ledger();
    expect(after).toMatchObject({
      status: before.status,
      problems: before.problems,
      reported: before.reported,
      archived: { total: before.archived.total - 2 },
      erasures: [{ at: "2026-01-04T04:00:00.000Z", reference: "T-1" }],
      revision: before.revision + 2,
    });
    expect(await scenario.found()).toEqual({ code: 0, codes: [] });
    expect((await said(scenario)) + stdout).not.toContain(ZOE);
    expect(await said(scenario)).toContain(ADA);
  });

  test("writes what an export would write, which then has nothing to do", async () => {
    const scenario = await started();
    await scenario.erase("--user-id", ZOE, "--apply");
    const before = await scenario.files();
    expect((await scenario.exportBoth()).code).toBe(0);
    expect(await scenario.files()).toEqual(before);
    expect(await scenario.ledger()).toMatchObject({ status: "complete", erasures: [{ reference: "T-1" }] });
    expect(await scenario.found()).toEqual({ code: 0, codes: [] });
  });

  test("keeps the user out of repairs, and of days that come later", async () => {
    const scenario = await started();
    await scenario.erase("--user-id", ZOE, "--apply");
    add(scenario, ZOE, "z-3", `${DAY}T13:00:00.000Z`);
    add(scenario, ADA, "a-2", `${DAY}T13:00:01.000Z`);
    add(scenario, ZOE, "z-4", `${NEXT}T13:00:00.000Z`);
    expect((await scenario.cli(["export", "--repair"])).code).toBe(0);
    expect(await scenario.ids()).toEqual(expect.arrayContaining(["a-1", "a-2"]));
    expect(await said(scenario)).not.toContain(ZOE);
    for (const day of [DAY, NEXT]) {
      expect(await scenario.ledger(day)).toMatchObject({ status: "complete", erasures: [{ reference: "T-1" }] });
    }
    expect(await scenario.found()).toEqual({ code: 0, codes: [] });
  });

  test("takes a day's export over that begins between the record and the files", async () => {
    const scenario = await started();
    const at = "2026-01-04T04:00:00.000Z";
    const store = new FolderStore(scenario.archive, scenario.clock);
    const keyCheck = hmac("check of the key of erasures");
    const { key } = await writeErasure(store, { hmac: erasureName(ZOE), at, reference: "T-1", keyCheck });
    const run = {
      store,
      clock: scenario.clock,
      runId: "erase",
      exporterVersion: "0.0.0",
      signer: null,
      trustedKeys: [],
    };
    await sealRun([], run, { erasures: [key] });
    expect((await scenario.exportBoth()).code).toBe(0);
    expect(await scenario.ledger()).toMatchObject({ status: "complete", problems: [], erasures: [{ at }] });
    expect(await said(scenario)).not.toContain(ZOE);
  });

  test("erases two users at once, and a third one later", async () => {
    const scenario = await started();
    add(scenario, "max", "m-1", `${DAY}T14:00:00.000Z`);
    await scenario.exportBoth();
    await scenario.erase("--user-id", ZOE, ADA, "--apply");
    await scenario.cli(["erase", "--user-id", "max", "--apply", "--reference", "T-2"]);
    expect((await scenario.ledger()).erasures.map(({ reference }) => reference)).toEqual(["T-1", "T-2"]);
    expect(await said(scenario)).not.toMatch(/CANARY/);
    expect(await scenario.ids()).not.toContain("m-1");
    expect(await scenario.found()).toEqual({ code: 0, codes: [] });
  });

  test("finds users whose ids are archived as hashes", async () => {
    const scenario = await started({ KORE_PII: "user_id=hash" });
    const { stdout } = await scenario.erase("--user-id", ZOE, "--apply");
    expect(JSON.parse(stdout).days).toMatchObject([{ rowsErased: 2 }]);
    expect(await scenario.ids()).not.toContain("z-1");
    add(scenario, ZOE, "z-3", `${DAY}T13:00:00.000Z`);
    await scenario.exportBoth();
    expect(await scenario.ids()).not.toContain("z-3");
    expect(await scenario.found()).toEqual({ code: 0, codes: [] });
  });

  test("says that nobody can be found where ids were dropped", async () => {
    const { erase, cli } = await started({ KORE_PII: "user_id=drop" });
    expect(JSON.parse((await erase("--user-id", ZOE)).stdout)).toMatchObject({ files: [], days_without_user_ids: 2 });
    expect((await cli(["erase", "--user-id", ZOE])).stdout).toContain("nobody can be found there by an id");
  });

  test("leaves of rejected rows with the id in them that they were there", async () => {
    const scenario = await started();
    for (const [userId, hour, sessionId] of [
      [ZOE, 15, ""],
      [ADA, 16, " "],
    ] as const) {
      add(scenario, userId, sessionId, `${DAY}T${hour}:00:00.000Z`);
    }
    await scenario.exportBoth();
    await scenario.erase("--user-id", ZOE, "--apply");
    const text = await readFile(join(scenario.archive, rejectedKey(DAY, BOT)), "utf8");
    const raws = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).raw);
    expect(raws.filter((raw) => raw === null)).toHaveLength(1);
    expect(raws.filter((raw) => raw?.includes(ADA))).toHaveLength(1);
    expect(await scenario.found()).toEqual({ code: 0, codes: [] });
    await scenario.exportBoth();
    expect(await readFile(join(scenario.archive, rejectedKey(DAY, BOT)), "utf8")).toBe(text);
  });

  test("refuses to write over a file that the ledger does not list", async () => {
    const scenario = await started();
    const file = (await scenario.files()).find(({ path }) => path.includes(DAY) && path.includes("selfService"));
    const other = (await scenario.files()).find(({ path }) => path.includes(NEXT) && path.includes("selfService"));
    const bytes = await readFile(join(scenario.archive, "sessions", other?.path ?? ""));
    await writeFile(join(scenario.archive, "sessions", file?.path ?? ""), bytes);
    const { code, stdout } = await scenario.erase("--user-id", ZOE, "--apply");
    expect(code).toBe(1);
    expect(JSON.parse(stdout).failures).toMatchObject([{ dt: DAY, code: "ERR_FILE_NOT_LISTED" }]);
  });
});

test("an erasure looks into no file that is damaged", async () => {
  const scenario = await started();
  const file = (await scenario.files()).find(({ path }) => path.includes(DAY) && path.includes("agent"));
  await writeFile(join(scenario.archive, "sessions", file?.path ?? ""), "PAR1, and then nothing of the kind");
  const { code, stdout, stderr } = await scenario.erase("--user-id", ZOE);
  expect(code).toBe(1);
  expect(stdout + stderr).toMatch(/ERR_FILE_NOT_LISTED.*agent.*parquet cannot be read as a session file\. Run verify/);
});

describe("an archive with erased users", () => {
  test.each<[string, Record<string, string>]>([
    ["no key", { KORE_HASH_KEY: "" }],
    ["another key", { KORE_HASH_KEY: KEY.toUpperCase() }],
  ])("is not exported into with %s", async (_, env) => {
    const scenario = await started();
    await scenario.erase("--user-id", ZOE, "--apply");
    const before = await scenario.everything();
    const { code, stderr } = await scenario.cli(["export", "--date", DAY], env);
    expect(code).toBe(2);
    expect(stderr).toContain("ERR_HASH_KEY");
    expect(await scenario.everything()).toEqual(before);
  });

  test("is found out when the record of the erasure is gone, or damaged", async () => {
    const scenario = await started();
    await scenario.erase("--user-id", ZOE, "--apply");
    const path = join(scenario.archive, erasureFile(ZOE));
    const text = await readFile(path, "utf8");
    await writeFile(path, "{}");
    expect((await scenario.found()).codes).toContain("ERR_VERIFY_ERASURE_UNKNOWN");
    const { code, stderr } = await scenario.exportDay();
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error ERR_ERASURE_UNREADABLE: The record of an erasure, .*\.json, is damaged/);
    await rm(path);
    expect((await scenario.found()).codes).toEqual(["ERR_VERIFY_ERASURE_UNKNOWN", "ERR_VERIFY_FILE_MISSING"]);
    const missing = await scenario.exportDay();
    expect(missing).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error ERR_ERASURE_MISSING: .*is not there/),
    });
    await writeFile(path, text);
    expect(await scenario.found()).toEqual({ code: 0, codes: [] });
  });

  test("does not hide rows that were removed without an erasure", async () => {
    const scenario = await started();
    await scenario.erase("--user-id", ZOE, "--apply");
    const key = join(scenario.archive, ledgerKey(NEXT, BOT));
    const record = JSON.parse(await readFile(key, "utf8"));
    record.reported.total += 1;
    await writeFile(key, JSON.stringify(record));
    expect((await scenario.found()).codes.sort()).toEqual(["ERR_VERIFY_LEDGER_CHANGED", "ERR_VERIFY_ROWS_DIFFER"]);
  });
});

/** A store that dies at its n-th write. */
function dyingAt(n: number, real: ArchiveStore): ArchiveStore {
  let left = n;
  return new Proxy(real, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (name !== "writeIf" && name !== "writeFile") return member.bind(target);
      return async (...args: unknown[]) => {
        left -= 1;
        if (left === 0) throw new Error("died");
        return Reflect.apply(member, target, args);
      };
    },
  });
}

/** Erases ZOE in a process that dies at its n-th write. */
async function dieErasing(scenario: Pick<Scenario, "archive" | "clock">, n: number): Promise<void> {
  const store = dyingAt(n, new FolderStore(scenario.archive, scenario.clock));
  const scratch = join(scenario.archive, "..", "scratch");
  await mkdir(scratch, { recursive: true });
  const run = { store, clock: scenario.clock, runId: "dying", exporterVersion: "0.0.0", signer: null, trustedKeys: [] };
  const ports: ErasePorts = { ...run, hashKey: KEY, scratch };
  const order = { userIds: [ZOE], range: { from: null, to: null } };
  const died = await eraseUsers(order, "T-1", false, ports).then(
    ({ failures, seal }) => failures.length > 0 || seal instanceof Error,
    () => true,
  );
  expect(died).toBe(true);
}

test("an erasure that dies between its mark and its files leaves a day that says so", async () => {
  const scenario = await started();
  const files = await scenario.files();
  // The writes before: the record of the erasure, the state, the digest, and the mark.
  await dieErasing(scenario, 5);
  expect(await scenario.files()).toEqual(files);
  const { status, problems } = await scenario.ledger();
  expect(status).toBe("incomplete");
  expect(problems).toEqual([{ code: "ERR_ERASURE_UNFINISHED", message: expect.stringMatching(/again/) }]);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])(
  "an erasure that dies at its write %i is finished by repeating it",
  async (n) => {
    const scenario = await started();
    const before = await scenario.ledger();
    await dieErasing(scenario, n);
    const isMarked = (await scenario.ledger()).problems.length > 0;
    const { code } = await scenario.erase("--user-id", ZOE, "--apply");
    expect(code).toBe(0);
    expect(await scenario.ledger()).toMatchObject({
      status: before.status,
      problems: before.problems,
      archived: { total: before.archived.total - 2 },
      erasures: [{ reference: "T-1" }],
    });
    expect(await said(scenario)).not.toContain(ZOE);
    // Of a day that was marked, files are kept that only the dead command knew of: a reading of the day replaces them.
    if (isMarked) expect(await scenario.found()).toEqual({ code: 3, codes: ["ERR_VERIFY_ADOPTED"] });
    await scenario.exportBoth();
    expect(await scenario.found()).toEqual({ code: 0, codes: [] });
  },
);
