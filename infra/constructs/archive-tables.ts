import { aws_glue as glue, Stack, type aws_s3 as s3 } from "aws-cdk-lib";
import { Construct } from "constructs";
import {
  GLUE_TYPES,
  LEDGER_COLUMNS,
  PARTITION_TYPES,
  PREFIXES,
  SESSION_COLUMNS,
  TABLES,
} from "../../functions/exporter/contract.ts";

/** Kore keeps sessions for seven years at most, so an archive that begins now holds none from before. */
const EARLIEST_DAY = "2019-01-01";

const DAY_KEY = {
  name: "dt",
  type: "string",
  comment: "Day of the session's start, yyyy-mm-dd, in the archive's time zone",
};
const TYPE_KEY = { name: "containment_type", type: "string", comment: `One of ${PARTITION_TYPES.join(", ")}` };

export interface ArchiveTablesProps {
  readonly archive: s3.IBucket;
  readonly databaseName: string;
  /** First day of the archive, if it has one. Athena finds nothing before it. */
  readonly startDate: string | undefined;
}

/**
 * The archive as tables that Athena queries at once: partitions are projected, so no crawler runs and none is added.
 *
 * The last projected day is tomorrow by UTC, which is today in the zones that are furthest ahead. Days outside the
 * range have no rows and no error (https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html).
 * A query without a bound on `dt` lists every day of the range: it works, but slowly.
 */
export class ArchiveTables extends Construct {
  readonly database: glue.CfnDatabase;

  constructor(scope: Construct, id: string, props: ArchiveTablesProps) {
    super(scope, id);
    this.database = new glue.CfnDatabase(this, "Database", {
      catalogId: Stack.of(this).account,
      databaseInput: { name: props.databaseName, description: "Archive of Kore sessions" },
    });
    this.#addSessions(props);
    this.#addExports(props);
  }

  #addSessions({ archive, startDate }: ArchiveTablesProps): void {
    const location = archive.s3UrlForObject(PREFIXES.sessions);
    this.#addTable("Sessions", {
      name: TABLES.sessions,
      description: "One row for each session of a day",
      partitionKeys: [DAY_KEY, TYPE_KEY],
      parameters: {
        classification: "parquet",
        ...dayProjection(startDate),
        "projection.containment_type.type": "enum",
        "projection.containment_type.values": PARTITION_TYPES.join(","),
        "storage.location.template": `${location}/dt=\${dt}/containment_type=\${containment_type}/`,
      },
      storageDescriptor: {
        location: `${location}/`,
        columns: SESSION_COLUMNS.map(({ name, shape, comment }) => ({ name, type: GLUE_TYPES[shape], comment })),
        inputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
        outputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
        serdeInfo: { serializationLibrary: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe" },
      },
    });
  }

  #addExports({ archive, startDate }: ArchiveTablesProps): void {
    const location = archive.s3UrlForObject(PREFIXES.exports);
    this.#addTable("Exports", {
      name: TABLES.exports,
      description: "One row for each day and source that was exported: what Kore reported and what the archive holds",
      partitionKeys: [DAY_KEY],
      parameters: {
        classification: "json",
        ...dayProjection(startDate),
        "storage.location.template": `${location}/dt=\${dt}/`,
      },
      storageDescriptor: {
        location: `${location}/`,
        columns: LEDGER_COLUMNS.map(({ name, type, comment }) => ({ name, type, comment })),
        inputFormat: "org.apache.hadoop.mapred.TextInputFormat",
        outputFormat: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        serdeInfo: { serializationLibrary: "org.openx.data.jsonserde.JsonSerDe" },
      },
    });
  }

  #addTable(
    id: string,
    table: glue.CfnTable.TableInputProperty & { readonly parameters: Record<string, string> },
  ): void {
    new glue.CfnTable(this, id, {
      catalogId: Stack.of(this).account,
      databaseName: this.database.ref,
      tableInput: { ...table, tableType: "EXTERNAL_TABLE", parameters: { EXTERNAL: "TRUE", ...table.parameters } },
    });
  }
}

function dayProjection(startDate: string | undefined): Record<string, string> {
  return {
    "projection.enabled": "true",
    "projection.dt.type": "date",
    "projection.dt.format": "yyyy-MM-dd",
    "projection.dt.range": `${startDate ?? EARLIEST_DAY},NOW+1DAYS`,
    "projection.dt.interval": "1",
    "projection.dt.interval.unit": "DAYS",
  };
}
