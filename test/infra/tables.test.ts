import { describe, expect, it } from "vitest";
import { GLUE_TYPES, LEDGER_COLUMNS, PARTITION_TYPES, SESSION_COLUMNS } from "../../functions/exporter/contract.ts";
import { type Json, readable, synthesise } from "./synthesise.ts";

/** Longest comment that the Glue Data Catalog takes, in bytes. */
const LONGEST_COMMENT = 255;

const table = (name: string, settings?: Record<string, unknown>): Json =>
  synthesise(settings)
    .all("AWS::Glue::Table")
    .map(({ Properties }) => Properties.TableInput)
    .find(({ Name }) => Name === name);

const namesAndTypes = (columns: Json[]) => columns.map(({ Name, Type }) => [Name, Type]);

describe("the table sessions", () => {
  it("has the columns of the contract, in their order", () => {
    expect(namesAndTypes(table("sessions").StorageDescriptor.Columns)).toEqual(
      SESSION_COLUMNS.map(({ name, shape }) => [name, GLUE_TYPES[shape]]),
    );
  });

  it("projects days and containment types as text, so that nobody adds partitions", () => {
    const { PartitionKeys, Parameters } = table("sessions");
    expect(namesAndTypes(PartitionKeys)).toEqual([
      ["dt", "string"],
      ["containment_type", "string"],
    ]);
    expect(Parameters).toMatchObject({
      "projection.enabled": "true",
      "projection.dt.type": "date",
      "projection.dt.format": "yyyy-MM-dd",
      "projection.dt.interval": "1",
      "projection.dt.interval.unit": "DAYS",
      "projection.containment_type.type": "enum",
      "projection.containment_type.values": PARTITION_TYPES.join(","),
    });
    expect(readable(Parameters["storage.location.template"])).toBe(
      `s3://{ArchiveBucket}/sessions/dt=\${dt}/containment_type=\${containment_type}/`,
    );
  });

  it("is Parquet below the archive's folder of sessions", () => {
    const { StorageDescriptor, Parameters, TableType } = table("sessions");
    expect(TableType).toBe("EXTERNAL_TABLE");
    expect(Parameters.classification).toBe("parquet");
    expect(readable(StorageDescriptor.Location)).toBe("s3://{ArchiveBucket}/sessions/");
    expect(StorageDescriptor.SerdeInfo.SerializationLibrary).toMatch(/ParquetHiveSerDe$/);
  });
});

describe("the table exports", () => {
  it("has the members of a ledger record as columns", () => {
    expect(namesAndTypes(table("exports").StorageDescriptor.Columns)).toEqual(
      LEDGER_COLUMNS.map(({ name, type }) => [name, type]),
    );
  });

  it("is JSON, one partition a day", () => {
    const { PartitionKeys, StorageDescriptor, Parameters } = table("exports");
    expect(namesAndTypes(PartitionKeys)).toEqual([["dt", "string"]]);
    expect(StorageDescriptor.SerdeInfo.SerializationLibrary).toBe("org.openx.data.jsonserde.JsonSerDe");
    expect(readable(Parameters["storage.location.template"])).toBe(`s3://{ArchiveBucket}/exports/dt=\${dt}/`);
  });
});

describe.each(["sessions", "exports"])("the table %s", (name) => {
  it("covers every day that Kore may still hold, or those since the start date, and today in every zone", () => {
    expect(table(name).Parameters["projection.dt.range"]).toBe("2019-01-01,NOW+1DAYS");
    expect(table(name, { startDate: "2026-05-01" }).Parameters["projection.dt.range"]).toBe("2026-05-01,NOW+1DAYS");
  });

  it("explains every column and key in words that the catalog takes", () => {
    const { StorageDescriptor, PartitionKeys } = table(name);
    for (const { Name, Comment } of [...StorageDescriptor.Columns, ...PartitionKeys]) {
      expect(Comment, Name).toMatch(/\w/);
      expect(Buffer.byteLength(Comment), Name).toBeLessThanOrEqual(LONGEST_COMMENT);
    }
  });

  it("has no partition key among its columns", () => {
    const { StorageDescriptor, PartitionKeys } = table(name);
    const columns = StorageDescriptor.Columns.map(({ Name }: Json) => Name);
    expect(PartitionKeys.filter(({ Name }: Json) => columns.includes(Name))).toEqual([]);
  });
});

describe("the database", () => {
  it.each([
    ["KoreSessions", "kore_sessions"],
    ["kore-archive-2", "kore_archive_2"],
  ])("of stack %s is %s, which SQL takes without quotes", (stackName, name) => {
    expect(synthesise({ stackName }).one("AWS::Glue::Database").Properties.DatabaseInput.Name).toBe(name);
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
  });
});
