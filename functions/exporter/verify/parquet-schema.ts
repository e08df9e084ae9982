import { type ColumnShape, SESSION_COLUMNS } from "../contract.ts";

const TEXT = "BYTE_ARRAY UTF8";
const PRIMITIVES: Readonly<Partial<Record<ColumnShape, string>>> = {
  text: TEXT,
  timestamp: "INT64 TIMESTAMP_MILLIS",
  boolean: "BOOLEAN",
  integer: "INT64",
};

/** A node of a file's schema as `name type converted-type repetition`, without what is absent. */
export function schemaLine(...parts: readonly unknown[]): string {
  return parts.filter((part) => part !== null && part !== "").join(" ");
}

/** The nodes of a session file's schema, depth first, without the root: the columns of the contract. */
export const SESSION_SCHEMA: readonly string[] = SESSION_COLUMNS.flatMap((column) => {
  const { name, shape } = column;
  const repetition = "required" in column ? "REQUIRED" : "OPTIONAL";
  const primitive = PRIMITIVES[shape];
  if (primitive !== undefined) return [schemaLine(name, primitive, repetition)];
  const list = [schemaLine(name, "LIST OPTIONAL"), "list REPEATED"];
  if (shape === "texts") return [...list, schemaLine("element", TEXT, "OPTIONAL")];
  const pair = ["name", "value"].map((member) => schemaLine(member, TEXT, "OPTIONAL"));
  return [...list, "element OPTIONAL", ...pair];
});
