import type { Codec, FieldDefinitions, GroupDefinition, LeafDefinition } from "parquetjs-lite";
import { type ColumnShape, SESSION_COLUMNS, type SessionColumn } from "../contract.ts";

/**
 * Fields of a session file, in the order of `SESSION_COLUMNS`.
 *
 * Lists have the three levels of Parquet's "LogicalTypes" (`field (LIST) > repeated list > element`) that Athena needs.
 * Statistics stand on timestamps and integers only: parquetjs-lite orders text by UTF-16 where Parquet orders it by
 * bytes, and a reader that trusts such bounds skips rows that match.
 */
export function sessionFields(codec: Codec = "UNCOMPRESSED"): FieldDefinitions {
  return Object.fromEntries(SESSION_COLUMNS.map((column) => [column.name, field(column, codec)]));
}

function field({ shape, required }: SessionColumn, codec: Codec): LeafDefinition | GroupDefinition {
  if (shape === "texts") return list(text(true, codec));
  if (shape === "tags") return list({ optional: true, fields: { name: text(true, codec), value: text(true, codec) } });
  const statistics = shape === "timestamp" || shape === "integer";
  return { type: PRIMITIVES[shape], optional: !required, compression: codec, statistics };
}

const PRIMITIVES = {
  text: "UTF8",
  timestamp: "TIMESTAMP_MILLIS",
  boolean: "BOOLEAN",
  integer: "INT64",
} as const satisfies Partial<Record<ColumnShape, LeafDefinition["type"]>>;

function text(optional: boolean, codec: Codec): LeafDefinition {
  return { type: "UTF8", optional, compression: codec, statistics: false };
}

function list(element: LeafDefinition | GroupDefinition): GroupDefinition {
  return { type: "LIST", optional: true, fields: { list: { repeated: true, fields: { element } } } };
}
