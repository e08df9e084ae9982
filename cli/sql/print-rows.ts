import { counted } from "../amounts.ts";
import type { Output } from "../io.ts";
import { table } from "../table.ts";
import type { RowStream } from "./duckdb.ts";
import type { Format } from "./order.ts";

type Row = readonly unknown[];
type Columns = readonly string[];

/** What stands before, for and after the rows. `isFirst`: no row stands before this one. */
interface Form {
  readonly begin: (columns: Columns) => string;
  readonly row: (columns: Columns, row: Row, isFirst: boolean) => string;
  readonly end: string;
}

const FORMS: Readonly<Record<Exclude<Format, "table">, Form>> = {
  csv: { begin: csvLine, row: (_, row) => csvLine(row), end: "" },
  ndjson: { begin: () => "", row: (columns, row) => `${jsonObject(columns, row)}\n`, end: "" },
  json: {
    begin: () => "[",
    row: (columns, row, isFirst) => `${isFirst ? "" : ","}${jsonObject(columns, row)}`,
    end: "]\n",
  },
};

/**
 * Prints rows in a format, at most `limit` (null: all), and returns whether there are more. What is printed for
 * programs goes out piece by piece, as fast as it is taken; a table has to know all of its rows.
 */
export async function printRows(
  rows: RowStream,
  format: Format,
  limit: number | null,
  stdout: Output,
): Promise<boolean> {
  const first = new FirstRows(rows.batches, limit ?? Number.POSITIVE_INFINITY);
  if (format === "table") stdout.write(asTable(rows.columns, (await Array.fromAsync(first)).flat()));
  else await printForm(FORMS[format], rows.columns, first, stdout);
  return first.areMore;
}

async function printForm(
  form: Form,
  columns: Columns,
  batches: AsyncIterable<readonly Row[]>,
  stdout: Output,
): Promise<void> {
  let isFirst = true;
  for await (const batch of batches) {
    const lines = batch.map((row, index) => form.row(columns, row, isFirst && index === 0));
    // With the first rows, so that nothing is printed of a query that fails before it has any.
    stdout.write(`${isFirst ? form.begin(columns) : ""}${lines.join("")}`);
    isFirst = false;
    await stdout.drained?.();
  }
  stdout.write(`${isFirst ? form.begin(columns) : ""}${form.end}`);
}

/** The first rows of a stream. */
class FirstRows implements AsyncIterable<readonly Row[]> {
  readonly #batches: AsyncIterable<readonly Row[]>;
  readonly #most: number;
  /** True if there are rows behind them; known once they were taken. */
  areMore = false;

  constructor(batches: AsyncIterable<readonly Row[]>, most: number) {
    this.#batches = batches;
    this.#most = most;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Row[]> {
    let left = this.#most;
    for await (const batch of this.#batches) {
      this.areMore = batch.length > left;
      if (left > 0) yield batch.slice(0, left);
      if (this.areMore) return;
      left -= batch.length;
    }
  }
}

function jsonObject(columns: Columns, row: Row): string {
  return JSON.stringify(Object.fromEntries(columns.map((name, index) => [name, row[index]])));
}

/** A line of RFC 4180, but for its end, which is a line feed: null is an empty field, an empty text is `""`. */
function csvLine(values: Row): string {
  return `${values.map(csvField).join(",")}\n`;
}

function csvField(value: unknown): string {
  if (value === null) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function asTable(columns: Columns, rows: readonly Row[]): string {
  // EXPLAIN draws its own boxes.
  if (columns.join() === "explain_key,explain_value") return rows.map(([, plan]) => linesShown(plan)).join("");
  const cells = rows.map((row) => row.map((value) => (typeof value === "number" ? value : shown(value))));
  return `${table(columns, cells)}${counted(rows.length, "row")}\n`;
}

function linesShown(text: unknown): string {
  return `${String(text).trimEnd().split("\n").map(shown).join("\n")}\n`;
}

function shown(value: unknown): string {
  if (value === null) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: archived text must not steer the reader's terminal.
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (control) => JSON.stringify(control).slice(1, -1));
}
