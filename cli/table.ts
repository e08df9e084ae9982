import { Table } from "console-table-printer";

/** A cell: numbers are aligned to the right. */
export type Cell = string | number;

/** A plain table for people, without colours. `rows` hold one cell for each title. */
export function table(titles: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const columns = titles.map((title, index) => {
    const isNumber = rows.length > 0 && rows.every((row) => typeof row[index] === "number");
    return { name: String(index), title, alignment: isNumber ? ("right" as const) : ("left" as const) };
  });
  const printer = new Table({ columns, shouldDisableColors: true });
  for (const row of rows) printer.addRow(Object.fromEntries(row.map((cell, index) => [String(index), cell])));
  return `${printer.render()}\n`;
}
