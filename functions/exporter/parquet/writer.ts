import parquet from "parquetjs-lite";
import type { SessionRow } from "../sessions/row.ts";
import { HashedFile } from "./hashed-file.ts";
import { sessionFields } from "./schema.ts";
import { shredSession } from "./shredder.ts";

/** A finished session file on the local disk. */
export interface SessionFile {
  readonly path: string;
  readonly bytes: number;
  readonly rowCount: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/** What parquetjs-lite would do otherwise, and why not: docs/decisions/0001-own-shredder.md. */
const OPTIONS = {
  rowGroupSize: 20_000,
  /** In bytes of `raw`, the unit in which `shredSession` counts. */
  pageSize: 1024 * 1024,
  useDataPageV2: false,
  pageIndex: false,
};

const SCHEMA = new parquet.ParquetSchema(sessionFields());

/** The one place where our shredder stands in for the library's; schemas other than ours keep the library's. */
const shredAnyRecord = parquet.ParquetShredder.shredRecord;
parquet.ParquetShredder.shredRecord = (schema, record, buffer) => {
  if (schema === SCHEMA) shredSession(schema, record as SessionRow, buffer);
  else shredAnyRecord(schema, record, buffer);
};

/**
 * Writes rows, in the order given, as a Parquet file at `path`, replacing what is there. No rows make a valid file
 * without rows.
 *
 * The bytes depend on the rows alone: no clock, run or version goes in. Holds a row group's compressed pages in memory,
 * besides what `rows` holds. Leaves no file behind when it fails: with `ERR_SCRATCH_NOT_WRITABLE` if the file cannot
 * be written, or with whatever `rows` threw.
 */
export async function writeSessionFile(rows: Iterable<SessionRow>, path: string): Promise<SessionFile> {
  const file = await HashedFile.create(path);
  try {
    const rowCount = await writeRows(rows, file);
    return { path, rowCount, ...(await file.finish()) };
  } catch (error) {
    await file.discard();
    throw error;
  }
}

async function writeRows(rows: Iterable<SessionRow>, file: HashedFile): Promise<number> {
  const write = (bytes: Buffer) => file.append(bytes);
  const envelope = new parquet.ParquetEnvelopeWriter(SCHEMA, write, () => undefined, 0, OPTIONS);
  const writer = new parquet.ParquetWriter(SCHEMA, envelope, OPTIONS);
  let rowCount = 0;
  for (const row of rows) {
    await writer.appendRow(row);
    rowCount++;
  }
  await writer.close();
  return rowCount;
}
