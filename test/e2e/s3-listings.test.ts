import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { sampleSession } from "../../demo/stand-in/server.ts";
import { stubAws } from "../support/check-up.ts";
import { deploy } from "../support/durable-run.ts";
import type { Bucket } from "../support/s3-server/bucket.ts";
import type { Fault } from "../support/s3-server/faults.ts";
import { NO_LISTINGS } from "../support/s3-server/no-listings.ts";
import { type S3Server, startS3Server } from "../support/s3-server/server.ts";
import { BOT, type CommandResult, DAY, type Scenario, startScenario } from "../support/scenario.ts";

const DAY_BEFORE = "2026-01-01";
const ERASED = "zoe@example.com";
const LEAVING = "leo@example.com";
const ENV = {
  KORE_ARCHIVE: "s3://archive-bucket/kore",
  KORE_SCRATCH: "s3://scratch-bucket",
  KORE_HASH_KEY: "the key of hashes, of 32 characters or more",
};

let s3: S3Server;
let bucket: Bucket;
let scenario: Scenario;

/** A bucket with a day of which a person was erased. */
beforeEach(async () => {
  for (const level of ["log", "info", "error"] as const) vi.spyOn(console, level).mockReturnValue();
  vi.stubEnv("POWERTOOLS_DEV", "true");
  s3 = await startS3Server({ pageSize: 20 });
  onTestFinished(() => s3.close());
  bucket = s3.createBucket("archive-bucket");
  s3.createBucket("scratch-bucket");
  stubAws({ S3: s3 });
  scenario = await startScenario({ sessionsPerDay: 10, requestsPerMinute: 0 }, "2026-01-03T04:00:00Z");
  add("zoe", { userId: ERASED });
  add("leo", { userId: LEAVING });
  expect(await run("export", "--date", DAY)).toMatchObject({ code: 0 });
  expect(await run("erase", "--user-id", ERASED, "--apply", "--reference", "T-1")).toMatchObject({ code: 0 });
});
afterEach(() => vi.unstubAllEnvs());

const add = (sessionId: string, changes: Readonly<Record<string, unknown>> = {}, day: string = DAY) =>
  scenario.kore.store.add(
    BOT,
    sampleSession(
      { botId: BOT, startTime: `${day}T10:00:00.000Z` },
      { sessionId, containmentType: "agent", ...changes },
    ),
  );
const run = (...args: string[]): Promise<CommandResult> => scenario.cli(args, ENV);

/** The ids of the archive's sessions, and of those that it is to hold. */
async function archived(): Promise<string[]> {
  const { stdout } = await run("sql", "SELECT session_id AS id FROM sessions ORDER BY ALL", "--json");
  return JSON.parse(stdout).map(({ id }: { id: string }) => id);
}
const expected = (...without: string[]) =>
  [...scenario.truth(DAY_BEFORE), ...scenario.truth()]
    .map((line) => line.split(" ")[0] ?? "")
    .filter((id) => !without.includes(id))
    .sort();

const written = () => s3.requests.filter(({ operation }) => /^(Put|Delete|Create|Complete)/.test(operation)).length;
/** How often each object was written that would tell of work without a listing of a folder. */
function claims(folder: string): string[] {
  const telling = folder === "digests" ? /\/digests\// : /\/(sessions|exports)\//;
  return bucket.keys().flatMap((key) => (telling.test(key) ? `${key} ${bucket.versions(key).length}` : []));
}

const bodies = Object.values(NO_LISTINGS);
/** What a listing is answered with instead: another thing for each of the archive's folders. */
function faultOf(folder: string, times: number): Fault {
  const body = bodies[folder.length % bodies.length] ?? "";
  if (folder === "versions") return { operation: "ListObjectVersions", times, how: { body } };
  const key = folder === "scratch" ? /^(?!kore\/)/ : new RegExp(`^kore/${folder}/`);
  return { operation: "ListObjectsV2", key, times, how: { body } };
}
const NO_LISTING = /status 200 and something that is no listing: it .*Check whether a proxy/s;
const ALWAYS = Number.POSITIVE_INFINITY;

describe("a command that reads, answered with no listing of any folder that it lists,", () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ["status", ["status", "--json"], ["exports", "digests"]],
    ["sql", ["sql", "SELECT count(*) FROM sessions", "--json"], ["sessions", "exports"]],
    ["report", ["report", "--json"], ["sessions", "exports"]],
    ["verify", ["verify", "--json"], ["sessions", "rejected", "exports", "erasures", "digests", "versions"]],
    ["erase", ["erase", "--user-id", LEAVING, "--json"], ["sessions", "rejected", "exports", "versions"]],
    ["doctor", ["doctor", "--json"], ["exports", "erasures", "digests"]],
  ])("concludes nothing from it, and takes the listing that comes at last: %s", async (command, args, folders) => {
    const undisturbed = await run(...args);
    expect(undisturbed.code).toBe(0);
    const before = written();
    for (const folder of folders) {
      const end = s3.fail(faultOf(folder, ALWAYS));
      const { code, stdout, stderr } = await run(...args);
      expect({ folder, code }).toEqual({ folder, code: 1 });
      expect(`${stdout}${stderr}`).toMatch(NO_LISTING);
      if (command !== "doctor") expect(stderr).toContain("ERR_ARCHIVE_UNREACHABLE");
      end();
      // doctor has less patience than the others.
      s3.fail(faultOf(folder, command === "doctor" ? 1 : 2));
      expect({ folder, ...(await run(...args)) }).toEqual({ folder, ...undisturbed });
    }
    expect(written()).toBe(before);
  });
});

const exporting = (command: string, args: readonly string[], day: string) =>
  ["exports", "erasures", "sessions", "digests"].map((folder) => ({ command, args, day, folder }));

describe.each([
  ...exporting("export", ["export", "--date", DAY], DAY),
  ...exporting("backfill", ["backfill", "--local", "--from", DAY_BEFORE, "--to", DAY_BEFORE], DAY_BEFORE),
])("$command, answered with no listing of $folder,", ({ args, day, folder }) => {
  test("claims nothing, and does its work once a listing comes", async () => {
    add("late", {}, day);
    const before = claims(folder);
    const end = s3.fail(faultOf(folder, ALWAYS));
    const { code, stdout, stderr } = await run(...args);
    expect(code).toBe(1);
    expect(`${stdout}${stderr}`).toMatch(NO_LISTING);
    expect(claims(folder)).toEqual(before);
    end();
    scenario.clock.advance(10 * 60_000);
    s3.fail(faultOf(folder, 2));
    expect(await run(...args)).toMatchObject({ code: 0 });
    expect(await archived()).toEqual(expected("zoe"));
  });
});

describe.each(["exports", "erasures", "sessions", "rejected", "digests", "versions"])(
  "erase --apply, answered with no listing of %s,",
  (folder) => {
    const erase = () => run("erase", "--user-id", LEAVING, "--apply", "--reference", "T-2");

    test("does not say that it is done, and does its work once a listing comes", async () => {
      const before = claims(folder);
      const end = s3.fail(faultOf(folder, ALWAYS));
      const { code, stdout, stderr } = await erase();
      expect(code).toBe(1);
      expect(`${stdout}${stderr}`).toMatch(NO_LISTING);
      expect(stdout).not.toMatch(/digest \d/);
      // Earlier versions are looked for once the rows are gone, and a digest says so.
      if (folder !== "versions") expect(claims(folder)).toEqual(before);
      end();
      scenario.clock.advance(10 * 60_000);
      s3.fail(faultOf(folder, 2));
      expect(await erase()).toMatchObject({ code: 0 });
      expect(await archived()).toEqual(expected("zoe", "leo"));
    });
  },
);

describe.each(["exports", "erasures", "sessions", "digests", "scratch"])(
  "a deployed run, answered with no listing of %s,",
  (folder) => {
    test("fails, and does its work once a listing comes", async () => {
      add("late");
      const before = claims(folder);
      const deployed = await deploy(scenario, ENV);
      const night = (id: string) => deployed.plainly({ scheduledTime: "2026-01-03T02:15:00Z" }, 3_600_000, id);
      const end = s3.fail(faultOf(folder, ALWAYS));
      await expect(night("request-1")).rejects.toThrow(NO_LISTING);
      expect(claims(folder)).toEqual(before);
      end();
      scenario.clock.advance(10 * 60_000);
      s3.fail(faultOf(folder, 2));
      await expect(night("request-2")).resolves.toMatchObject({ left: 0 });
      expect(await archived()).toEqual(expected("zoe"));
    });
  },
);
