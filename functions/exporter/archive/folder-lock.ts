import { AsyncLocalStorage } from "node:async_hooks";
import { access, constants } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../clock.ts";
import { unreachable } from "./folder-files.ts";

const POLL_MS = 100;
const SQLITE_BUSY = 5;

/** Runs one piece of work after the other, in the order in which they were handed over. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  /** Runs `work` after all earlier work has settled; settles as `work` does. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work);
    this.last = turn.catch(() => undefined);
    return turn;
  }
}

/**
 * A lock on a file, shared by all processes of a machine, that the system releases when its holder dies.
 *
 * It is SQLite's own lock on an empty database (https://www.sqlite.org/lockingv3.html): Node offers no other lock
 * that dies with its process. Two limits: the file system must support POSIX locks (some network shares do not), and
 * no code of this process may open and close the file by other means, since POSIX would then drop the lock.
 */
export class FolderLock {
  private readonly path: string;
  private readonly clock: Clock;
  private readonly turns = new Turns();
  private readonly holder = new AsyncLocalStorage<{ holds: boolean }>();

  constructor(path: string, clock: Clock) {
    this.path = path;
    this.clock = clock;
  }

  /** True in the work that `hold` is running, and in what that work calls; false in every other task. */
  get isHeldHere(): boolean {
    return this.holder.getStore()?.holds ?? false;
  }

  /**
   * Runs `work` while holding the lock, as soon as no other task or process holds it. Must not be nested. The file's
   * folder must exist. Rejects with the signal's reason when `signal` is aborted while waiting, and with
   * `ERR_ARCHIVE_UNREACHABLE` if the file cannot be locked.
   */
  hold<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.turns.take(async () => {
      const database = await this.acquire(signal);
      const holder = { holds: true };
      try {
        return await this.holder.run(holder, work);
      } finally {
        holder.holds = false;
        database.close();
      }
    });
  }

  private async acquire(signal: AbortSignal | undefined): Promise<DatabaseSync> {
    signal?.throwIfAborted();
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(this.path);
      while (!begin(database)) await this.clock.sleep(POLL_MS, signal);
      // On a file that it may only read, SQLite begins without complaint, and locks nobody out.
      await access(this.path, constants.W_OK);
      return database;
    } catch (error) {
      database?.close();
      signal?.throwIfAborted();
      throw unreachable("lock", this.path, error);
    }
  }
}

/** False while somebody else holds the lock. */
function begin(database: DatabaseSync): boolean {
  try {
    // In memory, since a journal in the folder would outlive a process that is killed.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (isBusy(error)) return false;
    throw error;
  }
}

/** The low byte is SQLite's primary result code (https://www.sqlite.org/rescode.html). */
function isBusy(error: unknown): boolean {
  return (
    error instanceof Error &&
    "errcode" in error &&
    typeof error.errcode === "number" &&
    (error.errcode & 0xff) === SQLITE_BUSY
  );
}
