const SIMPLE: Readonly<Record<string, string>> = {
  string: "VARCHAR",
  int: "INTEGER",
  bigint: "BIGINT",
  boolean: "BOOLEAN",
  timestamp: "TIMESTAMP",
};

/** The DuckDB type that holds what a Glue type holds, for the types that the tables use. */
export function duckdbType(glue: string): string {
  const simple = SIMPLE[glue];
  if (simple !== undefined) return simple;
  const [, kind, inner] = /^(array|struct|map)<(.*)>$/.exec(glue) ?? [];
  if (kind === "array" && inner) return `${duckdbType(inner)}[]`;
  if (kind === "map" && inner) return `MAP(${members(inner).map(duckdbType).join(", ")})`;
  if (kind === "struct" && inner) return `STRUCT(${members(inner).map(structMember).join(", ")})`;
  throw new TypeError(`no DuckDB type is known for the Glue type ${glue}`);
}

function structMember(member: string): string {
  const colon = member.indexOf(":");
  return `"${member.slice(0, colon)}" ${duckdbType(member.slice(colon + 1))}`;
}

/** Parts a list at its commas, but not at those within angle brackets. */
function members(list: string): string[] {
  const parts: string[] = [""];
  let depth = 0;
  for (const character of list) {
    if (character === "<") depth++;
    if (character === ">") depth--;
    if (character === "," && depth === 0) parts.push("");
    else parts.push(`${parts.pop() ?? ""}${character}`);
  }
  return parts;
}
