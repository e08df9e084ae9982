import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { runCli } from "../../cli/program.ts";
import { FolderStore } from "../../functions/exporter/archive/folder-store.ts";
import { ledgerKey, sessionKey } from "../../functions/exporter/archive/layout.ts";
import { S3Store } from "../../functions/exporter/archive/s3-store.ts";
import type { SessionRow } from "../../functions/exporter/sessions/row.ts";
import { writeLedgerDays } from "../support/ledger-days.ts";
import { type DayRows, writeDays } from "../support/report-archive.ts";
import { startS3Server } from "../support/s3-server/server.ts";
import type { CommandResult } from "../support/scenario.ts";
import { startScenario } from "../support/scenario.ts";
import { tag } from "../support/session-file.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const NOW = "2026-01-04T04:00:00Z";
const MINUTE_MS = 60_000;

afterEach(() => vi.unstubAllEnvs());

interface Place {
  readonly archive: string;
  /** Where the command is run, and the page comes to lie. */
  readonly folder: string;
}

async function place(days: readonly DayRows[] = []): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "kore-report-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const archive = join(folder, "archive");
  await writeDays(new FolderStore(archive, new VirtualClock(NOW)), days);
  return { archive, folder };
}

const report = (of: Place, ...args: readonly string[]) => reportUnder(new AbortController().signal, of, args);

async function reportUnder(
  signal: AbortSignal,
  { archive, folder }: Place,
  args: readonly string[],
): Promise<CommandResult> {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const code = await runCli(["report", "--archive", archive, ...args], {
    stdout: { write: (text) => void stdout.push(text), isTTY: false },
    stderr: { write: (text) => void stderr.push(text), isTTY: false },
    env: {},
    clock: new VirtualClock(NOW),
    signal,
    folder,
  });
  return { code, stdout: stdout.join(""), stderr: stderr.join("") };
}

async function page(of: Place, ...args: readonly string[]): Promise<string> {
  const { code, stderr } = await report(of, ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return readFile(join(of.folder, "report.html"), "utf8");
}

async function numbers(of: Place, ...args: readonly string[]) {
  const { code, stdout, stderr } = await report(of, "--json", ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

const at = (instant: string) => Date.parse(instant);
const lasting = (start: string, minutes: number): Partial<SessionRow> => ({
  start_time: at(start),
  end_time: at(start) + minutes * MINUTE_MS,
});

const BERLIN = { ledger: { time_zone: "Europe/Berlin" } };
const source = "st-1";

/** Two days of which every number is known; on the first, clocks are put forward in Berlin. */
const KNOWN: readonly DayRows[] = [
  {
    source,
    dt: "2025-03-30",
    type: "selfService",
    rows: [
      {
        ...lasting("2025-03-30T00:30:00Z", 3),
        channel: "rtm",
        session_lang: ["en", "de", "en"],
        messages_exchanged: 4,
      },
      { ...lasting("2025-03-30T01:30:00Z", 12), channel: "rtm", session_lang: ["en"], messages_exchanged: 5 },
      { start_time: at("2025-03-30T12:00:00Z"), end_time: at("2025-03-30T11:59:59.900Z"), session_lang: [] },
    ],
    ...BERLIN,
  },
  {
    source,
    dt: "2025-03-30",
    type: "agent",
    rows: [{ ...lasting("2025-03-30T12:10:00Z", 400), channel: "ivr", messages_exchanged: 2 ** 40 }],
    ...BERLIN,
  },
  {
    source,
    dt: "2025-03-31",
    type: "unclassified",
    rows: [{ start_time: at("2025-03-31T08:00:00Z"), channel: "" }],
    ledger: { time_zone: "Europe/Berlin", status: "provisional", active: 1 },
  },
  { source: "st-2", dt: "2025-03-31", type: "dropOff", rows: [lasting("2025-03-31T21:59:59Z", 1)], ...BERLIN },
];

const DAYS = ["--from", "2025-03-30", "--to", "2025-03-31"];

describe("the numbers", () => {
  test("count sessions by day, type, channel and language, and days that are not complete", async () => {
    const told = await numbers(await place(KNOWN), ...DAYS);
    expect(told).toMatchObject({ from: "2025-03-30", to: "2025-03-31", time_zone: "Europe/Berlin" });
    expect(told.headline).toEqual({
      sessions: 6,
      days: 2,
      sources: 2,
      containment_rate: 0.6,
      median_duration_seconds: 180,
      days_not_complete: 1,
    });
    expect(told.days).toMatchObject([
      { dt: "2025-03-30", drop_off: 0, self_service: 3, agent: 1, unclassified: 0 },
      { dt: "2025-03-31", drop_off: 1, self_service: 0, agent: 0, unclassified: 1 },
    ]);
    expect(told.channels).toEqual({
      top: [
        { name: "rtm", sessions: 2 },
        { name: null, sessions: 2 },
        { name: "", sessions: 1 },
        { name: "ivr", sessions: 1 },
      ].sort((one, other) => other.sessions - one.sessions),
      others: { names: 0, sessions: 0 },
    });
    expect(told.languages.top).toEqual([
      { name: null, sessions: 4 },
      { name: "en", sessions: 2 },
      { name: "de", sessions: 1 },
    ]);
  });

  test("tell the hour of the archive's time zone, also where clocks change", async () => {
    const { hours } = await numbers(await place(KNOWN), ...DAYS);
    const busy = Object.fromEntries(hours.flatMap((n: number, hour: number) => (n > 0 ? [[hour, n]] : [])));
    expect(busy).toEqual({ 1: 1, 3: 1, 10: 1, 14: 2, 23: 1 });
  });

  test("spread durations and messages, and leave out what cannot be", async () => {
    const { duration_seconds, messages } = await numbers(await place(KNOWN), ...DAYS);
    const filled = ({ bins }: { bins: { from: number; to: number | null; sessions: number }[] }) =>
      bins.filter(({ sessions }) => sessions > 0).map(({ from, to, sessions }) => [from, to, sessions]);
    expect(filled(duration_seconds)).toEqual([
      [60, 120, 1],
      [120, 300, 1],
      [600, 900, 1],
      [21_600, null, 1],
    ]);
    expect(duration_seconds).toMatchObject({ median: 180, unknown: 2 });
    expect(filled(messages)).toEqual([
      [4, 6, 2],
      [101, null, 1],
    ]);
    expect(messages).toMatchObject({ median: 5, unknown: 3 });
  });

  test("add up bytes from the archive's first day on, also if it is not looked at", async () => {
    const of = await place(KNOWN);
    const { days } = await numbers(of, "--from", "2025-03-31", "--to", "2025-03-31");
    const sizes = await Promise.all(
      KNOWN.map(({ dt, type, source: bot }) => readFile(join(of.archive, sessionKey(dt, type, bot, 0)))),
    );
    const [first = 0, second = 0, third = 0, fourth = 0] = sizes.map(({ length }) => length);
    const bytes = third + fourth;
    expect(days).toMatchObject([{ dt: "2025-03-31", bytes, cumulative_bytes: first + second + bytes }]);
  });

  test("are of the last twelve months, unless days are given, and of no day that the archive does not know", async () => {
    const of = await place();
    const store = new FolderStore(of.archive, new VirtualClock(NOW));
    const days = ["2024-06-01", "2025-06-01", "2026-01-03"];
    await writeLedgerDays(
      store,
      days.map((dt) => ({ source, dt })),
    );
    expect(await numbers(of)).toMatchObject({ from: "2025-01-04", to: "2026-01-03" });
    expect(await numbers(of, "--to", "2024-07-31")).toMatchObject({ from: "2024-06-01", to: "2024-07-31" });
    expect(await numbers(of, "--from", "2020-01-01")).toMatchObject({ from: "2024-06-01", to: "2026-01-03" });
    expect(await numbers(of, "--from", "2026-01-04")).toMatchObject({ from: null, headline: null });
  });

  test("of a bucket are those of the same archive in a folder", async () => {
    const s3 = await startS3Server();
    s3.createBucket("archive-bucket");
    vi.stubEnv("AWS_ENDPOINT_URL_S3", s3.url);
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) vi.stubEnv(name, "test");
    vi.stubEnv("AWS_REGION", "us-east-1");
    const store = new S3Store("archive-bucket", "kore");
    onTestFinished(async () => {
      store.close();
      await s3.close();
    });
    await writeDays(store, KNOWN);
    const inFolder = await place(KNOWN);
    const { archive: _, ...expected } = await numbers(inFolder, ...DAYS);
    const { archive, ...found } = await numbers({ ...inFolder, archive: "s3://archive-bucket/kore" }, ...DAYS);
    expect(archive).toBe("s3://archive-bucket/kore");
    expect(found).toEqual(expected);
  });

  test("equal what Kore has, after an export", async () => {
    const { cli, kore, clock } = await startScenario();
    await cli(["export", "--date", "2026-01-02"]);
    const { stdout } = await cli(["report", "--json"]);
    const told = JSON.parse(stdout);
    const of = (type: string) =>
      kore.store
        .between("st-support-0001", at("2026-01-02"), clock.now())
        .filter(({ containmentType }) => containmentType === type).length;
    expect(told.days).toMatchObject([
      { dt: "2026-01-02", drop_off: of("dropOff"), self_service: of("selfService"), agent: of("agent") },
      { dt: "2026-01-03", self_service: 0 },
    ]);
    expect(told.sources).toMatchObject([{ by_status: { complete: 1, missing: 1 } }]);
  });
});

describe("tags", () => {
  const tagged: DayRows = {
    source,
    dt: "2026-01-02",
    type: "selfService",
    rows: [
      {
        session_tags: [tag("intent", "pay"), tag("intent", "pay"), tag(null, "x"), null],
        user_tags: [tag("tier", "gold-secret")],
      },
      { session_tags: [tag("intent", null)], user_tags: [tag("intent", "of the user")] },
      { session_tags: [tag("intent", "pay"), tag("intent", "move")] },
    ],
  };

  test("are counted once a session, by kind and name, without their values", async () => {
    const of = await place([tagged]);
    const { tags } = await numbers(of);
    expect(tags).toEqual([
      { kind: "session", name: "intent", sessions: 3 },
      { kind: "user", name: "intent", sessions: 1 },
      { kind: "user", name: "tier", sessions: 1 },
    ]);
    expect(await page(of)).not.toContain("gold-secret");
  });

  test("have their most frequent values if these are asked for", async () => {
    const of = await place([tagged]);
    const { tags } = await numbers(of, "--tag-values");
    expect(tags[0].values).toEqual([
      { name: "pay", sessions: 2 },
      { name: "move", sessions: 1 },
    ]);
    expect(await page(of, "--tag-values")).toContain("gold-secret");
  });

  test("beyond the ten most frequent are left out, and channels beyond them are added up", async () => {
    const rows = Array.from({ length: 30 }, (_, index) => ({
      channel: `channel-${String(index % 15).padStart(2, "0")}`,
      session_tags: [tag(`tag-${index % 20}`, "")],
    }));
    const { tags, channels } = await numbers(await place([{ ...tagged, rows }]));
    expect(tags).toHaveLength(10);
    expect(channels.top.map(({ name }: { name: string }) => name)).toEqual(
      Array.from({ length: 10 }, (_, index) => `channel-0${index}`),
    );
    expect(channels.others).toEqual({ names: 5, sessions: 10 });
  });
});

describe("the page", () => {
  const CARDS = ["sessions", "rate", "hours", "channels", "languages", "durations", "messages", "tags", "storage"];

  test("loads nothing and runs nothing", async () => {
    const text = await page(await place(KNOWN), ...DAYS);
    expect(text).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(text).not.toMatch(/<(?:script|link|img|iframe|object|base|form)\b|\s(?:src|href|on\w+)=|@import/);
    const addresses = [...text.matchAll(/[a-z]+:\/\/[^"'<\s]*|url\([^)]*\)/g)].map(([address]) => address);
    const namespaces = ["http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"];
    expect(addresses.filter((address) => !namespaces.includes(address) && !address.startsWith("url(#"))).toEqual([]);
  });

  test("says in words what each chart shows, and has a table behind it", async () => {
    const text = await page(await place(KNOWN), ...DAYS);
    for (const id of CARDS) {
      const [, card = ""] = new RegExp(`<figure class="card[^"]*" id="${id}">(.*?)</figure>`, "s").exec(text) ?? [];
      expect(card, id).toMatch(/<div class="chart" role="img" aria-label="[^"]{20,}">/);
      expect(card, id).toMatch(/<figcaption><h2>.+<\/h2><p>.{5,}<\/p>/);
      expect(card.match(/<svg class="(?:narrow|medium|wide)" /g)?.length, id).toBeGreaterThanOrEqual(2);
      expect(card.match(/<tr>/g)?.length, id).toBeGreaterThanOrEqual(id === "tags" ? 1 : 2);
    }
    expect(text).toContain("Most sessions: rtm, 33%.");
    expect(text).toContain("60% over all; lowest 0% (31 Mar 2025), highest 75% (30 Mar 2025).");
    const [, rate = ""] = /id="rate">(.*?)<\/figure>/s.exec(text) ?? [];
    expect(rate).toContain('<th scope="row" class="line"><bdi>2025-03-30</bdi></th><td class="number">3</td>');
  });

  test("leaves no colour of a drawing undefined, and gives no id twice", async () => {
    const text = await page(await place(KNOWN), ...DAYS);
    expect(text).not.toMatch(/#0101[0-9a-f]{2}/);
    const defined = new Set(
      [...text.matchAll(/^ *(--[\w-]+):|[;{ ](--[\w-]+):/gm)].map(([, one, other]) => one ?? other),
    );
    for (const [, name] of text.matchAll(/var\((--[\w-]+)\)/g)) expect(defined, name).toContain(name);
    const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id] of text.matchAll(/url\(#([^)]+)\)/g)) expect(ids).toContain(id);
  });

  test("is the same for the same archive and time, however many were made before", async () => {
    const of = await place(KNOWN);
    expect(await page(of, ...DAYS)).toBe(await page(of, ...DAYS));
  });

  test("shows each day's state by its letter and its name, and why it is not complete", async () => {
    const of = await place([{ ...KNOWN[0], source, dt: "2026-01-01", type: "agent", rows: [{}] }]);
    const store = new FolderStore(of.archive, new VirtualClock(NOW));
    const problems = [{ code: "ERR_NOT_RECONCILED" as const, message: "3 of 5 <sessions>." }];
    await writeLedgerDays(store, [
      { source, dt: "2025-12-29", status: "incomplete", problems },
      { source, dt: "2025-12-30", status: "provisional", active: 2 },
    ]);
    await mkdir(join(of.archive, "exports/dt=2026-01-02"), { recursive: true });
    await writeFile(join(of.archive, ledgerKey("2026-01-02", source)), "{");
    const text = await page(of);
    const cells = [
      ...text.matchAll(
        /<td title="(.*?)"><span class="day (\w+)" aria-hidden="true">(.)<\/span><span class="unseen">(.*?)</g,
      ),
    ];
    expect(cells.map(([, ...cell]) => cell.join(" | "))).toEqual([
      "2025-12-29: incomplete | incomplete | I | 29: incomplete",
      "2025-12-30: provisional | provisional | p | 30: provisional",
      "2025-12-31: missing | missing | – | 31: missing",
      "2026-01-01: complete | complete | C | 1: complete",
      "2026-01-02: damaged record | unreadable | ? | 2: damaged record",
      "2026-01-03: missing | missing | – | 3: missing",
    ]);
    expect(text).toContain("1 incomplete, 2 missing, 1 provisional, 1 damaged");
    expect(text).toContain("ERR_NOT_RECONCILED: 3 of 5 &#60;sessions&#62;.");
    expect(text).toContain("2 sessions still active when it was read");
  });

  test("shows texts of the archive and the title as they are, never as markup", async () => {
    const hostile = [
      `</script><script>alert(1)</script>`,
      `"><img src=x onerror=alert(1)>`,
      `' onload='alert(1)`,
      `]]></style><svg onload=alert(1)>`,
      "{a|rich} {value} &amp; url(#x)",
      "👩‍👩‍👧‍👦 مرحبا\u202eabc\u0000\nline",
      "long".repeat(5_000),
    ];
    const rows = hostile.map((text) => ({
      channel: text,
      session_lang: [text],
      session_tags: [tag(text, text)],
      user_tags: [tag(text, text)],
    }));
    const bot = "st-<i>&";
    const of = await place([{ source: bot, dt: "2026-01-02", type: "agent", rows }]);
    const text = await page(of, "--tag-values", "--title", `<b>R&D</b>${hostile[1]}`);
    const markup = [...text.replace(/<style>.*?<\/style>/s, "").matchAll(/<[^>]*>/g)].map(([tagText]) => tagText);
    const attributes = / [a-z][\w:-]*="[^"]*"/gi;
    const names = new Set(markup.map((tagText) => tagText.replaceAll(attributes, "").replace(/^<\/?(\w+).*$/, "$1")));
    const known =
      "html head meta title body header h1 p bdi main section dl div dt dd figure figcaption h2 ul li span svg rect path g text defs clipPath details summary table caption thead tbody tr th td b footer h3 abbr";
    expect([...names].filter((name) => !known.split(" ").includes(name))).toEqual(["<!doctype html>"]);
    const given = new Set(
      markup.flatMap((tagText) => tagText.match(attributes) ?? []).map((text) => text.split("=")[0]?.trim()),
    );
    expect([...given].filter((name) => /^(?:on|src|href|xlink:href)/.test(name ?? ""))).toEqual([]);
    const [, heading] = /<h1>(.*?)<\/h1>/.exec(text) ?? [];
    expect(heading).toBe("&#60;b&#62;R&#38;D&#60;/b&#62;&#34;&#62;&#60;img src=x onerror=alert(1)&#62;");
    const cells = [...text.matchAll(/<th scope="row" class="\w+"><bdi>(.*?)<\/bdi>/g)].map(([, cell]) => cell);
    expect(cells).toContain("👩‍👩‍👧‍👦 مرحبا�abc��line");
    expect(cells).toContain(`${"long".repeat(30).slice(0, 119)}…`);
    const labels = [...text.matchAll(/<text [^>]*>(.*?)<\/text>/g)].map(([, label]) => label);
    expect(labels).toContain("{a|rich} {value} &amp;amp;…");
    expect(text.length).toBeLessThan(400_000);
  });

  test.each([
    ["an empty archive", [], "Nothing to show"],
    [
      "a single day",
      [{ ...KNOWN[0], source, dt: "2026-01-03", type: "agent", rows: [{}] }] as DayRows[],
      "3 Jan 2026 (UTC)",
    ],
    ["a day without sessions", [{ source, dt: "2026-01-03", type: "agent", rows: [] }] as DayRows[], "No sessions."],
  ])("of %s is sensible", async (_, days, says) => {
    const text = await page(await place(days.map(({ ledger: __, ...day }) => day)));
    expect(text).toContain(says);
    expect(text).not.toMatch(/NaN|undefined|Infinity|Invalid/);
  });
});

describe("the file", () => {
  test("is not made once the command is interrupted", async () => {
    const of = await place(KNOWN);
    const { code, stdout } = await reportUnder(AbortSignal.abort(), of, DAYS);
    expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
    expect(await readdir(of.folder)).toEqual(["archive"]);
  });

  test("is told with what it holds, and replaces an earlier one whole", async () => {
    const of = await place(KNOWN);
    await writeFile(join(of.folder, "march.html"), "an earlier one");
    const { stdout } = await report(of, ...DAYS, "--out", "march.html");
    expect(stdout).toMatch(/^march\.html: 6 sessions on 2 days of 2 sources, \d+ kB\.\n$/);
    expect(await readFile(join(of.folder, "march.html"), "utf8")).toMatch(/^<!doctype html>.*<\/html>\n$/s);
    expect(await readdir(of.folder)).toEqual(["archive", "march.html"]);
  });

  test("is made without files that are no part of the layout, which it counts", async () => {
    const of = await place(KNOWN);
    await writeFile(join(of.archive, "sessions", "notes.txt"), "mine");
    const { code, stderr } = await report(of, ...DAYS);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: 1 name in the archive is no part of its layout and was left out; /);
  });

  test("stays as it was if a session file cannot be read, which the error names", async () => {
    const of = await place(KNOWN);
    await writeFile(join(of.folder, "report.html"), "an earlier one");
    await writeFile(join(of.archive, sessionKey("2025-03-30", "agent", source, 0)), "no Parquet");
    const { code, stderr } = await report(of, ...DAYS);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error ERR_ARCHIVE_UNREACHABLE: sessions\/dt=2025-03-30\/.*agent\/st-1-part-0000\.parquet cannot be read .*kore-sessions verify/,
    );
    expect(await readFile(join(of.folder, "report.html"), "utf8")).toBe("an earlier one");
  });

  test.each([
    [
      ["--out", "nowhere/report.html"],
      /--out nowhere\/report\.html lies in a folder that does not exist; make .*nowhere first/,
    ],
    [["--out", "archive"], /--out archive is a folder; give a file in it/],
    [["--from", "2026-02-30"], /--from is "2026-02-30"/],
    [["--from", "2026-01-02", "--to", "2026-01-01"], /--to 2026-01-01 lies before --from 2026-01-02/],
    [["--title", " "], /--title is blank/],
    [["--archive", "https://x"], /an archive is a folder's path or s3:/],
  ])("is not made with %j", async (args, says) => {
    const of = await place(KNOWN);
    const { code, stdout, stderr } = await report(of, ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error ERR_SETTINGS: .*\n$/);
    expect(stderr).toMatch(says);
    expect(await readdir(of.folder)).toEqual(["archive"]);
  });
});
