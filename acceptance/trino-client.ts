import { setTimeout as sleep } from "node:timers/promises";

/** A query's result, and what it cost. */
export interface TrinoResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  /** Rows that were read from files, before any filter. */
  readonly rowsRead: number;
}

interface Page {
  readonly nextUri?: string;
  readonly columns?: readonly { readonly name: string }[];
  readonly data?: readonly (readonly unknown[])[];
  readonly stats: { readonly processedRows: number };
  readonly error?: { readonly errorName: string; readonly message: string };
}

const NODE_WAIT_MS = 60_000;
const POLL_MS = 500;

/** Trino's HTTP protocol (https://trino.io/docs/current/develop/client-protocol.html), as far as queries need it. */
export class TrinoClient {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /**
   * Runs one statement, in UTC, with the tables of a database. Throws with Trino's own words.
   *
   * Trino says that it has started before its only node can be given work: that one error is waited out.
   */
  async query(sql: string, database = "default"): Promise<TrinoResult> {
    const endMs = performance.now() + NODE_WAIT_MS;
    for (;;) {
      try {
        return await this.#queryOnce(sql, database);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith("NO_NODES_AVAILABLE")) throw error;
        if (performance.now() > endMs) throw error;
        await sleep(POLL_MS);
      }
    }
  }

  async #queryOnce(sql: string, database: string): Promise<TrinoResult> {
    const headers = {
      "X-Trino-User": "acceptance",
      "X-Trino-Catalog": "awsdatacatalog",
      "X-Trino-Schema": database,
      "X-Trino-Time-Zone": "UTC",
    };
    let page = await pageOf(await fetch(`${this.#url}/v1/statement`, { method: "POST", body: sql, headers }));
    let columns: readonly string[] = [];
    const rows: (readonly unknown[])[] = [];
    for (;;) {
      if (page.error) throw new Error(`${page.error.errorName}: ${page.error.message}\n${sql}`);
      if (page.columns) columns = page.columns.map(({ name }) => name);
      rows.push(...(page.data ?? []));
      if (page.nextUri === undefined) return { columns, rows, rowsRead: page.stats.processedRows };
      if (page.data === undefined) await sleep(20);
      page = await pageOf(await fetch(page.nextUri));
    }
  }
}

async function pageOf(response: Response): Promise<Page> {
  if (!response.ok) throw new Error(`Trino answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Page;
}
