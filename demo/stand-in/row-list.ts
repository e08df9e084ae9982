/** The rows that answer a question, all of them, in the order in which pages cut them. */
export interface RowList {
  readonly length: number;
  /** What `total` says; differs from the length only under a fault. */
  readonly total: number;
  /** The JSON texts of the rows at the positions `from` up to, but not, `to`. */
  slice(from: number, to: number): Buffer[];
}

/** The list with rows that repeat; see the fault "repeated-rows". */
export function withRepeatedRows(
  list: RowList,
  { of, every, counted }: { of: "page-first" | "previous-page-last"; every: number; counted: boolean },
): RowList {
  const repeats =
    of === "page-first" ? Math.ceil(list.length / (every - 1)) : Math.floor(Math.max(0, list.length - 2) / (every - 1));
  const shift = of === "page-first" ? (position: number) => Math.min(1, position % every) : () => 0;
  const originalOf = (position: number): number => position - Math.floor(position / every) - shift(position);
  const length = list.length + repeats;
  return {
    length,
    total: list.total + (counted ? repeats : 0),
    slice: (from, to) => {
      const last = Math.min(to, length);
      if (from >= last) return [];
      const first = originalOf(from);
      const rows = list.slice(first, originalOf(last - 1) + 1);
      return Array.from(
        { length: last - from },
        (_, index) => rows[originalOf(from + index) - first] ?? Buffer.alloc(0),
      );
    },
  };
}

/** The list, and after its last row `extra`. */
export function withExtraRows(list: RowList, extra: readonly Buffer[], counted: boolean): RowList {
  return {
    length: list.length + extra.length,
    total: list.total + (counted ? extra.length : 0),
    slice: (from, to) => [
      ...list.slice(from, to),
      ...extra.slice(Math.max(0, from - list.length), Math.max(0, to - list.length)),
    ],
  };
}

/** The list with the row at `position` changed. */
export function withChangedRow(list: RowList, position: number, change: (row: Buffer) => Buffer): RowList {
  return {
    length: list.length,
    total: list.total,
    slice: (from, to) => list.slice(from, to).map((row, index) => (from + index === position ? change(row) : row)),
  };
}
