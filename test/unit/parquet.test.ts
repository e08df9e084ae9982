import { existsSync } from "node:fs";
import { mkdtemp, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SESSION_COLUMNS } from "../../functions/exporter/contract.ts";
import { openDuckDb } from "../../functions/exporter/open-duckdb.ts";
import { writeSessionFile } from "../../functions/exporter/parquet/writer.ts";
import type { SessionRow } from "../../functions/exporter/sessions/row.ts";
import {
  asRead,
  readMetadata,
  readPageHeaders,
  readWithDuckDb,
  readWithHyparquet,
  sessionRow,
  tag,
} from "../support/session-file.ts";
import { arbitraryRow, numbered, ODD_TEXTS } from "../support/session-rows.ts";

let folder: string;
let duckDb: DuckDBConnection;
let files = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "session-files-"));
  duckDb = await (await openDuckDb()).connect();
});

afterAll(async () => {
  duckDb.closeSync();
  await rm(folder, { recursive: true });
});

const newPath = () => join(folder, `${files++}.parquet`);

async function written(rows: Iterable<SessionRow>): Promise<string> {
  const { path } = await writeSessionFile(rows, newPath());
  return path;
}

async function expectReadBack(rows: readonly SessionRow[]): Promise<void> {
  const path = await written(rows);
  const expected = rows.map(asRead);
  expect(await readWithDuckDb(duckDb, path)).toEqual(expected);
  expect(await readWithHyparquet(path)).toEqual(expected);
}

/** First column of a query's result, `$file` standing for the file. */
async function query(path: string, sql: string): Promise<unknown[]> {
  const reader = await duckDb.runAndReadAll(sql.replace("$file", `read_parquet('${path}')`));
  return reader.getRows().map((cells) => cells[0]);
}

describe("what two independent readers read back", () => {
  it.each(ODD_TEXTS)("%s, in every place for text", async (_name, text) => {
    const tags = [tag(text, text), tag(text, null), tag(null, text)];
    await expectReadBack([
      sessionRow({
        session_id: text,
        bot_id: text,
        channel: text,
        user_id: text,
        session_lang: [text, text],
        session_type: text,
        session_status: text,
        user_tags: tags,
        session_tags: tags,
        alt_text: tags,
        raw: Buffer.from(text),
      }),
      sessionRow(),
    ]);
  });

  it("null lists, empty lists, null elements and repeated tag names, apart from each other", async () => {
    await expectReadBack([
      sessionRow({ session_lang: null, user_tags: null }),
      sessionRow({ session_lang: [], user_tags: [] }),
      sessionRow({ session_lang: [null], user_tags: [null] }),
      sessionRow({ session_lang: [null, "en", null], user_tags: [null, tag(null, null), null, tag("a", "1")] }),
      sessionRow({ session_lang: ["en", "en"], user_tags: [tag("a", "1"), tag("a", "2"), tag("a", "1")] }),
    ]);
  });

  it("integers to the ends of 64 bits", async () => {
    const integers = [0, -1, 2 ** 53 - 1, -(2 ** 53 - 1), 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n), null];
    await expectReadBack(integers.map((value) => sessionRow({ messages_exchanged: value, tasks_executed: value })));
  });

  it("instants with milliseconds, before 1970 too", async () => {
    const instants = [
      "2026-01-02T03:04:05.678Z",
      "1969-12-31T23:59:59.999Z",
      "0000-01-01T00:00:00Z",
      "9999-12-31T23:59:59.999Z",
    ];
    await expectReadBack(
      instants.map((text) => sessionRow({ start_time: Date.parse(text), end_time: Date.parse(text) })),
    );
  });

  it("true, false and null", async () => {
    await expectReadBack([true, false, null, true].map((value) => sessionRow({ is_developer: value })));
  });

  it("no rows, with every column", async () => {
    const path = await written([]);
    await expectReadBack([]);
    expect(await query(path, "select column_name from (describe select * from $file)")).toEqual(
      SESSION_COLUMNS.map(({ name }) => name),
    );
  });

  it("arbitrary rows", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryRow(), { maxLength: 40 }), (rows) => expectReadBack(rows)),
      { numRuns: 60 },
    );
  });

  it("more different texts in a column than its dictionary takes", async () => {
    const rows = numbered(12_000, (index) => ({
      channel: index % 2 ? `channel ${index} of many, each with a name of its own` : null,
      session_lang: [`lang-${index % 3}`, index % 5 ? `language ${index} of as many` : null],
    }));
    const path = await written(rows);
    const encodings = (await readPageHeaders(path))
      .filter(({ column }) => column === "channel")
      .map(({ header }) => header.data_page_header?.encoding ?? "dictionary");
    expect(new Set(encodings)).toEqual(new Set(["dictionary", "RLE_DICTIONARY", "PLAIN"]));
    expect(await readWithDuckDb(duckDb, path)).toEqual(rows.map(asRead));
    expect(await readWithHyparquet(path)).toEqual(rows.map(asRead));
  });

  it("more rows than one row group takes, in their order", async () => {
    const rows = numbered(45_000, (index) => ({ messages_exchanged: index, session_lang: index % 3 ? ["en"] : null }));
    const path = await written(rows);
    const { row_groups } = await readMetadata(path);
    expect(row_groups.map((group) => Number(group.num_rows))).toEqual([20_000, 20_000, 5_000]);
    expect(await query(path, "select session_id from $file")).toEqual(rows.map((row) => row.session_id));
    expect(await query(path, "select sum(messages_exchanged)::bigint from $file")).toEqual([(45_000n * 44_999n) / 2n]);
    expect((await readWithHyparquet(path)).map((row) => row.session_lang)).toEqual(rows.map((row) => row.session_lang));
  });
});

describe("text as bytes", () => {
  it("keeps a leading U+FEFF, which the readers drop", async () => {
    const path = await written([sessionRow({ channel: "\uFEFFx" })]);
    expect(await query(path, "select hex(encode(channel)) from $file")).toEqual(["EFBBBF78"]);
  });

  it("replaces a lone surrogate by U+FFFD, since UTF-8 has no other way", async () => {
    await expectReadBack([sessionRow({ channel: "a\uD800b", user_tags: [tag("\uDC00", "\uD83D")] })]);
    const path = await written([sessionRow({ channel: "a\uD800b" })]);
    expect(await query(path, "select channel from $file")).toEqual(["a\uFFFDb"]);
  });
});

describe("filters", () => {
  // UTF-16 and UTF-8 order the first two differently: bounds in UTF-16 order make readers skip them.
  const channels = ["😀 hi", "！full width", "\uFFFD", "ascii", ""];

  it.each(channels)("finds the channel %j", async (channel) => {
    const path = await written(channels.map((each) => sessionRow({ channel: each })));
    expect(await query(path, `select count(*) from $file where channel = '${channel}'`)).toEqual([1n]);
    expect(
      await query(path, `select count(*) from $file where channel >= '${channel}' and channel <= '${channel}'`),
    ).toEqual([1n]);
  });

  it("finds instants in every row group, on both sides of 1970", async () => {
    const rows = numbered(41_000, (index) => ({
      start_time: (index - 20_500) * 1_000,
      end_time: index === 40_999 ? -7 : null,
    }));
    const path = await written(rows);
    const second = (text: string) => query(path, `select session_id from $file where start_time = timestamp '${text}'`);
    expect(await second("1970-01-01 00:00:00")).toEqual(["s-20500"]);
    expect(await second("1969-12-31 23:59:59")).toEqual(["s-20499"]);
    expect(await second("1969-12-31 18:18:20")).toEqual(["s-0"]);
    expect(await query(path, "select count(*) from $file where start_time < timestamp '1970-01-01'")).toEqual([
      20_500n,
    ]);
    expect(await query(path, "select session_id from $file where end_time < timestamp '1970-01-01'")).toEqual([
      "s-40999",
    ]);
  });

  it("finds integers beyond 2^53", async () => {
    const path = await written(
      [1, 2n ** 53n + 1n, null, -(2n ** 63n)].map((value) => sessionRow({ messages_exchanged: value })),
    );
    expect(await query(path, "select count(*) from $file where messages_exchanged = 9007199254740993")).toEqual([1n]);
    expect(await query(path, "select count(*) from $file where messages_exchanged < 0")).toEqual([1n]);
  });
});

describe("a write that fails", () => {
  it("rejects where the folder does not exist", async () => {
    const path = join(folder, "absent", "x.parquet");
    await expect(writeSessionFile(numbered(3), path)).rejects.toMatchObject({
      code: "ERR_SCRATCH_NOT_WRITABLE",
      message: expect.stringContaining(path),
      cause: expect.objectContaining({ code: "ENOENT" }),
    });
  });

  it("rejects where a folder stands in its place, and leaves the folder", async () => {
    await expect(writeSessionFile([], folder)).rejects.toMatchObject({ code: "ERR_SCRATCH_NOT_WRITABLE" });
    expect((await stat(folder)).isDirectory()).toBe(true);
  });

  it.runIf(existsSync("/dev/full")).each([0, 3, 45_000])(
    "rejects on a full disk with %d rows, and leaves no file",
    async (count) => {
      const path = newPath();
      await symlink("/dev/full", path);
      await expect(writeSessionFile(numbered(count), path)).rejects.toMatchObject({
        code: "ERR_SCRATCH_NOT_WRITABLE",
        cause: expect.objectContaining({ code: "ENOSPC" }),
      });
      expect(existsSync(path)).toBe(false);
    },
  );

  it.each(["session_id", "start_time", "raw"])("rejects a row whose %s is null in spite of its type", async (name) => {
    const path = newPath();
    await expect(writeSessionFile([sessionRow({ [name]: null })], path)).rejects.toThrow();
    expect(existsSync(path)).toBe(false);
  });

  function* broken(count: number) {
    yield* numbered(count);
    throw new Error("scratch is gone");
  }

  it("passes on what its rows throw, and leaves no file", async () => {
    const path = newPath();
    await expect(writeSessionFile(broken(20_001), path)).rejects.toThrow("scratch is gone");
    expect(existsSync(path)).toBe(false);
  });

  it.runIf(existsSync("/dev/full"))("leaves no rejection unhandled where the disk is full as well", async () => {
    const path = newPath();
    await symlink("/dev/full", path);
    await expect(writeSessionFile(broken(3), path)).rejects.toThrow("scratch is gone");
  });
});
