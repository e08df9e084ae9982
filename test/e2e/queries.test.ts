import { statSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ArchiveViews } from "../../cli/sql/duckdb.ts";
import { daysFromTo } from "../../functions/exporter/export/calendar.ts";
import { cookbookQueries } from "../support/cookbook.ts";
import { type CookbookArchive, makeCookbookArchive, type TrueSession } from "../support/cookbook-archive.ts";
import { filesBelow } from "../support/files.ts";
import { openFolder } from "../support/open-folder.ts";

type Cell = string | number | null;
type Row = readonly Cell[];

const QUERIES = cookbookQueries();

let archive: CookbookArchive;
let views: ArchiveViews;

beforeAll(async () => {
  archive = await makeCookbookArchive();
  views = await openFolder(archive.folder);
});
afterAll(async () => {
  views?.closeSync();
  await archive?.close();
});

const all = () => archive.sessions;
const january = () => all().filter(({ dt }) => dt >= "2026-01-01");

function groups<T>(items: readonly T[], key: (item: T) => Cell): [Cell, T[]][] {
  return [...Map.groupBy(items, key)];
}

const isType =
  (...types: string[]) =>
  ({ type }: TrueSession) =>
    types.includes(type);
const countOf = <T>(items: readonly T[], holds: (item: T) => boolean) => items.filter(holds).length;
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
const numbersIn = (values: readonly unknown[]) => values.filter((value) => typeof value === "number");
const texts = (values: readonly unknown[]) => values.filter((value) => typeof value === "string");
const text = (value: unknown): string | null => (typeof value === "string" ? value : null);

function rounded(value: number, digits = 0): number {
  return (Math.sign(value) * Math.round(Math.abs(value) * 10 ** digits)) / 10 ** digits;
}

function mean(values: readonly unknown[]): number | null {
  const numbers = numbersIn(values);
  return numbers.length === 0 ? null : sum(numbers) / numbers.length;
}

const meanMessages = (sessions: readonly TrueSession[]) => {
  const value = mean(sessions.map(({ session }) => session.noOfMessagesExchanged));
  return value === null ? null : rounded(value, 1);
};
const percent = (part: number, whole: number) => rounded((100 * part) / whole, 1);

/** Text by its bytes in UTF-8, null last: the order of Athena and of DuckDB. */
function compare(a: Cell, b: Cell): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return typeof a === "number" && typeof b === "number"
    ? a - b
    : Buffer.compare(Buffer.from(`${a}`), Buffer.from(`${b}`));
}

/** Rows by some of their columns; a negative number is a column in falling order, counted from 1. */
function sorted(rows: readonly Row[], ...columns: number[]): Row[] {
  const at = (row: Row, column: number) => row[Math.abs(column) - 1] ?? null;
  return rows.toSorted((a, b) => {
    for (const column of columns) {
      const order = compare(at(a, column), at(b, column)) * Math.sign(column);
      if (order !== 0) return order;
    }
    return 0;
  });
}

interface Tag {
  readonly name: string | null;
  readonly value: string | null;
}

/** Pairs of a list of tags; a value that is not text is its JSON. */
function tagsOf({ session }: TrueSession, list: "userTags" | "sessionTags"): Tag[] {
  const tags = ((session.tags ?? {}) as Record<string, unknown>)[list];
  if (!Array.isArray(tags)) return [];
  return tags.map((tag: { name?: unknown; value?: unknown } | null) => {
    const value = tag?.value ?? null;
    return { name: text(tag?.name), value: value === null ? null : (text(value) ?? JSON.stringify(value)) };
  });
}

const tagged = (sessions: readonly TrueSession[]) =>
  sessions.flatMap((session) => tagsOf(session, "sessionTags").map((tag) => ({ ...tag, session })));
const distinct = (of: readonly { session: TrueSession }[]) => new Set(of.map(({ session }) => session)).size;

function durationMs({ startMs, session }: TrueSession): number | null {
  return typeof session.end_time === "string" ? Date.parse(session.end_time) - startMs : null;
}

/** The smallest value that at least such a share of the values does not exceed. */
function percentile(values: readonly unknown[], share: number): number | null {
  const numbers = numbersIn(values).sort((a, b) => a - b);
  return numbers[Math.ceil(share * numbers.length) - 1] ?? null;
}

/** Hours after a session until the same user's next one; Infinity if there is none. */
function hoursToNext(visit: TrueSession): number {
  const later = january().filter(
    ({ session, startMs }) => session.userId === visit.session.userId && startMs > visit.startMs,
  );
  return (Math.min(...later.map(({ startMs }) => startMs)) - visit.startMs) / 3_600_000;
}

const hasUser = ({ session }: TrueSession) => typeof session.userId === "string" && session.userId !== "";

/** What each query answers, by its title. */
const EXPECTED: Readonly<Record<string, () => readonly Row[] | Promise<readonly Row[]>>> = {
  "Sessions of each type per day": () =>
    groups(january(), ({ dt }) => dt).map(([dt, of]) => [
      dt,
      of.length,
      ...["selfService", "dropOff", "agent", "unclassified"].map((type) => countOf(of, isType(type))),
    ]),
  "Containment rate by week": () =>
    [
      ["2025-12-29", "2026-01-01", "2026-01-04"],
      ["2026-01-05", "2026-01-05", "2026-01-11"],
    ].map(([week = "", from = "", to = ""]) => {
      const of = january().filter(({ dt }) => dt >= from && dt <= to);
      return [week, of.length, percent(countOf(of, isType("selfService", "dropOff")), of.length)];
    }),
  "Change from day to day": () => {
    const counts = groups(january(), ({ dt }) => dt).map(([dt, of]) => ({ dt, count: of.length }));
    return counts.map(({ dt, count }, index) => {
      const before = counts[index - 1]?.count;
      return before === undefined
        ? [dt, count, null, null]
        : [dt, count, count - before, rounded((100 * count) / before - 100, 1)];
    });
  },
  "Share of each bot": () => {
    const rows = groups(january(), ({ session }) => text(session.botId)).map(([bot, of]) => [
      bot,
      of.length,
      percent(of.length, january().length),
    ]);
    return sorted(rows, -2, 1);
  },
  Channels: () => {
    const rows = groups(january(), ({ session }) => text(session.channel)).map(([channel, of]) => [
      channel,
      of.length,
      new Set(texts(of.map(({ session }) => session.userId))).size,
      meanMessages(of),
    ]);
    return sorted(rows, -2, 1);
  },
  Languages: () => {
    const spoken = january().flatMap(({ session }) => (session.session_lang ?? []) as string[]);
    return sorted(
      groups(spoken, (language) => language).map(([language, of]) => [language, of.length]),
      -2,
      1,
    );
  },
  "Hours of the day": () => {
    const berlin = new Intl.DateTimeFormat("en", { timeZone: "Europe/Berlin", hour: "numeric", hourCycle: "h23" });
    const rows = groups(january(), ({ startMs }) => Number(berlin.format(startMs))).map(([hour, of]) => [
      hour,
      of.length,
    ]);
    return sorted(rows, 1);
  },
  "Percentiles of duration and messages": () => {
    const rows = groups(january(), ({ type }) => type).map(([type, of]) => {
      const seconds = of
        .map((session) => (durationMs(session) ?? Number.NaN) / 1_000)
        .filter((value) => !Number.isNaN(value));
      const messages = of.map(({ session }) => session.noOfMessagesExchanged);
      const both = [seconds, messages].flatMap((values) => [percentile(values, 0.5), percentile(values, 0.9)]);
      return [type, of.length, ...both];
    });
    return sorted(rows, 1);
  },
  "Longest sessions": () => {
    const rows = january().flatMap((known): Row[] => {
      const { session, type } = known;
      const ms = durationMs(known);
      const messages = numbersIn([session.noOfMessagesExchanged])[0] ?? null;
      return ms === null
        ? []
        : [[text(session.sessionId), text(session.channel), type, rounded(ms / 60_000, 1), messages, ms]];
    });
    return sorted(rows, -6, 1)
      .slice(0, 20)
      .map((row) => row.slice(0, 5));
  },
  "Most frequent tags": () => {
    const rows = groups(tagged(january()), ({ name, value }) => JSON.stringify([name, value])).map(([, of]) => [
      of[0]?.name ?? null,
      of[0]?.value ?? null,
      distinct(of),
    ]);
    return sorted(rows, -3, 1, 2).slice(0, 20);
  },
  "Reasons of handoffs": () => {
    const reasons = tagged(january().filter(isType("agent"))).filter(({ name }) => name === "handoffReason");
    const rows = groups(reasons, ({ value }) => value).map(([reason, of]) => [
      reason,
      of.length,
      meanMessages(of.map(({ session }) => session)),
    ]);
    return sorted(rows, -2, 1);
  },
  "Self-service by a tag of the user": () => {
    const tierOf = (session: TrueSession) =>
      tagsOf(session, "userTags").find(({ name }) => name === "customerTier")?.value ?? null;
    const rows = groups(january(), tierOf).map(([tier, of]) => [
      tier,
      of.length,
      percent(countOf(of, isType("selfService")), of.length),
    ]);
    return sorted(rows, -2, 1);
  },
  "Mean feedback by channel": () => {
    const answers = tagged(january()).filter(({ name }) => name === "feedback");
    const rows = groups(answers, ({ session }) => text(session.session.channel)).map(([channel, of]) => {
      const values = of.map(({ value }) => Number(value)).filter((value) => !Number.isNaN(value));
      return [channel, values.length, rounded(mean(values) ?? Number.NaN, 2)];
    });
    return sorted(rows, 1);
  },
  "New names of tags": () => {
    const rows = groups(tagged(all()), ({ name }) => name).map(([name, of]) => [
      name,
      of.map(({ session }) => session.dt).sort()[0] ?? null,
      distinct(of),
    ]);
    return sorted(rows, 2, 1).filter(([, first]) => String(first) >= "2026-01-01");
  },
  "Sessions of a user": () =>
    ["zoe-1", "zoe-2", "zoe-3", "zoe-4"].map((id) => {
      const { session, type } = all().find((known) => known.session.sessionId === id) as TrueSession;
      const start = String(session.start_time)
        .replace("T", " ")
        .replace(/(\.000)?Z$/, "");
      return [start, id, text(session.botId), text(session.channel), type, Number(session.noOfMessagesExchanged)];
    }),
  "Tags of a call": () => [
    ["call-a", "attempt", "1"],
    ["call-a", "attempt", null],
    ["call-a", "callId", "call-4711"],
    ["call-a", null, null],
    ["call-b", "callId", "call-4711"],
    ["call-b", "campaign", "Neujahr 🎉"],
  ],
  "Users of each month": () =>
    groups(all().filter(hasUser), ({ dt }) => dt.slice(0, 7)).map(([month, of]) => {
      const users = new Set(of.map(({ session }) => session.userId)).size;
      return [month, users, of.length, rounded(of.length / users, 2)];
    }),
  "Users who came back within a day": () => {
    const rows = groups(january().filter(hasUser), ({ type }) => type).map(([type, of]) => [
      type,
      of.length,
      countOf(of, (visit) => hoursToNext(visit) < 24),
    ]);
    return sorted(rows, 1);
  },
  "A member of the raw text": () => [
    [null, january().length - 2, null],
    ["eu-central", 2, 0.25],
  ],
  "Days that are not complete": () => [
    [archive.days.unproven, archive.bots[1], "incomplete", "ERR_TOTALS_MISSING"],
    [archive.days.last, archive.bots[0], "provisional", ""],
  ],
  "Days without sessions": () => {
    const { missing, empty } = archive.days;
    const rows = [missing, ...daysFromTo(empty, "2026-01-31")].flatMap((dt) =>
      archive.bots.map((bot) => [dt, bot, dt === empty ? "no sessions" : "not exported"]),
    );
    return sorted(rows, 1, 2);
  },
  "Days that were exported again": () => {
    const { changed } = archive.days;
    const count = countOf(january(), ({ dt, session }) => dt === changed && session.botId === archive.bots[0]);
    return [[changed, archive.bots[0], 4, "2026-01-12T04:00:00.000Z", count]];
  },
  "Values that did not fit": () => [
    ["messages_exchanged", 2, "2026-01-07"],
    ["tasks_executed", 1, "2026-01-07"],
  ],
  "Storage of each day": async () => {
    const files = await filesBelow(`${archive.folder}/sessions`);
    return groups(january(), ({ dt }) => dt).map(([dt, of]) => {
      const sizes = files
        .filter(({ path }) => path.includes(`dt=${dt}/`))
        .map(({ path }) => statSync(`${archive.folder}/sessions/${path}`).size);
      return [dt, sizes.length, sum(sizes), of.length, rounded(sum(sizes) / of.length)];
    });
  },
};

describe("each query of docs/queries.md", () => {
  test("has its answer below, and the other way round", () => {
    expect(QUERIES.map(({ title }) => title)).toEqual(Object.keys(EXPECTED));
    expect(QUERIES.length).toBeGreaterThanOrEqual(20);
  });

  test.each(QUERIES)(
    "answers from the archive what the sessions of the source say: $title",
    async ({ title, duckdb: sql }) => {
      const { rows } = await views.query(sql);
      const expected = await EXPECTED[title]?.();
      expect(expected?.length).toBeGreaterThan(0);
      expect(rows).toEqual(expected);
    },
  );

  test.each(QUERIES)("bounds the days of every table that it reads: $title", ({ athena, duckdb: sql }) => {
    for (const form of new Set([athena, sql])) {
      const readings = form.match(/\b(?:FROM|JOIN)\s+(?:sessions|exports)\b/g) ?? [];
      const bounds = form.match(/\bWHERE dt BETWEEN '20\d\d-\d\d-01' AND '20\d\d-\d\d-31'/g) ?? [];
      expect(readings.length).toBeGreaterThan(0);
      expect(bounds).toHaveLength(readings.length);
    }
  });

  const ofTwoForms = QUERIES.filter(({ athena, duckdb: sql }) => athena !== sql);
  test.each(ofTwoForms)("has a form of its own for DuckDB only where Athena's fails there: $title", async (own) => {
    const { rows } = await views.query(own.athena).catch(() => ({ rows: null }));
    expect(rows).not.toEqual(await EXPECTED[own.title]?.());
  });
});
