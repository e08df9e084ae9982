import { setImmediate } from "node:timers/promises";
import parquet, { type ParquetEnvelopeWriter } from "parquetjs-lite";
import thrift from "parquetjs-lite/gen-nodejs/parquet_types.js";
import { PlainSession } from "../sessions/plain-session.ts";
import type { SessionRow } from "../sessions/row.ts";
import { Compressor } from "./compression.ts";
import { HashedFile } from "./hashed-file.ts";
import { sessionFields } from "./schema.ts";
import { SessionColumns } from "./session-columns.ts";

/** A finished session file on the local disk. */
export interface SessionFile {
  readonly path: string;
  readonly bytes: number;
  readonly rowCount: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

const ROWS_PER_GROUP = 20_000;

/** After so many rows, whatever else goes on in the process gets its turn: an answer of Kore may have arrived. */
const ROWS_PER_TURN = 50;

const SCHEMA = new parquet.ParquetSchema(sessionFields());

/**
 * Writes rows, in the order given, as a Parquet file at `path`, replacing what is there. No rows make a valid file
 * without rows. A `PlainSession` is written before the next one is asked for: it may be the same object.
 *
 * The bytes depend on the rows alone: no clock, run or version goes in. Holds a row group's compressed pages in memory,
 * besides what `rows` holds. Leaves no file behind when it fails: with `ERR_SCRATCH_NOT_WRITABLE` if the file cannot
 * be written, or with whatever `rows` threw.
 */
export async function writeSessionFile(rows: Iterable<SessionRow | PlainSession>, path: string): Promise<SessionFile> {
  const file = await HashedFile.create(path);
  try {
    const rowCount = await writeRows(rows, file);
    return { path, rowCount, ...(await file.finish()) };
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** parquetjs-lite writes the header and the footer, and this what lies between: docs/decisions/0001-own-columns.md. */
async function writeRows(rows: Iterable<SessionRow | PlainSession>, file: HashedFile): Promise<number> {
  const write = (bytes: Buffer) => file.append(bytes);
  const envelope = new parquet.ParquetEnvelopeWriter(SCHEMA, write, () => undefined, 0, {});
  const compressor = new Compressor();
  let group = new SessionColumns(compressor);
  envelope.writeHeader();
  for (const row of rows) {
    if (row instanceof PlainSession) group.appendPlain(row);
    else group.append(row);
    if (group.rows % ROWS_PER_TURN === 0) await setImmediate();
    if (group.rows === ROWS_PER_GROUP) {
      await writeGroup(group, envelope);
      group = new SessionColumns(compressor);
    } else if (compressor.isFull) await compressor.settled();
  }
  if (group.rows > 0) await writeGroup(group, envelope);
  await envelope.writeFooter();
  return envelope.rowCount;
}

async function writeGroup(group: SessionColumns, envelope: ParquetEnvelopeWriter): Promise<void> {
  const columns = [];
  for (const { pages, metadata } of await group.finish()) {
    columns.push(new thrift.ColumnChunk({ file_offset: envelope.offset, meta_data: metadata(envelope.offset) }));
    for (const { header, body } of pages) {
      envelope.writeSection(header);
      await envelope.writeSection(body);
    }
  }
  const bytes = columns.reduce((sum, { meta_data }) => sum + meta_data.total_uncompressed_size, 0);
  envelope.rowGroups.push(new thrift.RowGroup({ columns, total_byte_size: bytes, num_rows: group.rows }));
  envelope.rowCount += group.rows;
}
