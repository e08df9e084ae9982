import { readFileSync } from "node:fs";

/** A query of docs/queries.md. */
export interface CookbookQuery {
  readonly title: string;
  /** As Athena runs it. */
  readonly athena: string;
  /** As DuckDB does; Athena's own, unless the document gives another form. */
  readonly duckdb: string;
}

/** The queries of docs/queries.md, in their order: below each third-level heading one for Athena, and at most one for DuckDB. */
export function cookbookQueries(): CookbookQuery[] {
  const [, ...parts] = readFileSync("docs/queries.md", "utf8").split(/^### /m);
  return parts.map((part) => {
    const [title = ""] = part.split("\n");
    const blocks = (language: string) =>
      [...part.matchAll(new RegExp(`^\`\`\`${language}\n(.*?);\n\`\`\`$`, "gms"))].map(([, sql = ""]) => sql);
    const [athena, ...second] = blocks("sql");
    const [duckdb, ...third] = blocks("sql duckdb");
    if (athena === undefined || second.length + third.length > 0) {
      throw new Error(`docs/queries.md: "${title}" needs one query for Athena, and at most one for DuckDB`);
    }
    return { title, athena, duckdb: duckdb ?? athena };
  });
}
