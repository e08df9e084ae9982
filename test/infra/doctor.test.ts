import { describe, expect, it } from "vitest";
import { EXPECTED_TABLES, tableDifferences } from "../../cli/doctor/expected-tables.ts";
import { databaseOf } from "../../functions/exporter/contract.ts";
import { type Json, readable, synthesise } from "./synthesise.ts";

const tables = (settings?: Record<string, unknown>): Json[] =>
  synthesise(settings)
    .all("AWS::Glue::Table")
    .map(({ Properties }) => Properties.TableInput);

describe("what doctor expects of a deployment", () => {
  it.each([{}, { startDate: "2025-06-01" }])("is the tables that the stack makes (%o)", (settings) => {
    for (const expected of EXPECTED_TABLES) {
      const found = tables(settings).find(({ Name }) => Name === expected.name);
      const parameters = Object.entries<Json>(found.Parameters).map(([name, value]) => [name, readable(value)]);
      const table = { ...found, Parameters: Object.fromEntries(parameters) };
      expect(tableDifferences(expected, table, "s3://{ArchiveBucket}")).toEqual([]);
    }
  });

  it.each(["KoreSessions", "kore-sessions-2", "KoreEU"])("is the database that the stack %s makes", (stackName) => {
    const [database] = synthesise({ stackName }).all("AWS::Glue::Database");
    expect(database?.Properties.DatabaseInput.Name).toBe(databaseOf(stackName));
  });

  it("is a schedule whose name begins with the stack's, if CloudFormation names it", () => {
    const [schedule] = synthesise().all("AWS::Scheduler::Schedule");
    expect(schedule?.Properties.Name).toBeUndefined();
  });
});
