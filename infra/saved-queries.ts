import { readdirSync, readFileSync } from "node:fs";

const FOLDER = new URL("./queries/", import.meta.url);

/** A query of `infra/queries/` as Athena saves it. */
export interface SavedQuery {
  /** Name of the file, without `.sql`. */
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly sql: string;
}

/**
 * The queries of `infra/queries/`, in the order of their names. Each file begins with a line `-- title: …` and a line
 * `-- description: …`; throws if one has none.
 */
export function savedQueries(): SavedQuery[] {
  return readdirSync(FOLDER)
    .sort()
    .map((file) => {
      const sql = readFileSync(new URL(file, FOLDER), "utf8");
      const [, title, description] = /^-- title: (.+)\n-- description: (.+)\n/.exec(sql) ?? [];
      if (!title || !description) throw new Error(`infra/queries/${file}: begin it with its title and its description`);
      return { id: file.replace(/\.sql$/, ""), title, description, sql };
    });
}
