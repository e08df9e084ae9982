import { parquetMetadata, type SchemaElement } from "hyparquet";
import { fileWriter, parquetWriteRows } from "hyparquet-writer";
import { SESSION_COLUMNS } from "../../functions/exporter/contract.ts";
import type { SessionRow } from "../../functions/exporter/sessions/row.ts";
import { OURS } from "./codec.ts";

/** Rows as hyparquet-writer wants them. */
export function rowsForHyparquet(rows: readonly SessionRow[]): Record<string, unknown>[] {
  const integer = (value: number | bigint | null) => (value === null ? null : BigInt(value));
  return rows.map((row) => ({
    ...row,
    start_time: new Date(row.start_time),
    end_time: row.end_time === null ? null : new Date(row.end_time),
    messages_exchanged: integer(row.messages_exchanged),
    tasks_executed: integer(row.tasks_executed),
  }));
}

/** The schema in the footer of a Parquet file. */
export function schemaOf(file: Buffer): SchemaElement[] {
  const bytes = new Uint8Array(file);
  return parquetMetadata(bytes.buffer).schema;
}

/** hyparquet-writer with the schema of another file, and its own pages, dictionaries and statistics. */
export async function writeWithHyparquet(
  rows: Record<string, unknown>[],
  path: string,
  {
    schema,
    codec,
    rowGroupSize,
  }: { schema: SchemaElement[]; codec: typeof OURS.codec | "SNAPPY"; rowGroupSize: number },
): Promise<void> {
  await parquetWriteRows({
    writer: fileWriter(path),
    rows,
    columns: SESSION_COLUMNS.map(({ name }) => ({ name })),
    schema,
    codec,
    compressors: OURS.compressors,
    rowGroupSize,
  });
}
