import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { objectKeys } from "../../functions/exporter/archive/listing.ts";
import type { ArchiveStore, LocalFile } from "../../functions/exporter/archive/store.ts";
import { storeEqualsItsModel } from "./store-model.ts";

/** An empty archive to try a store on. */
export interface StoreUnderTest {
  readonly store: ArchiveStore;
  /** A second store on the same archive, as another process has one. */
  readonly other: ArchiveStore;
  /** Ends both, and takes away what can be taken away. */
  dispose(): Promise<void>;
}

/** Checks every promise of `ArchiveStore` that one process can check. */
export function storeConformance(name: string, makeStore: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    let under: StoreUnderTest;
    let store: ArchiveStore;
    let scratch: string;
    beforeEach(async () => {
      scratch = await mkdtemp(join(tmpdir(), "store-conformance-"));
      under = await makeStore();
      store = under.store;
    });
    afterEach(async () => {
      await under.dispose();
      await rm(scratch, { recursive: true, force: true });
    });
    const parts: Parts = {
      store: () => store,
      other: () => under.other,
      path: (file) => join(scratch, file),
      file: (content) => localFile(join(scratch, "source"), content),
    };
    smallObjects(parts);
    compareAndSwap(parts);
    files(parts);
    listing(parts);
    wholeArchive(parts);
    test("equals a map of keys to bytes, whatever is done to it", () => storeEqualsItsModel(makeStore));
  });
}

interface Parts {
  store(): ArchiveStore;
  other(): ArchiveStore;
  /** A path in a scratch folder. */
  path(file: string): string;
  file(content: Buffer | string): Promise<LocalFile>;
}

/** Writes a local file and describes it. */
export async function localFile(path: string, content: Buffer | string): Promise<LocalFile> {
  await writeFile(path, content);
  const sha256 = createHash("sha256").update(content).digest("hex");
  return { path, bytes: Buffer.byteLength(content), sha256 };
}

/** Keys of all objects below a prefix. */
export function keysOf(store: ArchiveStore, prefix = ""): Promise<string[]> {
  return Array.fromAsync(objectKeys(store, prefix));
}

const KEY = "exports/dt=2026-01-02/st-1.json";

function smallObjects({ store, other }: Parts): void {
  test("gives null for an object that is not there", async () => {
    expect(await store().read(KEY)).toBeNull();
    expect(await store().version(KEY)).toBeNull();
  });

  test("gives back the bytes that were written, with the version that the write returned", async () => {
    const body = Buffer.from([0, 255, 13, 10, 0xf0, 0x9f, 0x98, 0x80]);
    const version = await store().writeIf(KEY, body, null);
    expect(await other().read(KEY)).toEqual({ body, version });
    expect(await other().version(KEY)).toBe(version);
  });

  test("writes and reads an object of no bytes", async () => {
    const version = await store().writeIf(KEY, Buffer.alloc(0), null);
    expect(await store().read(KEY)).toEqual({ body: Buffer.alloc(0), version });
  });

  test.each(["../out", "a/../b", "/etc/passwd", "a//b", "a/", "", ".lock", "a/.hidden", "a\\b", "a\u0000b", "a\nb"])(
    "refuses the key %j and touches nothing",
    async (key) => {
      await expect(store().read(key)).rejects.toMatchObject({ code: "ERR_INTERNAL" });
      await expect(store().writeIf(key, Buffer.from("x"), null)).rejects.toMatchObject({ code: "ERR_INTERNAL" });
      expect(await keysOf(store())).toEqual([]);
    },
  );
}

function compareAndSwap({ store, other }: Parts): void {
  test("replaces an object whose version is the expected one, and gives it a new version", async () => {
    const first = await store().writeIf(KEY, Buffer.from("one"), null);
    const second = await other().writeIf(KEY, Buffer.from("two"), first);
    expect(second).not.toBe(first);
    expect(await store().read(KEY)).toEqual({ body: Buffer.from("two"), version: second });
  });

  test("refuses a write that expects no object where there is one, and leaves it", async () => {
    const version = await store().writeIf(KEY, Buffer.from("one"), null);
    await expect(other().writeIf(KEY, Buffer.from("two"), null)).rejects.toMatchObject({ code: "ERR_ARCHIVE_CHANGED" });
    expect(await store().read(KEY)).toEqual({ body: Buffer.from("one"), version });
  });

  test("refuses a write that expects an earlier version, and names the object", async () => {
    const first = await store().writeIf(KEY, Buffer.from("one"), null);
    await store().writeIf(KEY, Buffer.from("two"), first);
    const late = other().writeIf(KEY, Buffer.from("three"), first);
    await expect(late).rejects.toMatchObject({ code: "ERR_ARCHIVE_CHANGED", message: expect.stringContaining(KEY) });
    expect((await store().read(KEY))?.body.toString()).toBe("two");
  });

  test("refuses a write that expects a version of an object that is not there", async () => {
    const version = await store().writeIf("exports/other.json", Buffer.from("one"), null);
    const write = store().writeIf(KEY, Buffer.from("two"), version);
    await expect(write).rejects.toMatchObject({ code: "ERR_ARCHIVE_CHANGED" });
    expect(await keysOf(store())).toEqual(["exports/other.json"]);
  });

  test("lets exactly one of many writers that expect the same version win, also under one lock", async () => {
    const race = (expected: string | null, round: string) =>
      Array.from({ length: 8 }, (_, index) =>
        (index % 2 ? store() : other()).writeIf(KEY, Buffer.from(`${round} ${index}`), expected),
      );
    const first = await winner(race(null, "free"));
    const second = await store().exclusively(async () => {
      const writes = Array.from({ length: 4 }, (_, index) => store().writeIf(KEY, Buffer.from(`held ${index}`), first));
      return winner(writes);
    });
    expect(await store().version(KEY)).toBe(second);
  });
}

/** The version of the only write that went through; the others must have been told that the object was changed. */
async function winner(writes: Promise<string>[]): Promise<string> {
  const outcomes = await Promise.allSettled(writes);
  const won = outcomes.filter((outcome) => outcome.status === "fulfilled");
  const lost = outcomes.filter((outcome) => outcome.status === "rejected");
  for (const { reason } of lost) expect(reason).toMatchObject({ code: "ERR_ARCHIVE_CHANGED" });
  expect(won).toHaveLength(1);
  return won[0]?.value ?? "";
}

const PART = "sessions/dt=2026-01-02/containment_type=agent/st-1-part-0000.parquet";

function files({ store, other, path, file }: Parts): void {
  test("puts a file in place, replaces it, and copies it back", async () => {
    await store().writeFile(PART, await file("first"));
    await store().writeFile(PART, await file("the second"));
    expect(await other().download(PART, path("copy"))).toBe(10);
    expect(await readFile(path("copy"), "utf8")).toBe("the second");
    expect((await readdir(path("."))).sort()).toEqual(["copy", "source"]);
  });

  test("puts an empty file in place", async () => {
    const empty = await file("");
    await store().writeFile(PART, empty);
    expect(await store().holds(PART, empty)).toBe(true);
    expect(await store().download(PART, path("copy"))).toBe(0);
  });

  test("shows a reader the earlier object or the new one, whole, while it is replaced", async () => {
    const [a, b] = await Promise.all(["a", "b"].map((name) => localFile(path(name), name.repeat(500_000))));
    if (!a || !b) throw new Error("two files were written");
    await store().writeFile(PART, a);
    let isWriting = true;
    const reading = (async () => {
      while (isWriting) expect((await other().read(PART))?.body.toString()).toMatch(/^(a{500000}|b{500000})$/);
    })();
    for (const file of [b, a, b, a, b, a, b]) await store().writeFile(PART, file);
    isWriting = false;
    await reading;
    expect(await store().holds(PART, b)).toBe(true);
  });

  test("does not archive a file whose bytes are not the promised ones", async () => {
    const promised = await file("promised");
    await file("replaced");
    await expect(store().writeFile(PART, promised)).rejects.toMatchObject({ code: "ERR_ARCHIVE_UNREACHABLE" });
    expect(await keysOf(store())).toEqual([]);
  });

  test("says that a file to copy does not exist, and leaves no file behind", async () => {
    const copy = store().download(PART, path("copy"));
    await expect(copy).rejects.toMatchObject({
      code: "ERR_ARCHIVE_OBJECT_MISSING",
      message: expect.stringContaining(PART),
    });
    expect(await readdir(path("."))).toEqual([]);
  });

  test("holds exactly the bytes that lie there, not those that once did", async () => {
    const wanted = await file("wanted");
    expect(await store().holds(PART, wanted)).toBe(false);
    await store().writeFile(PART, wanted);
    expect(await other().holds(PART, wanted)).toBe(true);
    await store().writeFile(PART, await localFile(path("same length"), "WANTED"));
    expect(await store().holds(PART, wanted)).toBe(false);
  });
}

function listing({ store, file }: Parts): void {
  // In order. Compared as UTF-16, as JavaScript does, the last two would change places.
  const keys = ["a-b/c", "a.b", "a/b", "a0", "b/dt=1/x", "b/dt=10/x", "b/dt=1=/x", "z/～", "z/😀"];

  test("lists keys in the order of their UTF-8 bytes, those of folders among those of files", async () => {
    for (const key of keys.toReversed()) await store().writeIf(key, Buffer.from(key), null);
    expect(await keysOf(store())).toEqual(keys);
  });

  test("lists by plain prefix of the key, whether it ends at a slash or not", async () => {
    for (const key of keys) await store().writeIf(key, Buffer.from(key), null);
    expect(await keysOf(store(), "b/dt=1")).toEqual(["b/dt=1/x", "b/dt=10/x", "b/dt=1=/x"]);
    expect(await keysOf(store(), "b/dt=1/")).toEqual(["b/dt=1/x"]);
    expect(await keysOf(store(), "a/b")).toEqual(["a/b"]);
    expect(await keysOf(store(), "a/b/")).toEqual([]);
  });

  test("lists nothing of what lies beside it", async () => {
    await store().writeIf("a", Buffer.from("x"), null);
    const found = await keysOf(store(), "../").catch((error: unknown) => {
      // MinIO does not look at such a prefix at all.
      expect(error).toMatchObject({ code: "ERR_ARCHIVE_UNREACHABLE" });
      return [];
    });
    expect(found).toEqual([]);
  });

  test("does not list what is no object of the archive after its writes", async () => {
    await store().writeFile(PART, await file("part"));
    await store().writeIf(KEY, Buffer.from("ledger"), null);
    expect(await keysOf(store())).toEqual([KEY, PART]);
  });
}

function wholeArchive({ store, other }: Parts): void {
  test("gives the outcome of exclusive work, and its error as it was thrown", async () => {
    const failure = new RangeError("of the work");
    expect(await store().exclusively(async () => "done")).toBe("done");
    await expect(store().exclusively(() => Promise.reject(failure))).rejects.toBe(failure);
    expect(await other().exclusively(async () => "free again")).toBe("free again");
  });

  test("shuts others out of exclusive work, if it says that it does", async () => {
    const events: string[] = [];
    const work = (who: ArchiveStore, name: string) =>
      who.exclusively(async () => {
        events.push(`${name} in`);
        await who.writeIf(`${name}.json`, Buffer.from(name), null);
        events.push(`${name} out`);
      });
    await Promise.all([work(store(), "a"), work(store(), "b"), work(other(), "c")]);
    expect(await keysOf(store())).toEqual(["a.json", "b.json", "c.json"]);
    const pairs = [0, 2, 4].map((index) => events.slice(index, index + 2).map((event) => event[0]));
    if (store().excludesOthers) for (const [first, second] of pairs) expect(first).toBe(second);
  });

  test("is writable, and finding that out leaves nothing behind", async () => {
    await expect(store().checkWritable()).resolves.toBeUndefined();
    expect(await keysOf(store())).toEqual([]);
  });
}
