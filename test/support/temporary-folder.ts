import { accessSync, chmodSync, constants, mkdirSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";

/** Linux's file system in memory. Archives are flushed file by file, for which a disk takes longer than all else they need. */
const IN_MEMORY = "/dev/shm";
/** Many times what the tests ever have there at once. A container has 64 MB, if it is not given more. */
const ROOM_BYTES = 2 * 1024 ** 3;

/** Before the tests: their temporary files lie in memory, if there is room, and are gone when the tests end. */
export function setup(): (() => void) | undefined {
  if (!hasRoom(IN_MEMORY)) return;
  removeLeftFolders();
  const folder = join(IN_MEMORY, `kore-tests-${process.pid}`);
  mkdirSync(folder);
  // Some tests start processes as another user, who has to get through.
  chmodSync(folder, 0o755);
  process.env.TMPDIR = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}

function hasRoom(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize > ROOM_BYTES;
  } catch {
    return false;
  }
}

/** Of runs that were killed. */
function removeLeftFolders(): void {
  for (const name of readdirSync(IN_MEMORY)) {
    const pid = /^kore-tests-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(IN_MEMORY, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
