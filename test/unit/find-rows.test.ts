import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FolderStore } from "../../functions/exporter/archive/folder-store.ts";
import { sessionKey } from "../../functions/exporter/archive/layout.ts";
import { systemClock } from "../../functions/exporter/clock.ts";
import { findRows } from "../../functions/exporter/erase/find-rows.ts";
import { SessionTexts } from "../../functions/exporter/erase/session-texts.ts";
import { NOBODY_ERASED } from "../../functions/exporter/export/erased-users.ts";
import { writeSessionFile } from "../../functions/exporter/parquet/writer.ts";
import { sessionRow } from "../support/session-file.ts";

const DAYS = 300;
const FIRST = Date.UTC(2025, 0, 1);
const DAY_MS = 86_400_000;

const hash = (text: string) => createHash("sha256").update(text).digest("hex");

/** Small files whose parts lie in other places in each, as ids differ in length. */
async function makeArchive(folder: string): Promise<Map<string, number>> {
  const expected = new Map<string, number>();
  for (let day = 0; day < DAYS; day++) {
    const key = sessionKey(new Date(FIRST + day * DAY_MS).toISOString().slice(0, 10), "agent", "st-1", 0);
    const users = Array.from({ length: 1 + (Math.floor(day / 4) % 3) }, (_, index) =>
      (day + index) % 11 === 0 ? "wanted" : `u-${hash(`${day} ${index}`).slice(0, 36)}`,
    );
    const rows = users.map((user_id, index) => {
      const raw = JSON.stringify({
        sessionId: hash(`${day} ${index} id`).slice(0, 36),
        userId: user_id,
        note: "x".repeat((day * 37 + index * 11) % 300),
      });
      return sessionRow({
        session_id: hash(user_id).slice(0, 36),
        user_id,
        start_time: FIRST + day * DAY_MS + index,
        raw: Buffer.from(raw),
      });
    });
    await mkdir(dirname(join(folder, key)), { recursive: true });
    await writeSessionFile(rows, join(folder, key));
    const wanted = users.filter((user) => user === "wanted").length;
    if (wanted > 0) expected.set(key, wanted);
  }
  return expected;
}

test("people are found in every file, however quickly one copy takes the place of another", async () => {
  // On a disk: a file system in memory gives no two files the same number, by which DuckDB's cache takes one for the other.
  await mkdir(".cache", { recursive: true });
  const folder = await mkdtemp(resolve(".cache/found-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const archive = join(folder, "archive");
  const expected = await makeArchive(archive);
  const texts = await SessionTexts.open(folder);
  onTestFinished(() => texts.close());
  const store = new FolderStore(archive, systemClock);
  const wanted = { userIds: ["wanted"], users: NOBODY_ERASED };
  const found = await findRows(store, wanted, { from: null, to: null }, texts, folder);
  expect(new Map(found.map(({ key, rows }) => [key, rows]))).toEqual(expected);
});
