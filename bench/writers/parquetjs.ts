import parquet, { type Codec } from "parquetjs-lite";
import { sessionFields } from "../../functions/exporter/parquet/schema.ts";
import type { SessionRow } from "../../functions/exporter/sessions/row.ts";

/** Rows as parquetjs-lite wants them: lists in Parquet's nesting. */
export function rowsForParquetjs(rows: readonly SessionRow[]): object[] {
  const nested = <T>(list: readonly T[] | null) => list && { list: list.map((element) => ({ element })) };
  return rows.map((row) => ({
    ...row,
    session_lang: nested(row.session_lang),
    user_tags: nested(row.user_tags),
    session_tags: nested(row.session_tags),
    alt_text: nested(row.alt_text),
  }));
}

/** parquetjs-lite as it comes, its own shredder included: our columns, and row groups of the same size. */
export async function writeWithParquetjs(
  rows: readonly object[],
  path: string,
  codec: Codec,
  rowGroupSize: number,
): Promise<void> {
  const schema = new parquet.ParquetSchema(sessionFields(codec));
  // Pages of version 1 and no page index, as in our files. Pages of 1,000 rows are faster than its own 8,192.
  const options = { rowGroupSize, pageSize: 1000, useDataPageV2: false, pageIndex: false };
  const writer = await parquet.ParquetWriter.openFile(schema, path, options);
  for (const row of rows) await writer.appendRow(row);
  await writer.close();
}
