import { PARTITION_TYPES, type PartitionType, TABLES } from "../../../functions/exporter/contract.ts";
import { daysFromTo } from "../../../functions/exporter/export/calendar.ts";
import type { ArchiveViews } from "../../sql/duckdb.ts";
import { distributionOf } from "./distribution.ts";
import type {
  DaySessions,
  Distribution,
  NameCount,
  Ranking,
  ReportRange,
  SessionNumbers,
  TagCount,
} from "./numbers.ts";

/** Names that a ranking shows, and values of a tag. */
const TOP_NAMES = 10;
const TOP_VALUES = 5;

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DURATION_EDGES = [0, 1, 2, 5, 10, 15, 20, 30, 60, 120, 360].map((minutes) => minutes * MINUTE);
const MESSAGE_EDGES = [0, 1, 2, 4, 6, 11, 21, 51, 101];
/** Nobody's session lasts a year: an end so far away is none. */
const LONGEST_SECONDS = 365 * 24 * HOUR;

/** What the queries are to tell. */
export interface SessionQuestion {
  readonly range: ReportRange;
  readonly timeZone: string;
  readonly isWithTagValues: boolean;
  readonly signal: AbortSignal;
}

const DURATION = "CASE WHEN end_time >= start_time THEN (epoch_ms(end_time) - epoch_ms(start_time)) // 1000 END";

type Ask = (sql: string) => Promise<readonly (readonly unknown[])[]>;

/**
 * Asks the view `sessions`. Everything is counted in SQL: what comes out is as long as a page shows, however many sessions
 * there are. Equal counts are ordered by name, so that the same archive gives the same numbers. Throws `ERR_QUERY`.
 */
export async function askSessions(views: ArchiveViews, question: SessionQuestion): Promise<SessionNumbers> {
  const { range, timeZone, isWithTagValues, signal } = question;
  const ask: Ask = async (sql) => (await views.query(sql, signal)).rows;
  const isPicked = `dt BETWEEN ${literal(range.from)} AND ${literal(range.to)}`;
  await views.define("picked", `SELECT * FROM ${TABLES.sessions} WHERE ${isPicked}`);
  return {
    days: await daysOf(ask, range),
    channels: await rankingOf(ask, "channel"),
    languages: await rankingOf(ask, "unnest(coalesce(nullif(list_distinct(session_lang), []), [NULL]))"),
    hours: await hoursOf(ask, timeZone),
    tags: await tagsOf(ask, isWithTagValues),
    durationSeconds: await spread(ask, DURATION, {
      edges: DURATION_EDGES,
      below: LONGEST_SECONDS,
    }),
    messages: await spread(ask, "messages_exchanged", { edges: MESSAGE_EDGES }),
  };
}

async function daysOf(ask: Ask, range: ReportRange): Promise<DaySessions[]> {
  const rows = await ask("SELECT dt, containment_type, count(*) FROM picked GROUP BY ALL");
  const counts = new Map(rows.map(([dt, type, sessions]) => [`${dt} ${type}`, Number(sessions)]));
  return daysFromTo(range.from, range.to).map((dt) => {
    const byType = PARTITION_TYPES.map((type) => [type, counts.get(`${dt} ${type}`) ?? 0]);
    return { dt, byType: Object.fromEntries(byType) as Record<PartitionType, number> };
  });
}

async function rankingOf(ask: Ask, name: string): Promise<Ranking> {
  const rows = await ask(`WITH named AS (SELECT ${name} AS name FROM picked),
      counted AS (SELECT name, count(*) AS sessions FROM named GROUP BY name)
    SELECT name, sessions, sum(sessions) OVER (), count(*) OVER ()
    FROM counted ORDER BY sessions DESC, name NULLS LAST LIMIT ${TOP_NAMES}`);
  const top = rows.map(([text, sessions]) => nameCount(text, sessions));
  const [, , all = 0, names = 0] = rows[0] ?? [];
  const shown = top.reduce((sum, { sessions }) => sum + sessions, 0);
  return { top, others: { names: Number(names) - top.length, sessions: Number(all) - shown } };
}

function nameCount(name: unknown, sessions: unknown): NameCount {
  return { name: name === null ? null : String(name), sessions: Number(sessions) };
}

async function hoursOf(ask: Ask, timeZone: string): Promise<number[]> {
  const local = `timezone(${literal(timeZone)}, timezone('UTC', start_time))`;
  const rows = await ask(`SELECT hour(${local}) AS hour, count(*) FROM picked GROUP BY hour`);
  const counts = new Map(rows.map(([hour, sessions]) => [Number(hour), Number(sessions)]));
  return Array.from({ length: 24 }, (_, hour) => counts.get(hour) ?? 0);
}

/** A session counts once for a name, and for a value, however often its tags repeat it. */
async function tagsOf(ask: Ask, isWithValues: boolean): Promise<TagCount[]> {
  const rows = await ask(`${TOP_TAGS} SELECT kind, name, sessions FROM top ORDER BY sessions DESC, name, kind`);
  const values = isWithValues ? await valuesOf(ask) : null;
  return rows.map(([kindText, nameText, sessions]) => {
    const [kind, name] = [kindText === "user" ? "user" : "session", String(nameText)] as const;
    return { kind, name, sessions: Number(sessions), values: values && (values.get(`${kind} ${name}`) ?? []) };
  });
}

const KINDS = ["session", "user"] as const;

/** What each kind of tag gives, as one relation. */
function ofTags(select: (tags: string) => string): string {
  return KINDS.map((kind) => `SELECT '${kind}' AS kind, ${select(`${kind}_tags`)} FROM picked`).join(" UNION ALL ");
}

const TOP_TAGS = `WITH named AS (${ofTags((tags) => `unnest(list_distinct([tag.name FOR tag IN ${tags}])) AS name`)}),
  top AS (SELECT kind, name, count(*) AS sessions FROM named
    GROUP BY kind, name ORDER BY sessions DESC, name, kind LIMIT ${TOP_NAMES})`;

/** The most frequent values of each of the top tags, by kind and name. */
async function valuesOf(ask: Ask): Promise<Map<string, NameCount[]>> {
  const rows = await ask(`${TOP_TAGS},
      pairs AS (${ofTags((tags) => `unnest(list_distinct(${tags})) AS tag`)}),
      counted AS (SELECT kind, tag.name AS name, tag.value AS value, count(*) AS sessions
        FROM pairs SEMI JOIN top ON pairs.kind = top.kind AND pairs.tag.name = top.name
        WHERE tag.value IS NOT NULL GROUP BY ALL)
    SELECT kind, name, value, sessions FROM counted
    QUALIFY row_number() OVER (PARTITION BY kind, name ORDER BY sessions DESC, value) <= ${TOP_VALUES}
    ORDER BY sessions DESC, value`);
  const byTag = Map.groupBy(rows, ([kind, name]) => `${kind} ${name}`);
  return new Map([...byTag].map(([tag, ofTag]) => [tag, ofTag.map(([, , value, n]) => nameCount(value, n))]));
}

/** Counts whole numbers from 0 to below `below`, value by value: their median is exact, and the memory bounded. */
async function spread(
  ask: Ask,
  value: string,
  { edges, below }: { edges: readonly number[]; below?: number },
): Promise<Distribution> {
  const isUsable = `value >= 0 ${below === undefined ? "" : `AND value < ${below}`}`;
  const cases = edges.map((edge, index) => `WHEN value >= ${edge} THEN ${index}`).reverse();
  const counted = `WITH counted AS (SELECT value, count(*) AS sessions
      FROM (SELECT CASE WHEN ${isUsable} THEN value END AS value FROM (SELECT ${value} AS value FROM picked)) GROUP BY value)`;
  const rows = await ask(
    `${counted} SELECT CASE ${cases.join(" ")} END AS bin, sum(sessions) FROM counted GROUP BY bin`,
  );
  const [middle] = await ask(`${counted}, summed AS (SELECT value, sum(sessions) OVER (ORDER BY value) AS upto,
      sum(sessions) OVER () AS total FROM counted WHERE value IS NOT NULL)
    SELECT min(value) FROM summed WHERE upto * 2 >= total`);
  const counts = new Map(rows.map(([bin, sessions]) => [bin === null ? null : Number(bin), Number(sessions)]));
  const median = middle?.[0] ?? null;
  return distributionOf(edges, counts, median === null ? null : Number(median));
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
