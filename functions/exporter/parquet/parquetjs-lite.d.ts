/**
 * What this exporter uses of parquetjs-lite 0.8.7, which brings no types. Read from its `lib/writer.js`, `lib/shred.js`
 * and `lib/schema.js`. Only the default import works under Node's ES modules.
 */
declare module "parquetjs-lite" {
  export type Codec = "UNCOMPRESSED" | "GZIP" | "SNAPPY";

  export interface LeafDefinition {
    readonly type: "UTF8" | "TIMESTAMP_MILLIS" | "BOOLEAN" | "INT64";
    readonly optional?: boolean;
    readonly compression: Codec;
    /** Anything but `false` writes minimum, maximum and counts, in the pages and in the footer. */
    readonly statistics?: boolean;
  }

  export interface GroupDefinition {
    readonly type?: "LIST";
    readonly optional?: boolean;
    readonly repeated?: boolean;
    readonly fields: FieldDefinitions;
  }

  export type FieldDefinitions = Readonly<Record<string, LeafDefinition | GroupDefinition>>;

  interface Field {
    readonly name: string;
    /** Names from the root down; `String(path)` is the column's key in a `RowBuffer`. */
    readonly path: readonly string[];
    readonly isNested?: boolean;
  }

  export interface ParquetSchema {
    /** Groups and leaves, depth first. */
    readonly fieldList: readonly Field[];
  }

  /** One leaf column of the page that is being filled. The writer empties it after each page. */
  export interface ColumnBuffer {
    /** Primitive values, nulls left out. The writer takes a string or a Buffer for UTF8, a number or a bigint for INT64. */
    values: unknown[];
    /** One definition level for each value or null; their number is the page's number of values. */
    dlevels: number[];
    /** One repetition level for each definition level; read only for columns inside a list. */
    rlevels: number[];
    /** Read only for columns with statistics. */
    distinct_values: Set<unknown>;
    /** Read only for data page v2. */
    count: number;
  }

  /** A row group that is being filled: an empty object before its first row. */
  export interface RowBuffer {
    rowCount: number;
    /** Fill of the current page. The page ends when it reaches `pageSize`; the writer then sets it to 0. */
    pageRowCount: number;
    /** By `String(path)`. */
    columnData: Record<string, ColumnBuffer>;
    /** By `String(path)`; the writer puts the encoded pages in. */
    pages: Record<string, unknown[]>;
  }

  interface WriterOptions {
    readonly rowGroupSize?: number;
    readonly pageSize?: number;
    readonly useDataPageV2?: boolean;
    readonly pageIndex?: boolean;
  }

  /** Lays a file out, and hands its bytes to the `write` that it was made with. */
  type ParquetEnvelopeWriter = object;

  interface ParquetWriter {
    /** Takes the row in before it returns; resolves when the row group that it filled, if any, is written. */
    appendRow(row: object): Promise<void>;
    /** Writes what is left and the footer, then calls the envelope's `close`. */
    close(): Promise<void>;
  }

  const parquet: {
    readonly ParquetSchema: new (definition: FieldDefinitions) => ParquetSchema;
    readonly ParquetEnvelopeWriter: new (
      schema: ParquetSchema,
      write: (bytes: Buffer) => unknown,
      close: () => unknown,
      fileOffset: number,
      options: WriterOptions,
    ) => ParquetEnvelopeWriter;
    readonly ParquetWriter: {
      /** Writes the header at once, and does not wait for it. */
      new (schema: ParquetSchema, envelope: ParquetEnvelopeWriter, options: WriterOptions): ParquetWriter;
      openFile(schema: ParquetSchema, path: string, options: WriterOptions): Promise<ParquetWriter>;
    };
    /** The writer looks `shredRecord` up on this object for each row. */
    readonly ParquetShredder: { shredRecord(schema: ParquetSchema, record: object, buffer: RowBuffer): void };
  };
  export default parquet;
}
