import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExporterError } from "./errors.ts";

/** Makes a temporary folder, which the caller removes. Throws `ERR_SCRATCH_NOT_WRITABLE`. */
export async function makeScratch(inside: string = tmpdir()): Promise<string> {
  try {
    return await mkdtemp(join(inside, "kore-sessions-"));
  } catch (cause) {
    const message = `No temporary folder can be made in ${inside}. Free space there, or set TMPDIR to another folder.`;
    throw new ExporterError("ERR_SCRATCH_NOT_WRITABLE", message, { cause });
  }
}
