import type { ColumnBuffer, ParquetSchema, RowBuffer } from "parquetjs-lite";
import { SESSION_COLUMNS, type SessionColumnName } from "../contract.ts";
import type { SessionRow, Tag } from "../sessions/row.ts";

/** Keys of the leaf columns in a row buffer: their paths, joined by commas. */
type LeafKey =
  | SessionColumnName
  | `${SessionColumnName},list,element`
  | `${SessionColumnName},list,element,name`
  | `${SessionColumnName},list,element,value`;
type Leaves = Readonly<Record<LeafKey, ColumnBuffer>>;

interface SessionBuffer extends RowBuffer {
  /** Instants before 1970 that stand in the statistics: see `countInstant`. */
  datesBefore1970?: Map<number, Date>;
}

/** Definition levels inside a list, by what there is: see `sessionFields`. */
const NO_LIST = 0;
const EMPTY_LIST = 1;
const NULL_ELEMENT = 2;
const ELEMENT = 3;
const MEMBER = 4;

/**
 * Appends a row to the columns of a row buffer, as the library's own `shredRecord` would, but without an object for
 * each cell and without a copy of the row in Parquet's nesting.
 *
 * Texts go in as strings; the library encodes them as UTF-8, where a lone surrogate becomes U+FFFD.
 *
 * The page's fill is counted in bytes of `raw`, not in rows, so that a page stays small when sessions are large
 * (the format holds a page's size in 31 bits): the writer's `pageSize` is in the same unit.
 */
export function shredSession(schema: ParquetSchema, row: SessionRow, buffer: SessionBuffer): void {
  if (!buffer.columnData) startRowGroup(schema, buffer);
  const leaves = buffer.columnData as Leaves;
  for (const column of SESSION_COLUMNS) {
    const leaf = leaves[column.name];
    switch (column.shape) {
      case "text":
      case "boolean":
        putValue(leaf, row[column.name], "required" in column);
        break;
      case "integer":
        putValue(leaf, row[column.name], false);
        if (row[column.name] !== null) leaf.distinct_values.add(row[column.name]);
        break;
      case "timestamp":
        putValue(leaf, row[column.name], "required" in column);
        countInstant(leaf, row[column.name], buffer);
        break;
      case "texts":
        putTexts(leaves[`${column.name},list,element`], row[column.name]);
        break;
      case "tags":
        putTags(
          leaves[`${column.name},list,element,name`],
          leaves[`${column.name},list,element,value`],
          row[column.name],
        );
    }
  }
  buffer.rowCount += 1;
  buffer.pageRowCount += row.raw.length + 1;
}

function startRowGroup(schema: ParquetSchema, buffer: RowBuffer): void {
  buffer.rowCount = 0;
  buffer.pageRowCount = 0;
  buffer.columnData = {};
  buffer.pages = {};
  for (const { path, isNested } of schema.fieldList) {
    if (isNested) continue;
    buffer.columnData[String(path)] = { values: [], dlevels: [], rlevels: [], distinct_values: new Set(), count: 0 };
    buffer.pages[String(path)] = [];
  }
}

/** A null in a required column goes on as a value, so that encoding it fails: a level without a value is a damaged file. */
function putValue(
  leaf: ColumnBuffer,
  value: Buffer | string | number | bigint | boolean | null,
  required: boolean,
): void {
  if (value === null && !required) {
    leaf.dlevels.push(0);
    return;
  }
  leaf.values.push(value);
  leaf.dlevels.push(required ? 0 : 1);
}

/**
 * Counts an instant for the statistics. The library refuses negative numbers there, though not in the column, and
 * takes a Date; one Date for each instant, since distinct values are counted by identity.
 */
function countInstant(leaf: ColumnBuffer, instant: number | null, buffer: SessionBuffer): void {
  if (instant === null) return;
  if (instant >= 0) {
    leaf.distinct_values.add(instant);
    return;
  }
  buffer.datesBefore1970 ??= new Map();
  const date = buffer.datesBefore1970.get(instant) ?? new Date(instant);
  buffer.datesBefore1970.set(instant, date);
  leaf.distinct_values.add(date);
}

function putTexts(leaf: ColumnBuffer, texts: readonly (string | null)[] | null): void {
  if (texts === null || texts.length === 0) {
    putLevels(leaf, 0, texts === null ? NO_LIST : EMPTY_LIST);
    return;
  }
  for (const [index, text] of texts.entries()) {
    putLevels(leaf, index === 0 ? 0 : 1, text === null ? NULL_ELEMENT : ELEMENT);
    if (text !== null) leaf.values.push(text);
  }
}

function putTags(names: ColumnBuffer, values: ColumnBuffer, tags: readonly (Tag | null)[] | null): void {
  if (tags === null || tags.length === 0) {
    putLevels(names, 0, tags === null ? NO_LIST : EMPTY_LIST);
    putLevels(values, 0, tags === null ? NO_LIST : EMPTY_LIST);
    return;
  }
  for (const [index, tag] of tags.entries()) {
    putMember(names, index, tag, tag?.name);
    putMember(values, index, tag, tag?.value);
  }
}

function putMember(leaf: ColumnBuffer, index: number, tag: Tag | null, text: string | null | undefined): void {
  const present = typeof text === "string";
  putLevels(leaf, index === 0 ? 0 : 1, present ? MEMBER : tag === null ? NULL_ELEMENT : ELEMENT);
  if (present) leaf.values.push(text);
}

/** `repetition` is 0 at the start of a row, 1 inside a list. */
function putLevels(leaf: ColumnBuffer, repetition: 0 | 1, definition: number): void {
  leaf.rlevels.push(repetition);
  leaf.dlevels.push(definition);
}
