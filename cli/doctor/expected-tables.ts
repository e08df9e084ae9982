import type { Column, Table } from "@aws-sdk/client-glue";
import {
  GLUE_TYPES,
  LEDGER_COLUMNS,
  PARTITION_TYPES,
  PREFIXES,
  SESSION_COLUMNS,
  TABLES,
} from "../../functions/exporter/contract.ts";

interface ExpectedColumn {
  readonly name: string;
  readonly type: string;
}

/** A table of the archive, by the contract. */
export interface ExpectedTable {
  readonly name: string;
  readonly columns: readonly ExpectedColumn[];
  readonly partitionKeys: readonly string[];
  readonly parameters: Readonly<Record<string, string>>;
  /** Below the archive's root. */
  readonly template: string;
}

const DAY_PARAMETERS = {
  "projection.enabled": "true",
  "projection.dt.type": "date",
  "projection.dt.format": "yyyy-MM-dd",
};

/** The tables as a deployment of this version makes them; a test compares them with the stack's own. */
export const EXPECTED_TABLES: readonly ExpectedTable[] = [
  {
    name: TABLES.sessions,
    columns: SESSION_COLUMNS.map(({ name, shape }) => ({ name, type: GLUE_TYPES[shape] })),
    partitionKeys: ["dt", "containment_type"],
    parameters: {
      ...DAY_PARAMETERS,
      "projection.containment_type.type": "enum",
      "projection.containment_type.values": PARTITION_TYPES.join(","),
    },
    template: `${PREFIXES.sessions}/dt=\${dt}/containment_type=\${containment_type}/`,
  },
  {
    name: TABLES.exports,
    columns: LEDGER_COLUMNS.map(({ name, type }) => ({ name, type })),
    partitionKeys: ["dt"],
    parameters: DAY_PARAMETERS,
    template: `${PREFIXES.exports}/dt=\${dt}/`,
  },
];

/** What the Glue Data Catalog tells of a table. */
export type FoundTable = Partial<Pick<Table, "Parameters" | "PartitionKeys" | "StorageDescriptor">>;

/**
 * A half sentence for each difference that makes Athena misread the archive, or find nothing. Columns that were added
 * by hand do no harm, nor does their order: Athena reads Parquet and JSON by name.
 */
export function tableDifferences(expected: ExpectedTable, found: FoundTable, archive: string | null): string[] {
  const { name } = expected;
  return [
    ...columnDifferences(expected, found.StorageDescriptor?.Columns ?? []),
    ...partitionDifferences(expected, found.PartitionKeys ?? []),
    ...parameterDifferences(expected, found.Parameters ?? {}, archive),
  ].map((difference) => `${name} ${difference}`);
}

function columnDifferences({ columns }: ExpectedTable, found: readonly Column[]): string[] {
  return columns.flatMap(({ name, type }) => {
    const column = found.find(({ Name }) => Name === name);
    if (column === undefined) return [`lacks the column ${name}`];
    return column.Type === type ? [] : [`has ${name} as ${column.Type} instead of ${type}`];
  });
}

function partitionDifferences({ partitionKeys }: ExpectedTable, found: readonly Column[]): string[] {
  const names = found.map(({ Name, Type }) => `${Name} ${Type}`);
  const wanted = partitionKeys.map((name) => `${name} string`);
  return names.join() === wanted.join() ? [] : [`is partitioned by ${names.join(", ") || "nothing"}`];
}

function parameterDifferences(
  { parameters, template }: ExpectedTable,
  found: Readonly<Record<string, string>>,
  archive: string | null,
): string[] {
  const wrong = Object.entries(parameters)
    .filter(([name, value]) => found[name] !== value)
    .map(([name, value]) => `has ${name} as ${found[name] ?? "nothing"} instead of ${value}`);
  const range = found["projection.dt.range"] ?? "";
  if (!/,NOW\b/.test(range))
    wrong.push(`has projection.dt.range as ${range || "nothing"}, which does not end with NOW`);
  const place = found["storage.location.template"] ?? "";
  const fits =
    archive === null ? place.endsWith(`/${template}`) : place === `${archive.replace(/\/$/, "")}/${template}`;
  return fits ? wrong : [...wrong, `has its files at ${place || "no place"}`];
}
