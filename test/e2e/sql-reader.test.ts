import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Input } from "../../cli/io.ts";
import { runCli } from "../../cli/program.ts";
import { ledgerKey, sessionKey } from "../../functions/exporter/archive/layout.ts";
import { openDuckDb } from "../../functions/exporter/open-duckdb.ts";
import { filesBelow } from "../support/files.ts";
import { BOT, DAYS, makeSignedArchive, type SignedArchive } from "../support/signed-archive.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

interface World {
  readonly stdin?: Input;
  readonly isTerminal?: boolean;
  readonly folder?: string;
  readonly signal?: AbortSignal;
  readonly onWrite?: (text: string) => void;
}

let signed: SignedArchive;
let archive: string;

beforeAll(async () => {
  signed = await makeSignedArchive();
});
afterAll(() => signed?.remove());
beforeEach(async () => {
  archive = await signed.copy();
});

async function sql(args: readonly string[], world: World = {}) {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const write = (text: string) => {
    stdout.push(text);
    world.onWrite?.(text);
  };
  const code = await runCli(["sql", ...args], {
    stdout: { write, isTTY: world.isTerminal ?? false },
    stderr: { write: (text) => void stderr.push(text), isTTY: false },
    env: { KORE_ARCHIVE: archive },
    clock: new VirtualClock("2026-01-05T04:00:00Z"),
    signal: world.signal ?? new AbortController().signal,
    ...(world.stdin && { stdin: () => world.stdin as Input }),
    ...(world.folder !== undefined && { folder: world.folder }),
  });
  return { code, stdout: stdout.join(""), stderr: stderr.join(""), pieces: stdout.length };
}

async function rowsOf(query: string): Promise<unknown[]> {
  const { code, stdout, stderr } = await sql([query, "--json"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

/** A path in a folder of its own, outside of the archive. */
async function outside(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "kore-outside-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, name);
}

const partOf = (day: string) => join(archive, sessionKey(day, "agent", BOT, 0));
const recordOf = (day: string) => join(archive, ledgerKey(day, BOT));
const COUNT = "SELECT count(*) AS n FROM sessions";

describe("a statement that does more than read", () => {
  const WRITES = [
    "COPY (SELECT 1) TO 'RECORD' (FORMAT csv, USE_TMP_FILE false)",
    "COPY sessions TO 'OUT'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO 'RECORD' (FORMAT csv, USE_TMP_FILE false)",
    "/* a /* b */ */ EXPLAIN -- c\n (ANALYZE, FORMAT json) COPY (SELECT 1) TO 'RECORD' (FORMAT csv, USE_TMP_FILE false)",
    "EXPLAIN ANALYZE /* /* */ SELECT 1 -- */ COPY (SELECT 1) TO 'RECORD' (FORMAT csv, USE_TMP_FILE false)",
    "EXPLAIN EXPLAIN SELECT 1",
    "CREATE TABLE t AS SELECT 1",
    "CREATE OR REPLACE VIEW sessions AS SELECT 1",
    "INSERT INTO sessions SELECT * FROM sessions",
    "DELETE FROM exports",
    "DROP VIEW exports",
    "ATTACH 'OUT' AS other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET threads = 1",
    "RESET threads",
    "PRAGMA threads = 1",
    "PRAGMA show_tables",
    "CALL pragma_version()",
    "CALL enable_logging()",
    "EXPORT DATABASE 'OUT'",
    "IMPORT DATABASE 'OUT'",
    "CHECKPOINT",
    "BEGIN",
    "PREPARE p AS SELECT 1",
    "FROM enable_profiling(format = 'json', save_location = 'RECORD')",
    "SELECT (SELECT count(*) FROM \"Enable_Profiling\"(format = 'json', save_location = 'RECORD'))",
    "FROM enable_logging(storage = 'file', storage_path = 'OUT')",
    "FROM query('FROM enable_profiling(format = ''json'', save_location = ''RECORD'')')",
    "WITH x AS (COPY (SELECT 1) TO 'RECORD') FROM x",
  ];

  test.each(WRITES)("is refused, and changes nothing: %s", async (template) => {
    const out = await outside("out");
    const before = await filesBelow(archive);
    const query = template.replaceAll("RECORD", recordOf(DAYS[0])).replaceAll("OUT", out);
    const { code, stdout, stderr } = await sql([query]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error ERR_QUERY: /);
    expect(await filesBelow(archive)).toEqual(before);
    expect(existsSync(out)).toBe(false);
  });

  test.each([
    [
      "COPY sessions TO 'x'",
      /was not run, since it is another kind of statement\. One SELECT, EXPLAIN, DESCRIBE or SHOW is run here/,
    ],
    ["SELECT 1; SELECT 2", /was not run, since it holds 2 statements/],
    ["SELECT 1; DROP VIEW exports", /was not run, since it holds 2 statements/],
    ["EXPLAIN SELECT 1; DROP VIEW exports", /was not run, since it holds 2 statements/],
    ["/* nothing */ -- at all", /was not run, since it holds no statement/],
    ["SELECT 1\0; SELECT 2", /was not run, since it holds a character U\+0000/],
    ["FROM read_text('x')", /was not run, since it uses the table function read_text; there are unnest/],
    ["PIVOT sessions ON channel USING count(*)", /PIVOT needs its values/],
    ["SELEC 1", /DuckDB could not run the query\. Parser Error: syntax error at or near "SELEC"/],
    ["EXPLAIN SELEC 1", /DuckDB could not run the query\. Parser Error: .*EXPLAIN SELEC 1/s],
  ])("is told what may be asked: %j", async (query, says) => {
    const { code, stdout, stderr } = await sql([query]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error ERR_QUERY: /);
    expect(stderr).toMatch(says);
  });

  test.each([
    "FROM read_text('KEY')",
    "FROM read_csv('/etc/passwd')",
    "FROM glob('/*')",
    "FROM read_parquet('KEY')",
    "FROM query('FROM read_text(''KEY'')')",
    "FROM 'KEY'",
    "FROM 'KEY.csv'",
    "SELECT getenv('HOME')",
    "FROM 'https://example.com/x.csv'",
  ])("reads no file but the archive's, and no environment: %s", async (template) => {
    const key = await outside("key.pem");
    await writeFile(key, signed.signingKey);
    await writeFile(`${key}.csv`, signed.signingKey);
    const { code, stdout, stderr } = await sql([template.replaceAll("KEY", key)]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error ERR_QUERY: /);
    expect(stderr).not.toContain("PRIVATE");
  });

  test.each([
    "FROM sessions LIMIT 1",
    "WITH s AS (FROM sessions) SELECT count(*) FROM s;",
    "SELECT tag.name FROM (SELECT unnest(session_tags) AS tag FROM sessions)",
    "SELECT name FROM sessions, unnest(session_lang) AS l(name)",
    "VALUES (1)",
    "TABLE exports",
    "DESCRIBE sessions",
    "SHOW TABLES",
    "SUMMARIZE exports",
    "PIVOT sessions ON channel IN ('rtm', 'ivr') USING count(*)",
    "EXPLAIN SELECT * FROM sessions",
    "explain (format json) FROM exports",
    "/* why */ EXPLAIN -- so\n ANALYZE FROM sessions",
  ])("is not what reads, which is run: %s", async (query) => {
    const { code, stderr } = await sql([query]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });
});

describe("the files", () => {
  test("are those with names of the layout; others are counted, and left out", async () => {
    const before = await rowsOf(COUNT);
    await copyFile(partOf(DAYS[0]), join(dirname(partOf(DAYS[0])), "copy.parquet"));
    await writeFile(join(dirname(recordOf(DAYS[0])), "notes.txt"), "mine");
    const two = await sql([COUNT, "--json"]);
    expect(JSON.parse(two.stdout)).toEqual(before);
    expect(two.stderr).toBe(
      "warning: 2 names in the archive are no part of its layout and were left out; `kore-sessions verify` names them.\n",
    );
    await rm(join(dirname(recordOf(DAYS[0])), "notes.txt"));
    expect((await sql([COUNT])).stderr).toMatch(/: 1 name in the archive is no part .* was left out; .* names it\.\n$/);
  });

  test.each([".x.parquet", "._st-support-0001-part-0000.parquet"])("are none that is hidden: %s", async (name) => {
    const before = await rowsOf(COUNT);
    await copyFile(partOf(DAYS[0]), join(dirname(partOf(DAYS[0])), name));
    const copied = await sql([COUNT, "--json"]);
    await writeFile(join(dirname(partOf(DAYS[0])), name), "no Parquet");
    const damaged = await sql([COUNT, "--json"]);
    expect([copied, damaged].map(({ code, stdout }) => [code, JSON.parse(stdout)])).toEqual([
      [0, before],
      [0, before],
    ]);
  });

  test("may have characters of patterns in their names, and lie behind a link", async () => {
    const ofPart = `WHERE dt = '${DAYS[0]}' AND containment_type = 'agent' AND bot_id = '${BOT}'`;
    const [{ n }] = (await rowsOf(`${COUNT} ${ofPart}`)) as [{ n: number }];
    expect(n).toBeGreaterThan(0);
    const odd = "b*t [x]?'s";
    await copyFile(partOf(DAYS[0]), join(archive, sessionKey(DAYS[0], "agent", odd, 0)));
    const place = await outside("[a] *link*?");
    await symlink(archive, place);
    archive = place;
    expect(await rowsOf(`${COUNT} ${ofPart}`)).toEqual([{ n: 2 * n }]);
  });

  test("that lack a column have null there", async () => {
    const duckdb = await (await openDuckDb()).connect();
    const path = await outside("older.parquet");
    await duckdb.run(`COPY (SELECT * EXCLUDE (channel) FROM '${partOf(DAYS[1])}') TO '${path}' (FORMAT parquet)`);
    duckdb.closeSync();
    await rename(path, partOf(DAYS[1]));
    const channels = await rowsOf(
      `SELECT dt, count(channel) AS n FROM sessions WHERE containment_type = 'agent' AND dt <= '${DAYS[1]}' GROUP BY dt ORDER BY dt`,
    );
    expect(channels).toMatchObject([{ dt: DAYS[0] }, { dt: DAYS[1], n: 0 }]);
    expect(channels[0]).not.toMatchObject({ n: 0 });
  });
});

describe("a damaged file", () => {
  test.each([
    ["no Parquet at all", async (path: string) => writeFile(path, "no Parquet, but some text")],
    ["cut off", async (path: string) => writeFile(path, (await readFile(path)).subarray(0, 500))],
    ["overwritten in its pages", async (path: string) => writeFile(path, (await readFile(path)).fill(0xff, 4, 40))],
  ])("%s is named by its key, and fails only queries that need it", async (_, damage) => {
    const answers = [
      `SELECT * FROM sessions WHERE dt = '${DAYS[1]}' ORDER BY ALL`,
      `SELECT * FROM sessions WHERE dt > '${DAYS[0]}' ORDER BY ALL`,
      `SELECT * FROM sessions WHERE containment_type <> 'agent' ORDER BY ALL`,
      "SELECT * FROM exports ORDER BY ALL",
      "DESCRIBE sessions",
    ];
    const before = await Promise.all(answers.map(rowsOf));
    await damage(partOf(DAYS[0]));
    expect(await Promise.all(answers.map(rowsOf))).toEqual(before);
    const { code, stdout, stderr } = await sql(["SELECT * FROM sessions", "--format", "csv"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    const key = sessionKey(DAYS[0], "agent", BOT, 0);
    expect(stderr.startsWith(`error ERR_ARCHIVE_UNREACHABLE: ${key} cannot be read (`)).toBe(true);
    expect(stderr).toContain("`kore-sessions verify`");
    expect(stderr).not.toContain(archive);
  });

  test.each(["{", '{"requests": {}}'])("of the ledger is one of these, too: %s", async (text) => {
    const before = await Promise.all([COUNT, `SELECT * FROM exports WHERE dt = '${DAYS[1]}'`].map(rowsOf));
    await writeFile(recordOf(DAYS[0]), text);
    expect(await Promise.all([COUNT, `SELECT * FROM exports WHERE dt = '${DAYS[1]}'`].map(rowsOf))).toEqual(before);
    const { code, stderr } = await sql(["SELECT * FROM exports"]);
    expect(code).toBe(1);
    expect(stderr).toContain(`ERR_ARCHIVE_UNREACHABLE: ${ledgerKey(DAYS[0], BOT)} cannot be read (`);
  });

  test("is not blamed for a query that is wrong", async () => {
    const { code, stderr } = await sql(["SELECT CAST(channel AS int) FROM sessions"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error ERR_QUERY: DuckDB could not run the query\. Conversion Error/);
  });
});

describe("--format", () => {
  const QUERY =
    "SELECT 1 AS n, 'a,\"b\"' AS \"te,xt\", '' AS empty, NULL AS nothing, ['x', NULL] AS list, {'a': 'b'} AS struct, true AS yes" +
    " UNION ALL SELECT 2, e'one\\r\\ntwo', ' ', NULL, [], NULL, false ORDER BY 1";

  test("csv quotes what needs it, and tells null from an empty text", async () => {
    const { stdout } = await sql([QUERY, "--format", "csv"]);
    expect(stdout).toBe(
      'n,"te,xt",empty,nothing,list,struct,yes\n' +
        '1,"a,""b""","",,"[""x"",null]","{""a"":""b""}",true\n' +
        '2,"one\r\ntwo", ,,[],,false\n',
    );
  });

  test("ndjson has one object a line, json one array, of the same rows", async () => {
    const lines = (await sql([QUERY, "--format", "ndjson"])).stdout;
    const rows = lines
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rows).toMatchObject([{ n: 1, empty: "", nothing: null, list: ["x", null], struct: { a: "b" } }, { n: 2 }]);
    const json = await sql([QUERY, "--format", "json"]);
    expect(JSON.parse(json.stdout)).toEqual(rows);
    expect(await sql([QUERY, "--json"])).toEqual(json);
    expect(await sql([QUERY, "--json", "--format", "json"])).toEqual(json);
  });

  test.each([
    ["csv", "n\n"],
    ["ndjson", ""],
    ["json", "[]\n"],
  ])("%s of no rows is still whole", async (format, text) => {
    const { code, stdout } = await sql(["SELECT 1 AS n WHERE false", "--format", format]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: text });
  });

  test.each(["csv", "ndjson", "json"])("%s of many rows comes in pieces", async (format) => {
    const { stdout, pieces } = await sql(["SELECT range AS n FROM range(100000)", "--format", format]);
    expect(pieces).toBeGreaterThan(20);
    expect(stdout.match(/\d+/g)?.map(Number)).toEqual(Array.from({ length: 100_000 }, (_, index) => index));
  });

  test.each([
    [["--json", "--format", "csv"], /--json is --format json, and --format csv is given/],
    [["--format", "xml"], /Allowed choices are table, csv, ndjson, json/],
    [["--limit", "many"], /--limit is "many"; give a whole number/],
    [["--limit", "-1"], /--limit is "-1"/],
  ])("is wrong usage with %j", async (args, says) => {
    const { code, stdout, stderr } = await sql([COUNT, ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(says);
  });
});

describe("a table of many rows", () => {
  const MANY = "SELECT range AS n FROM range(2500)";

  test("is cut after 1,000 on a terminal, which it says", async () => {
    const { stdout, stderr } = await sql([MANY], { isTerminal: true });
    expect(stdout).toMatch(/│ +999 │\n└─+┘\n1,000 rows\n$/);
    expect(stderr).toMatch(/^There are more than 1,000 rows: --limit 0 prints all/);
  });

  test.each([
    ["elsewhere", [], false, 2500],
    ["with --limit 0", ["--limit", "0"], true, 2500],
    ["with a limit that it does not reach", ["--limit", "2500"], true, 2500],
  ])("is whole %s", async (_, args, isTerminal, rows) => {
    const { stdout, stderr } = await sql([MANY, ...args], { isTerminal });
    expect(stdout).toContain(`\n${rows.toLocaleString("en")} rows\n`);
    expect(stderr).toBe("");
  });

  test("is no plan, which is printed as DuckDB draws it", async () => {
    const { stdout } = await sql(["EXPLAIN SELECT * FROM sessions WHERE dt = '2026-01-01'"]);
    expect(stdout).toMatch(/^┌─+┐\n│ +PROJECTION +│\n.*Scanning Files: 6\/12 .*┘\n$/s);
  });

  test("has as many as --limit says, as has any format; another format is whole without it", async () => {
    const table = await sql([MANY, "--limit", "2"]);
    expect(table.stdout).toContain("\n2 rows\n");
    expect((await sql([MANY, "--limit", "2", "--format", "csv"])).stdout).toBe("n\n0\n1\n");
    const ndjson = await sql([MANY, "--format", "ndjson"], { isTerminal: true });
    expect([ndjson.stdout.split("\n").length, ndjson.stderr]).toEqual([2501, ""]);
  });
});

describe("the query", () => {
  const piped = (text: string): Input => Readable.from([text.slice(0, 5), text.slice(5)]);

  test("comes from a file, from stdin by -, or from a pipe", async () => {
    const folder = dirname(await outside("query.sql"));
    await writeFile(join(folder, "query.sql"), "\ufeff-- one\nSELECT 1 AS one;\n");
    const expected = { code: 0, stdout: "one\n1\n", stderr: "" };
    expect(await sql(["--file", "query.sql", "--format", "csv"], { folder })).toMatchObject(expected);
    const stdin = () => piped("SELECT 1 AS one");
    expect(await sql(["-", "--format", "csv"], { stdin: stdin() })).toMatchObject(expected);
    expect(await sql(["--format", "csv"], { stdin: stdin() })).toMatchObject(expected);
  });

  const atTerminal = () => Object.assign(piped("never read"), { isTTY: true });
  test.each<[string, readonly string[], World, RegExp]>([
    ["missing", [], {}, /The query is missing; give it as in sql "SELECT/],
    ["missing at a terminal", [], { stdin: atTerminal() }, /The query is missing/],
    ["empty", [" "], {}, /The query is empty; .*--file FILE/],
    ["an empty pipe", [], { stdin: piped("\n") }, /The query is empty/],
    ["given twice", ["SELECT 1", "--file", "x.sql"], {}, /given twice/],
    ["in a file that is not there", ["--file", "/nowhere/x.sql"], {}, /--file \/nowhere\/x\.sql cannot be read/],
  ])("is wrong usage if %s", async (_, args, world, says) => {
    const { code, stdout, stderr } = await sql(args, world);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error ERR_SETTINGS: /);
    expect(stderr).toMatch(says);
  });

  test("is interrupted while it is waited for, while it runs, and among its rows", async () => {
    const never = new Readable({ read: () => undefined });
    const waiting = new AbortController();
    setImmediate(() => waiting.abort());
    expect((await sql([], { stdin: never, signal: waiting.signal })).code).toBe(130);

    const running = new AbortController();
    const long = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range * b.range % 7 = 3";
    const ended = sql([long], { signal: running.signal });
    setTimeout(() => running.abort(), 200);
    expect(await ended).toMatchObject({ code: 130, stdout: "" });

    const printing = new AbortController();
    const endless = "SELECT range FROM range(1000000000)";
    const onWrite = () => printing.abort();
    const { code, pieces } = await sql([endless, "--format", "csv"], { signal: printing.signal, onWrite });
    expect({ code, pieces }).toEqual({ code: 130, pieces: 1 });
  });
});

test("a ledger record has the day of its folder, as in Athena", async () => {
  await mkdir(join(archive, "exports/dt=2026-01-09"), { recursive: true });
  await copyFile(recordOf(DAYS[0]), join(archive, ledgerKey("2026-01-09", BOT)));
  expect(await rowsOf("SELECT dt FROM exports WHERE dt > '2026-01-05'")).toEqual([{ dt: "2026-01-09" }]);
});
