import { globSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StandIn } from "../demo/stand-in/server.ts";
import { S3Store } from "../functions/exporter/archive/s3-store.ts";
import { GLUE_TYPES, PARTITION_TYPES, SCHEDULED_TIME, SESSION_COLUMNS } from "../functions/exporter/contract.ts";
import { cookbookQueries } from "../test/support/cookbook.ts";
import { type Deployment, deploy } from "./deployment.ts";
import {
  ADDED,
  BOT,
  BOTS,
  type Days,
  daysBefore,
  EMOJI_CHANNEL,
  EMOJI_USER,
  FULL_WIDTH_CHANNEL,
  koreSettings,
  startKore,
} from "./kore.ts";
import { copyArchive, duckdb, readWithHyparquet, readWithPyarrow, readWithSpark } from "./readers.ts";
import { invoke } from "./runs.ts";
import { checkTools } from "./tools.ts";
import { startTrino, type Trino } from "./trino.ts";
import { type Cells, truthOf } from "./truth.ts";

let kore: StandIn;
let days: Days;
let stack: Deployment;
let trino: Trino;
let copy: string;
let truth: Map<string, Cells>;
/** Every day that was exported: the rest of the range has none. */
let between: string;

beforeAll(async () => {
  checkTools("athena");
  ({ kore, days } = await startKore());
  stack = await deploy("athena", koreSettings(kore, days));
  await succeed({ [SCHEDULED_TIME]: `${days.yesterday}T02:15:00Z` });
  // The part of unclassified sessions of that day becomes an empty file.
  kore.store.update(BOT, ADDED.moved, { containmentType: "agent" });
  kore.store.update(BOT, ADDED.unclassified, { containmentType: "dropOff" });
  await succeed({ date: days.odd });
  truth = truthOf(kore, [days.first, days.odd, days.last]);
  between = `dt BETWEEN '${days.first}' AND '${days.last}'`;
  copy = await mkdtemp(join(tmpdir(), "acceptance-copy-"));
  await copyArchive(new S3Store(stack.outputs.ArchiveBucket, "", { client: stack.s3 }), copy);
  trino = await startTrino(stack.endpoint);
});
afterAll(async () => {
  await trino?.stop();
  await stack?.stop();
  await kore?.close();
  if (copy) await rm(copy, { recursive: true, force: true });
});

async function succeed(event: object): Promise<void> {
  const { error, payload } = await invoke(stack, event);
  if (error !== undefined) throw new Error(payload.errorMessage);
}

const ask = (sql: string) => trino.client.query(sql, stack.outputs.SessionsTable.split(".")[0]);
const rowsOf = async (sql: string) => (await ask(sql)).rows;
const idsOf = async (where: string) =>
  (await rowsOf(`SELECT session_id FROM sessions WHERE ${between} AND ${where}`)).map(([id]) => String(id)).sort();
const truthWhere = (holds: (row: Cells) => boolean) =>
  [...truth.values()]
    .filter(holds)
    .map(({ session_id }) => String(session_id))
    .sort();

describe("every column", () => {
  /** As text, so that no client rounds a number or formats a time of its own. */
  const asText = SESSION_COLUMNS.map(({ name, shape }) =>
    shape === "timestamp" || shape === "integer" ? `CAST(${name} AS varchar) AS ${name}` : name,
  );
  let rows: Map<string, Cells>;
  beforeAll(async () => {
    const { columns, rows: found } = await ask(
      `SELECT ${asText.join(", ")}, dt, containment_type FROM sessions WHERE ${between}`,
    );
    const cells = found.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index]])) as Cells);
    expect(cells).toHaveLength(truth.size);
    rows = new Map(cells.map((row) => [String(row.session_id), row]));
  });

  test.each([...SESSION_COLUMNS.map(({ name }) => name), "dt", "containment_type"])(
    "%s is Kore's, in every row",
    (name) => {
      const column = (table: Map<string, Cells>) => new Map([...table].map(([id, row]) => [id, row[name]]));
      expect(column(rows)).toEqual(column(truth));
    },
  );

  test("has the type of the contract", async () => {
    const trinoType = (glue: string) =>
      glue
        .replace(/^array<(.*)>$/, "array($1)")
        .replace(/struct<name:string,value:string>/, "row(name varchar, value varchar)")
        .replace(/string/, "varchar")
        .replace(/^timestamp$/, "timestamp(3)");
    const described = await rowsOf("DESCRIBE sessions");
    const expected = SESSION_COLUMNS.map(({ name, shape }) => [name, trinoType(GLUE_TYPES[shape])]);
    expect(described.slice(0, expected.length).map(([name, type]) => [name, type])).toEqual(expected);
  });
});

describe("a filter", () => {
  test.each([
    ["an emoji", `channel = '${EMOJI_CHANNEL}'`, ADDED.emoji],
    ["full-width punctuation", `channel = '${FULL_WIDTH_CHANNEL}'`, ADDED.fullWidth],
    ["a text with joined emoji", `user_id = '${EMOJI_USER}'`, ADDED.emoji],
    ["a part of such a text", "user_id LIKE '%👩🏽‍💻%'", ADDED.emoji],
  ])("on %s finds the row", async (_, where, id) => {
    expect(await idsOf(where)).toEqual([id]);
  });

  test("on a tag with an emoji finds what the raw texts hold", async () => {
    const where = "any_match(user_tags, tag -> tag.value LIKE '%🎉%')";
    const expected = truthWhere(({ raw }) => String(raw).includes("Great service 👍🏽 thanks 🎉"));
    expect(expected.length).toBeGreaterThan(5);
    expect(await idsOf(where)).toEqual(expected);
  });

  test("on an instant finds the millisecond, and not its neighbours", async () => {
    const at = (ms: string) => `start_time = TIMESTAMP '${days.odd} 03:04:05.${ms}'`;
    expect(await Promise.all([idsOf(at("678")), idsOf(at("679")), idsOf(at("680"))])).toEqual([[], [ADDED.emoji], []]);
  });

  test("on a span of time finds what lies in it", async () => {
    const [from, to] = [`${days.odd} 03:00:00.000`, `${days.odd} 03:59:59.999`];
    const expected = truthWhere(({ start_time }) => String(start_time) >= from && String(start_time) <= to);
    expect(expected.length).toBeGreaterThan(5);
    expect(await idsOf(`start_time BETWEEN TIMESTAMP '${from}' AND TIMESTAMP '${to}'`)).toEqual(expected);
  });

  test("on a number beyond 2^53 finds exactly that", async () => {
    expect(await idsOf("messages_exchanged = 9007199254740993")).toEqual([ADDED.large]);
    expect(await idsOf("messages_exchanged = 9007199254740992")).toEqual([]);
  });

  test("tells null lists from empty ones", async () => {
    const [none, empty] = [truthWhere((row) => row.session_tags === null), truthWhere(isEmptyList)];
    expect(Math.min(none.length, empty.length)).toBeGreaterThan(3);
    expect(await idsOf("session_tags IS NULL")).toEqual(none);
    expect(await idsOf("cardinality(session_tags) = 0")).toEqual(empty);
  });
});

const isEmptyList = ({ session_tags }: Cells) => Array.isArray(session_tags) && session_tags.length === 0;

test("UNNEST gives every tag, repeated names and null members too", async () => {
  const expected = [...truth.values()].flatMap(({ session_id, session_tags }) =>
    (session_tags === null ? [] : (session_tags as [string, string][])).map(
      (tag) => `${session_id} ${tag?.[0] ?? null} ${tag?.[1] ?? null}`,
    ),
  );
  const rows = await rowsOf(
    `SELECT session_id, tag.name, tag.value FROM sessions CROSS JOIN UNNEST(session_tags) AS tag (name, value) WHERE ${between}`,
  );
  expect(rows.map(([id, name, value]) => `${id} ${name} ${value}`).sort()).toEqual(expected.sort());
});

describe("partitions", () => {
  test("bound what is read to the day and the containment type that a query names", async () => {
    for (const type of PARTITION_TYPES.slice(0, 3)) {
      const { rows, rowsRead } = await ask(
        `SELECT session_id, raw FROM sessions WHERE dt = '${days.last}' AND containment_type = '${type}'`,
      );
      const expected = truthWhere((row) => row.dt === days.last && row.containment_type === type);
      expect(rows.map(([id]) => id).sort()).toEqual(expected);
      expect(rowsRead).toBe(expected.length);
    }
  });

  test.each([
    ["a day inside the range that was not exported", () => days.yesterday],
    ["a day before the range", () => daysBefore(400)],
    ["a day after the range", () => daysBefore(-30)],
  ])("give no rows and no error for %s", async (_, day) => {
    expect(await rowsOf(`SELECT count(*) FROM sessions WHERE dt = '${day()}'`)).toEqual([[0]]);
    expect(await rowsOf(`SELECT count(*) FROM exports WHERE dt = '${day()}'`)).toEqual([[0]]);
  });

  test("take an empty file for no rows", async () => {
    const where = `dt = '${days.odd}' AND containment_type = 'unclassified'`;
    expect(await rowsOf(`SELECT count(*), count(raw) FROM sessions WHERE ${where}`)).toEqual([[0, 0]]);
    const [key] = globSync(`sessions/dt=${days.odd}/containment_type=unclassified/*.parquet`, { cwd: copy });
    expect(key).toBeDefined();
  });
});

test("the ledger is a table, with structs, maps and lists of structs", async () => {
  const rows = await rowsOf(`
    SELECT dt, source, status, reported.total - edges.total - rejected, archived.total, coerced['messages_exchanged'],
      cardinality(filter(files, file -> file.containment_type IS NULL)), problems[1].code
    FROM exports WHERE dt = '${days.odd}' AND source = '${BOT}'`);
  const count = truthWhere((row) => row.dt === days.odd && row.bot_id === BOT).length;
  expect(rows).toEqual([[days.odd, BOT, "complete", count, count, 1, 1, "ERR_ROWS_REJECTED"]]);
});

const sqlOf = (file: string) => readFileSync(file, "utf8").trim().replace(/;$/, "");

describe("the saved queries", () => {
  test.each(globSync("infra/queries/*.sql").sort())("%s runs as it is saved", async (file) => {
    const { rows, columns } = await ask(sqlOf(file));
    expect(columns.length).toBeGreaterThan(1);
    expect(rows.length, file).toBeGreaterThan(0);
  });

  test("count the sessions of each day as Kore does", async () => {
    const rows = await rowsOf(sqlOf("infra/queries/sessions-per-day.sql"));
    const expected = [days.last, days.odd, days.first].map((dt) => {
      const of = (type?: string) =>
        truthWhere((row) => row.dt === dt && (type === undefined || row.containment_type === type)).length;
      return [dt, of(), of("selfService"), of("dropOff"), of("agent"), of("unclassified")];
    });
    expect(rows.map((row) => row.slice(0, 6))).toEqual(expected);
  });

  test("leave no session unexplained", async () => {
    const rows = await rowsOf(sqlOf("infra/queries/rows-against-totals.sql"));
    expect(rows).toHaveLength(BOTS.length * 3);
    for (const [, , status, inTable, inLedger, , , , unexplained] of rows) {
      expect([status, inTable, unexplained]).toEqual(["complete", inLedger, 0]);
    }
  });

  test("name the gaps of the archive, from its first day to yesterday", async () => {
    const rows = await rowsOf(sqlOf("infra/queries/archive-gaps.sql"));
    expect(rows.map((row) => row.slice(0, 3))).toEqual(BOTS.toSorted().map((bot) => [days.yesterday, bot, "missing"]));
  });
});

/** Statements in the documents: blocks of SQL, and `--query-string "…"` of the AWS command line. */
function documentedSql(): { file: string; line: string; sql: string }[] {
  return globSync(["README.md", "docs/**/*.md"]).flatMap((file) => {
    const text = readFileSync(file, "utf8");
    const blocks = [...text.matchAll(/```sql\n(.*?)```/gs)].flatMap(([, block = ""]) => block.split(/;\s*$/m));
    const options = [...text.matchAll(/--query-string "([^"]+)"/g)].map(([, sql = ""]) => sql);
    return [...blocks, ...options]
      .filter((sql) => sql.trim() !== "")
      .map((sql) => ({ file, sql, line: sql.trim().replaceAll(/\s+/g, " ").slice(0, 60) }));
  });
}

test.each(documentedSql())("the SQL of $file runs: $line", async ({ sql }) => {
  await expect(ask(sql)).resolves.toBeDefined();
});

const SPAN_MS = "date_diff('millisecond', min(start_time), max(end_time))";

/** Trino sends decimals as text. */
const withNumbers = (rows: readonly (readonly unknown[])[]) =>
  rows.map((row) => row.map((value) => (value !== null && Number.isFinite(Number(value)) ? Number(value) : value)));

describe("the queries of docs/queries.md", () => {
  /** Athena's percentiles are approximate. */
  const exact = cookbookQueries().filter(({ athena }) => !athena.includes("approx_percentile"));

  test.each(exact)("give in DuckDB's form what they give in Trino: $title", async (query) => {
    const here = (sql: string) =>
      sql.replaceAll(/'2025-12-01'|'2026-01-01'/g, `'${days.first}'`).replaceAll("'2026-01-31'", `'${days.last}'`);
    expect(withNumbers(await rowsOf(here(query.athena)))).toEqual(withNumbers(await duckdb(copy, here(query.duckdb))));
  });
});

describe("another reader of the same files", () => {
  test.each([
    ["counts", "SELECT dt, containment_type, count(*) AS n FROM sessions WHERE DAYS GROUP BY 1, 2 ORDER BY 1, 2"],
    [
      "sums",
      "SELECT channel, sum(tasks_executed) AS n FROM sessions WHERE DAYS GROUP BY 1 ORDER BY channel NULLS LAST",
    ],
    [
      "times",
      `SELECT ${SPAN_MS} AS ms, date_trunc('hour', max(end_time)) = max(end_time) AS a FROM sessions WHERE DAYS`,
    ],
    ["nulls", "SELECT count(*) AS n, count(session_lang) AS m, count(end_time) AS e FROM sessions WHERE DAYS"],
    ["the ledger", "SELECT dt, source, status, archived.total AS n FROM exports WHERE DAYS ORDER BY 1, 2"],
    ["a saved query", sqlOf("infra/queries/sessions-per-day.sql")],
  ])("DuckDB, as `kore-sessions sql`, answers as Trino does: %s", async (_, template) => {
    const sql = template.replace("DAYS", between);
    const answer = withNumbers(await duckdb(copy, sql));
    expect(answer.length).toBeGreaterThan(0);
    expect(answer).toEqual(withNumbers(await rowsOf(sql)));
  });

  test.each([
    ["hyparquet", readWithHyparquet],
    ["pyarrow", readWithPyarrow],
    ["Spark", readWithSpark],
  ])("%s reads every column of every row as it is", async (_, read) => {
    expect(new Map((await read(copy)).map((row) => [String(row.session_id), row]))).toEqual(truth);
  });
});
