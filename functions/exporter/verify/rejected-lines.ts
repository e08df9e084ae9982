import { createReadStream } from "node:fs";
import { z } from "zod";
import { PARTITION_TYPES } from "../contract.ts";

const line = z.strictObject({
  code: z.string().regex(/^ERR_ROW_/),
  containment_type: z.enum(PARTITION_TYPES).nullable(),
  raw: z.string().nullable(),
});

/** What is wrong with a file of rejected rows that should have so many; null if nothing is. */
export async function wrongLines(path: string, expectedRows: number): Promise<string | null> {
  let rows = 0;
  for await (const text of linesOf(path)) {
    rows += 1;
    if (!isRejectedRow(text)) return `line ${rows} is not {"code", "containment_type", "raw"}.`;
  }
  return rows === expectedRows ? null : `has ${rows} lines, where the ledger has ${expectedRows}.`;
}

/** Parted by line feeds alone: Node's readline also breaks lines at characters that JSON texts may hold. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = "";
  for await (const piece of createReadStream(path, { encoding: "utf8" })) {
    const lines = `${rest}${piece}`.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

function isRejectedRow(text: string): boolean {
  try {
    return line.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}
