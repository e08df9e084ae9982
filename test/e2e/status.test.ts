import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { count } from "../../cli/amounts.ts";
import { runCli } from "../../cli/program.ts";
import { FolderStore } from "../../functions/exporter/archive/folder-store.ts";
import { ledgerKey } from "../../functions/exporter/archive/layout.ts";
import { S3Store } from "../../functions/exporter/archive/s3-store.ts";
import type { ArchiveStore } from "../../functions/exporter/archive/store.ts";
import { daysFromTo } from "../../functions/exporter/export/calendar.ts";
import { type LedgerDay, writeDigests, writeLedgerDays } from "../support/ledger-days.ts";
import { startS3Server } from "../support/s3-server/server.ts";
import type { CommandResult } from "../support/scenario.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const NOW = "2026-01-04T04:00:00Z";

afterEach(() => vi.unstubAllEnvs());

interface Place {
  readonly location: string;
  readonly store: ArchiveStore;
}

async function folder(days: readonly LedgerDay[] = []): Promise<Place> {
  const location = await mkdtemp(join(tmpdir(), "kore-status-"));
  onTestFinished(() => rm(location, { recursive: true, force: true }));
  const store = new FolderStore(location, new VirtualClock(NOW));
  await writeLedgerDays(store, days);
  return { location, store };
}

async function bucket(days: readonly LedgerDay[]): Promise<Place> {
  const s3 = await startS3Server({ pageSize: 2 });
  s3.createBucket("archive-bucket", { objectLock: true });
  const variables = { URL_S3: s3.url };
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(`AWS_ENDPOINT_${name}`, value);
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) vi.stubEnv(name, "test");
  vi.stubEnv("AWS_REGION", "us-east-1");
  const store = new S3Store("archive-bucket", "kore");
  onTestFinished(async () => {
    store.close();
    await s3.close();
  });
  await writeLedgerDays(store, days);
  return { location: "s3://archive-bucket/kore", store };
}

async function status(
  { location }: Pick<Place, "location">,
  args: readonly string[] = [],
  { env = {}, isTTY = false, now = NOW } = {},
): Promise<CommandResult> {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const code = await runCli(["status", "--archive", location, ...args], {
    stdout: { write: (text) => void stdout.push(text), isTTY },
    stderr: { write: (text) => void stderr.push(text), isTTY: false },
    env,
    clock: new VirtualClock(now),
    signal: new AbortController().signal,
  });
  return { code, stdout: stdout.join(""), stderr: stderr.join("") };
}

const totals = (total: number) => ({ drop_off: 0, self_service: total, agent: 0, unclassified: 0, total });
const days = (source: string, from: string, to: string, more: Partial<LedgerDay> = {}): LedgerDay[] =>
  daysFromTo(from, to).map((dt) => ({ source, dt, archived: totals(1_000), ...more }));

/** Thirteen days of two months: all kinds of days there are. */
const MIXED: LedgerDay[] = [
  ...days("st-1", "2025-12-20", "2025-12-23"),
  ...days("st-1", "2025-12-26", "2025-12-28", {
    status: "incomplete",
    archived: totals(0),
    problems: [{ code: "ERR_KORE_UNAUTHORIZED", message: "Kore refused\u001b[31m the token. Publish the scope." }],
  }),
  ...days("st-1", "2025-12-29", "2026-01-02", { status: "provisional" }),
];

describe("the calendar", () => {
  test("shows every kind of day by its letter, below its number, on folders and in buckets", async () => {
    const picture = [
      "           1       5         10        15        20        25        30 sessions",
      "  2025-12                                        C C C C - - I I I p p p   7,000",
      "  2026-01  p p -                                                           2,000",
    ].join("\n");
    for (const place of [await folder(MIXED), await bucket(MIXED)]) {
      const { code, stdout, stderr } = await status(place);
      expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
      expect(stdout).toContain(`\n${picture}\n`);
      expect(stdout).toContain("\nC complete, p provisional, I incomplete, - missing, ? damaged record\n");
    }
  });

  test("shows a damaged record", async () => {
    const place = await folder(days("st-1", "2026-01-02", "2026-01-02"));
    const key = ledgerKey("2026-01-03", "st-1");
    await mkdir(dirname(join(place.location, key)), { recursive: true });
    await writeFile(join(place.location, key), "{}");
    const { code, stdout } = await status(place);
    expect(code).toBe(1);
    expect(stdout).toMatch(/\n {2}2026-01 {4}C \? +1,000\n {2}2026-01-03 {2}damaged record\n {6}verify says what/);
  });

  test("shows twelve months, tells of earlier ones, and shows other days if told to", async () => {
    const place = await folder([
      ...days("st-1", "2024-11-30", "2024-12-01"),
      ...days("st-1", "2024-12-03", "2026-01-03"),
    ]);
    const { code, stdout } = await status(place);
    expect(code).toBe(1);
    expect([...stdout.matchAll(/^ {2}(\d{4}-\d\d) {2}/gm)].map(([, month]) => month)).toHaveLength(12);
    expect(stdout).toContain("  63 earlier days, 1 of them not archived: --from 2024-11-30 shows them\n");
    const range = await status(place, ["--from", "2024-12-01", "--to", "2024-12-03"]);
    expect(range.code).toBe(1);
    expect(range.stdout).toMatch(/\n {2}2024-12 {2}C - C +2,000\n {2}2024-12-02 {2}missing\n/);
    expect((await status(place, ["--from", "2025-01-01"])).code).toBe(0);
  });

  test("is coloured on a terminal only, and not with NO_COLOR; the letters are the same", async () => {
    const place = await folder(MIXED);
    const plain = (await status(place)).stdout;
    expect(plain).not.toContain("\u001b");
    const coloured = (await status(place, [], { isTTY: true })).stdout;
    expect(coloured).toContain("\u001b[32mC\u001b[39m");
    expect(stripVTControlCharacters(coloured)).toBe(plain);
    expect((await status(place, [], { isTTY: true, env: { NO_COLOR: "1" } })).stdout).toBe(plain);
    expect((await status(place, [], { isTTY: true, env: { TERM: "dumb" } })).stdout).toBe(plain);
  });

  test("fits into 80 columns, whatever the days hold", async () => {
    const longest = days("st-00000000-0000-5000-8000-000000000000", "2025-03-01", "2026-01-01", {
      archived: totals(1_234_567),
      problems: [
        { code: "ERR_ROWS_REJECTED", message: "12 rows have no usable id, and are kept as they came. ".repeat(3) },
      ],
    });
    const { stdout } = await status(await folder(longest));
    for (const line of stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    fc.assert(fc.property(fc.maxSafeNat(), (number) => count(number).length <= 7));
  });
});

describe("the overview", () => {
  test("says that all is well, up to which day, and when the next run is likely if they come every night", async () => {
    const place = await folder([
      ...days("st-1", "2026-01-01", "2026-01-03"),
      ...days("st-2", "2026-01-02", "2026-01-03"),
    ]);
    await writeDigests(
      place.store,
      [1, 2, 3, 4].map((day) => `2026-01-0${day}T02:1${day}:00Z`),
    );
    const { code, stdout } = await status(place);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^All is well: every day up to 2026-01-03 is archived\.\n2 sources, 5,000 sessions, 0 B\.\n/,
    );
    expect(stdout).toContain("Last run: 2026-01-04 02:14 UTC, 2 h ago; next: likely 2026-01-05 02:14 UTC.\n");
    expect(stdout).toContain(
      "st-2: 2,000 sessions in 2 days, 0 B\n  up to date: 2026-01-03 is archived\n  2 complete\n",
    );
    expect(stdout).not.toContain("--repair");
    const late = (await status(place, [], { now: "2026-01-05T12:00:00Z" })).stdout;
    expect(late).toContain("34 h ago; one was due 2026-01-05 02:14 UTC.\n");
    expect(late).toMatch(/^2 days of 2 sources need attention\.\n/);
    expect(late).toContain("  1 day behind: the newest archived day, 2026-01-03, ended 36 h ago\n");
  });

  test("claims no next run where runs have no habit, and no run where there is none", async () => {
    const place = await folder(days("st-1", "2026-01-02", "2026-01-02"));
    const first = (await status(place)).stdout;
    expect(first).toMatch(/^1 day needs attention\.\n.*\nNo run has ended yet\.\n/);
    expect(first).toContain("export --from DAY --to DAY exports older ones.");
    await writeDigests(place.store, [
      "2026-01-01T02:00:00Z",
      "2026-01-01T09:00:00Z",
      "2026-01-02T02:00:00Z",
      "2026-01-03T02:00:00Z",
    ]);
    expect((await status(place)).stdout).toContain(
      "Last run: 2026-01-03 02:00 UTC, 26 h ago; the next is not known here.\n",
    );
  });

  test("reckons in the archive's own time zone", async () => {
    const place = await folder(days("st-1", "2026-01-03", "2026-01-03", { time_zone: "Pacific/Auckland" }));
    expect((await status(place, [], { now: "2026-01-04T10:59:00Z" })).code).toBe(0);
    expect((await status(place, [], { now: "2026-01-04T11:00:00Z" })).stdout).toContain("  1 day behind: ");
  });
});

describe("the troubles", () => {
  test("are told once for days that follow each other, the newest first, without control characters", async () => {
    const { stdout } = await status(await folder(MIXED));
    expect(stdout).toContain(
      [
        "  2026-01-03  missing",
        "  2025-12-26 to 2025-12-28  ERR_KORE_UNAUTHORIZED (3 days)",
        "      Kore refused [31m the token. Publish the scope.",
        "  2025-12-24 to 2025-12-25  missing (2 days)",
        "",
      ].join("\n"),
    );
  });

  test("are cut to the newest eight", async () => {
    const every = daysFromTo("2025-12-01", "2025-12-21").filter((_, index) => index % 2 === 0);
    const place = await folder([
      ...every.map((dt) => ({ source: "st-1", dt })),
      ...days("st-1", "2025-12-22", "2026-01-03"),
    ]);
    const { stdout } = await status(place);
    expect(stdout).toContain("  2025-12-06  missing\n  and 2 more, earlier: --json tells all\n");
    expect(stdout).not.toContain("2025-12-04");
  });
});

describe("--json", () => {
  test("tells every day, unless a range is given, and what the text sums up", async () => {
    const place = await folder(MIXED);
    await writeDigests(place.store, ["2026-01-03T02:00:00Z"]);
    const { code, stdout } = await status(place, ["--json"]);
    expect(code).toBe(1);
    const told = JSON.parse(stdout);
    expect(told).toMatchObject({
      archive: place.location,
      last_run: { digest: 1, ended_at: "2026-01-03T02:00:00.000Z" },
      next_run_expected_at: null,
      sources: [
        {
          source: "st-1",
          time_zone: "UTC",
          newest_archived_day: "2026-01-02",
          days_behind: 1,
          totals: {
            sessions: 9_000,
            days: 15,
            bytes: 0,
            by_status: { complete: 4, provisional: 5, incomplete: 3, missing: 3, unreadable: 0 },
          },
        },
      ],
    });
    expect(told.sources[0].days).toHaveLength(15);
    expect(told.sources[0].days[0]).toEqual({
      dt: "2025-12-20",
      status: "complete",
      archived: totals(1_000),
      personal_data: "keep",
      problems: [],
    });
    const range = await status(place, ["--json", "--from", "2025-12-29", "--to", "2026-01-01"]);
    expect(range.code).toBe(0);
    expect(JSON.parse(range.stdout).sources[0].days).toHaveLength(4);
    expect(JSON.parse((await status(await folder(), ["--json"])).stdout)).toMatchObject({
      last_run: null,
      sources: [],
    });
  });
});

test.each([
  [["--from", "2026-13-01"], /--from is "2026-13-01"/],
  [["--from", "2026-01-02", "--to", "2026-01-01"], /--to 2026-01-01 lies before --from 2026-01-02/],
])("status refuses %j", async (args, says) => {
  const { code, stdout, stderr } = await status(await folder(), args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(says);
});
