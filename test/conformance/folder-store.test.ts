import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FolderStore } from "../../functions/exporter/archive/folder-store.ts";
import { type Clock, systemClock } from "../../functions/exporter/clock.ts";
import { keysOf, localFile, storeConformance } from "./store-conformance.ts";

const PROCESS = join(import.meta.dirname, "../support/folder-process.ts");
const NOBODY = 65534;
type Child = ChildProcessByStdio<null, Readable, null>;

storeConformance("an archive in a folder", async () => {
  const base = await mkdtemp(join(tmpdir(), "folder-store-"));
  const folder = join(base, "archive");
  return {
    store: new FolderStore(folder, systemClock),
    other: new FolderStore(folder, systemClock),
    dispose: () => rm(base, { recursive: true, force: true }),
  };
});

describe("the folder store", () => {
  let base: string;
  let folder: string;
  let store: FolderStore;
  const children: Child[] = [];
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), "folder-store-"));
    folder = join(base, "archive");
    store = new FolderStore(folder, systemClock);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    await rm(base, { recursive: true, force: true });
  });

  function start(task: string, argument = "", user: number | undefined = process.getuid?.()): Child {
    const child = spawn(process.execPath, [PROCESS, folder, task, argument], {
      stdio: ["ignore", "pipe", "inherit"],
      cwd: "/",
      uid: user,
    });
    children.push(child);
    return child;
  }

  /** Somebody who may only do what permissions say: root becomes another user. */
  function startUnprivileged(task: string): Child {
    return start(task, "", process.getuid?.() === 0 ? NOBODY : undefined);
  }

  async function killed(child: Child): Promise<void> {
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  /** A clock by which waiting costs no time; `onSleep` sees every time that somebody waits. */
  function clockThat(onSleep: (count: number) => unknown): Clock {
    let count = 0;
    return {
      now: () => 0,
      sleep: async (_ms, signal) => {
        count += 1;
        onSleep(count);
        await setImmediate(undefined, signal ? { signal } : {});
      },
    };
  }

  test("keeps nothing in its folder but its keys and an empty lock file", async () => {
    await store.writeFile("sessions/a.parquet", await localFile(join(base, "source"), "rows"));
    await store.writeIf("exports/a.json", Buffer.from("ledger"), null);
    const names = await readdir(folder, { recursive: true });
    expect(names.sort()).toEqual([".lock", "exports", "exports/a.json", "sessions", "sessions/a.parquet"]);
    expect((await stat(join(folder, ".lock"))).size).toBe(0);
  });

  test("reads an archive that does not exist as an empty one, and does not make it", async () => {
    expect(await keysOf(store)).toEqual([]);
    expect(await store.read("a")).toBeNull();
    expect(await readdir(base)).toEqual([]);
  });

  test("lists everything that is no file of an archive as a stray, and follows links of the root's folders alone", async () => {
    await mkdir(join(folder, "exports", ".cache"), { recursive: true });
    await mkdir(join(folder, "exports", "empty.json"));
    await mkdir(join(folder, "exports", "dt=2026-01-01"));
    await mkdir(join(base, "elsewhere"));
    for (const file of ["exports/.DS_Store", "exports/.cache/x", "exports/a", "exports/tab\t", "../elsewhere/b"]) {
      await writeFile(join(folder, file), "x");
    }
    await writeFile(Buffer.concat([Buffer.from(join(folder, "exports/")), Buffer.from([0x66, 0xff])]), "x");
    execFileSync("mkfifo", [join(folder, "exports", "pipe")]);
    await symlink("/dev/zero", join(folder, "exports", "zero"));
    await symlink("..", join(folder, "exports", "loop"));
    await symlink(join(base, "elsewhere"), join(folder, "sessions"));
    await symlink(join(base, "gone"), join(folder, "dangling"));
    await symlink("holds", join(folder, "holds"));
    await symlink("/dev/null/x", join(folder, "messages"));
    await store.writeIf("exports/b", Buffer.from("x"), null);
    expect(await keysOf(store)).toEqual(["exports/a", "exports/b", "sessions/b"]);
    const strays = (await Array.fromAsync(store.list(""))).filter((listed) => listed.kind === "stray");
    expect(strays.map(({ name }) => name)).toEqual([
      "dangling",
      "exports/.DS_Store",
      "exports/.cache/",
      "exports/empty.json/",
      "exports/f\ufffd",
      "exports/loop",
      "exports/pipe",
      "exports/tab\t",
      "exports/zero",
      "holds",
      "messages",
    ]);
    expect(await store.listRoot()).toEqual(["dangling", "exports/", "holds", "messages", "sessions/"]);
  });

  test.each(["a pipe", "a link to a device", "a link to a file", "a folder"])(
    "takes %s for no object",
    async (what) => {
      await store.writeIf("exports/other", Buffer.from("x"), null);
      const path = join(folder, "exports", "a");
      if (what === "a pipe") execFileSync("mkfifo", [path]);
      else if (what === "a folder") await mkdir(path);
      else await symlink(what === "a link to a file" ? "other" : "/dev/zero", path);
      const file = await localFile(join(base, "source"), "x");
      expect(await store.read("exports/a")).toBeNull();
      expect(await store.version("exports/a")).toBeNull();
      expect(await store.holds("exports/a", file)).toBe(false);
      const copy = store.download("exports/a", join(base, "copy"));
      await expect(copy).rejects.toMatchObject({ code: "ERR_ARCHIVE_OBJECT_MISSING" });
      const written = await store.writeFile("exports/a", file).catch((error: unknown) => error);
      if (what === "a folder") expect(written).toMatchObject({ code: "ERR_ARCHIVE_BLOCKED" });
      else expect(String((await store.read("exports/a"))?.body)).toBe("x");
      expect(String((await store.read("exports/other"))?.body)).toBe("x");
    },
  );

  test("does not take an object into memory that is larger than any of an archive is", async () => {
    await store.writeIf("exports/a", Buffer.from("x"), null);
    await truncate(join(folder, "exports/a"), 2 ** 40);
    await expect(store.read("exports/a")).rejects.toMatchObject({ code: "ERR_ARCHIVE_OBJECT_TOO_LARGE" });
  });

  test("takes a folder for no object", async () => {
    await store.writeIf("a/b", Buffer.from("x"), null);
    expect(await store.read("a")).toBeNull();
    expect(await store.version("a")).toBeNull();
    await expect(store.download("a", join(base, "copy"))).rejects.toMatchObject({ code: "ERR_ARCHIVE_OBJECT_MISSING" });
    await expect(store.writeIf("a", Buffer.from("x"), null)).rejects.toMatchObject({ code: "ERR_ARCHIVE_BLOCKED" });
    expect(await readdir(folder)).toEqual([".lock", "a"]);
  });

  test("names the path and keeps the cause when the file system fails", async () => {
    await store.writeIf("a", Buffer.from("x"), null);
    const failure = await store.writeIf("a/b", Buffer.from("x"), null).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "ERR_ARCHIVE_BLOCKED",
      message: expect.stringContaining(join(folder, "a/b")),
      cause: { code: "EEXIST" },
    });
  });

  test("leaves no part of a copy behind that cannot be put in place", async () => {
    await store.writeIf("a", Buffer.from("x"), null);
    await mkdir(join(base, "copy"));
    await expect(store.download("a", join(base, "copy"))).rejects.toMatchObject({ code: "ERR_ARCHIVE_UNREACHABLE" });
    expect(await readdir(base)).toEqual(["archive", "copy"]);
  });

  describe("with other processes", () => {
    test("loses no increment of a number that several processes count up at once", async () => {
      const processes = [1, 2, 3].map(() => start("count", "30"));
      const exits = await Promise.all(processes.map((child) => once(child, "exit")));
      expect(exits.map(([code]) => code)).toEqual([0, 0, 0]);
      expect((await store.read("counter"))?.body.toString()).toBe("90");
    });

    test("leaves no half file under a final name when a process is killed while it writes", async () => {
      await store.writeFile("part", await localFile(join(base, "source"), "earlier"));
      const pipe = join(base, "pipe");
      execFileSync("mkfifo", [pipe]);
      const child = start("write", pipe);
      const feed = await open(pipe, "w");
      // Far more than a pipe holds, so that most of it has been read when the write returns.
      await feed.writeFile(Buffer.alloc(8 * 1024 * 1024));
      await killed(child);
      await feed.close();
      expect((await readdir(join(folder, ".kore-tmp"))).length).toBe(1);
      expect((await store.read("part"))?.body.toString()).toBe("earlier");
      expect(await keysOf(store)).toEqual(["part"]);
      expect(await store.exclusively(() => readdir(folder))).toEqual([".lock", "part"]);
    });

    test("waits for a process that holds the lock, and gets it when that process is killed", async () => {
      const child = start("hold");
      await once(child.stdout, "data");
      const patient = new FolderStore(
        folder,
        clockThat((count) => count === 3 && child.kill("SIGKILL")),
      );
      expect(await patient.exclusively(async () => "entered")).toBe("entered");
      expect(child.killed).toBe(true);
    });

    test("stops waiting for the lock when it is told to, with the reason it is given", async () => {
      const child = start("hold");
      await once(child.stdout, "data");
      const abort = new AbortController();
      const patient = new FolderStore(
        folder,
        clockThat((count) => count === 3 && abort.abort(new Error("enough"))),
      );
      let hasRun = false;
      const work = async () => {
        hasRun = true;
      };
      await expect(patient.exclusively(work, abort.signal)).rejects.toThrow("enough");
      expect(hasRun).toBe(false);
    });
  });

  describe("asked whether it is writable", () => {
    const refusal = (reason: string) => ({
      code: "ERR_ARCHIVE_NOT_WRITABLE",
      message: expect.stringMatching(new RegExp(`${folder}.*${reason}`)),
    });

    test("says yes for a folder that does not exist yet, and does not make it", async () => {
      await new FolderStore(join(folder, "a/b"), systemClock).checkWritable();
      expect(await readdir(base)).toEqual([]);
    });

    test("says no for a file, and for a path below a file, which it leaves as it was", async () => {
      await writeFile(folder, "a file");
      await expect(store.checkWritable()).rejects.toMatchObject(refusal("is not a folder"));
      const below = new FolderStore(join(folder, "below/it"), systemClock);
      await expect(below.checkWritable()).rejects.toMatchObject(refusal("ENOTDIR"));
      expect(await readdir(base)).toEqual(["archive"]);
      expect(await readFile(folder, "utf8")).toBe("a file");
    });

    // Only the kernel's own file systems refuse root as well.
    test.runIf(process.platform === "linux")("says no for a read-only place, as root as well", async () => {
      folder = "/proc/self/archive";
      const place = new FolderStore(folder, systemClock);
      await expect(place.checkWritable()).rejects.toMatchObject(refusal("ENOENT|EACCES|EROFS|EPERM"));
    });

    test("says no for a folder that belongs to another user, and leaves nothing there", async () => {
      await mkdir(folder);
      await chmod(folder, 0o555);
      await chmod(base, 0o755);
      const child = startUnprivileged("probe");
      const [check, write] = (await text(child.stdout)).split("\n");
      expect(check).toMatch(/^ERR_ARCHIVE_NOT_WRITABLE .*EACCES/);
      expect(write).toMatch(/^ERR_ARCHIVE_UNREACHABLE /);
      expect(await readdir(folder)).toEqual([]);
    });

    test("does not work without a lock where it may only read the lock file", async () => {
      await store.exclusively(async () => undefined);
      await chmod(base, 0o755);
      await chmod(folder, 0o777);
      await chmod(join(folder, ".lock"), 0o444);
      const child = startUnprivileged("probe");
      const [, write] = (await text(child.stdout)).split("\n");
      expect(write).toMatch(/^ERR_ARCHIVE_UNREACHABLE cannot lock .*\.lock: EACCES/);
      expect(await readdir(folder)).toEqual([".lock"]);
    });
  });
});
