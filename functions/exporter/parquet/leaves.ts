import { type ColumnShape, SESSION_COLUMNS, type SessionColumnName } from "../contract.ts";

/** How a leaf column's values are written. */
export type LeafKind = "text" | "repeating text" | "int64" | "boolean";

/** A leaf column of a session file: lists have one for each text within their elements. */
export interface Leaf {
  readonly path: readonly string[];
  readonly kind: LeafKind;
  /** Levels count what is present from the root down; 0 where nothing can be absent. */
  readonly maxDefinition: number;
  /** 1 within a list, else 0. */
  readonly maxRepetition: number;
}

/** Text columns of which a day has few different values, besides the names of tags: they get a dictionary. */
const REPEATING: ReadonlySet<SessionColumnName> = new Set([
  "bot_id",
  "channel",
  "session_type",
  "session_status",
  "session_lang",
]);

/** The leaf columns of a session file, in their order in the file: that of `SESSION_COLUMNS`. */
export const LEAVES: readonly Leaf[] = SESSION_COLUMNS.flatMap((column) =>
  leavesOf(column.name, column.shape, "required" in column),
);

function leavesOf(name: SessionColumnName, shape: ColumnShape, required: boolean): Leaf[] {
  const text = REPEATING.has(name) ? "repeating text" : "text";
  const flat = { path: [name], maxDefinition: required ? 0 : 1, maxRepetition: 0 };
  const element = [name, "list", "element"];
  switch (shape) {
    case "text":
      return [{ ...flat, kind: text }];
    case "boolean":
      return [{ ...flat, kind: "boolean" }];
    case "timestamp":
    case "integer":
      return [{ ...flat, kind: "int64" }];
    case "texts":
      return [{ path: element, kind: text, maxDefinition: 3, maxRepetition: 1 }];
    case "tags":
      return [
        { path: [...element, "name"], kind: "repeating text", maxDefinition: 4, maxRepetition: 1 },
        { path: [...element, "value"], kind: "text", maxDefinition: 4, maxRepetition: 1 },
      ];
  }
}
