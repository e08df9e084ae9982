import { GetTableCommand, GlueClient } from "@aws-sdk/client-glue";
import { type Check, ok, problem } from "./checks.ts";
import { AWS_DEADLINE_MS, QUICK_CLIENT } from "./deadline.ts";
import { EXPECTED_TABLES, tableDifferences } from "./expected-tables.ts";
import { awsFailed } from "./failure-text.ts";

/** Where the tables are looked for. */
export interface TablesPlace {
  readonly databaseName: string;
  /** Undefined: the Region that the AWS SDK finds. */
  readonly region: string | undefined;
  /** `s3://…` of the archive that they should show; null if that is not known. */
  readonly archive: string | null;
}

/** Compares the tables with what this version archives. Needs glue:GetTable. */
export async function checkTables(place: TablesPlace, signal: AbortSignal): Promise<Check> {
  const client = new GlueClient({ ...QUICK_CLIENT, ...(place.region !== undefined && { region: place.region }) });
  const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(AWS_DEADLINE_MS)]);
  try {
    const differences: string[] = [];
    for (const expected of EXPECTED_TABLES) {
      const command = new GetTableCommand({ DatabaseName: place.databaseName, Name: expected.name });
      const { Table: table } = await client.send(command, { abortSignal });
      differences.push(...tableDifferences(expected, table ?? {}, place.archive));
    }
    const names = EXPECTED_TABLES.map(({ name }) => name).join(" and ");
    if (differences.length === 0) return ok("tables", `${names} of ${place.databaseName} are as expected`);
    return problem("tables", `${place.databaseName}: ${differences.join("; ")}.`);
  } catch (error) {
    signal.throwIfAborted();
    return awsFailed("tables", place.databaseName, error);
  } finally {
    client.destroy();
  }
}
