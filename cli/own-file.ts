import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { basename } from "node:path";

/** Far more than a file of settings has. */
const MOST_BYTES = 1024 * 1024;

/** What a file holds, and its permissions. */
export interface OwnFile {
  readonly text: string;
  readonly mode: number;
}

/**
 * Reads a file that only this user or root can have written; where it is a link, what it leads to. Returns null where there
 * is none, or a folder. What is checked is what is read, and nothing can make it wait. Throws an `Error` that says why the
 * file is not read and what to do, without its path in front.
 */
export function readOwnFile(path: string): OwnFile | null {
  const file = open(path);
  if (file === null) return null;
  try {
    const status = fstatSync(file);
    if (status.isDirectory()) return null;
    if (!status.isFile()) throw new Error("is no regular file; remove it, or put a file in its place.");
    refuseForeign(path, status);
    return { text: readAll(file), mode: status.mode };
  } finally {
    closeSync(file);
  }
}

/** Without `O_NONBLOCK`, which Windows lacks, to open a pipe would take until somebody writes into it. */
function open(path: string): number | null {
  try {
    return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "EISDIR") return null;
    throw new Error(`cannot be read (${message}); mend it or remove it.`, { cause: error });
  }
}

/** Windows tells neither owner nor who may write. */
function refuseForeign(path: string, { uid, mode }: Stats): void {
  const name = basename(path);
  const user = process.geteuid?.();
  if (user === undefined) return;
  if (uid !== user && uid !== 0) {
    throw new Error(
      `belongs to another user (${uid}), who may have put anything into it; read it through, then make it yours: ` +
        `cp ${name} ${name}.mine && mv ${name}.mine ${name}`,
    );
  }
  if ((mode & 0o022) !== 0) {
    throw new Error(`can be written by other users of this computer; read it through, then chmod go-w ${name}`);
  }
}

function readAll(file: number): string {
  const buffer = Buffer.alloc(MOST_BYTES + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < buffer.length; length += read) {
    read = readSync(file, buffer, length, buffer.length - length, null);
  }
  if (length > MOST_BYTES) throw new Error("is larger than 1 MiB, so it holds no settings; remove it.");
  return buffer.toString("utf8", 0, length);
}
