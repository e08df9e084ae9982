/**
 * What this exporter uses of parquetjs-lite 0.8.7, which brings no types. Read from its `lib/writer.js`, `lib/schema.js`,
 * `lib/util.js` and `gen-nodejs/parquet_types.js`. Only default imports work under Node's ES modules.
 */
declare module "parquetjs-lite" {
  import type { RowGroup } from "parquetjs-lite/gen-nodejs/parquet_types.js";

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

  /** Fields and groups, depth first; opaque to us. */
  export type ParquetSchema = object;

  interface WriterOptions {
    readonly rowGroupSize?: number;
    readonly pageSize?: number;
    readonly useDataPageV2?: boolean;
    readonly pageIndex?: boolean;
  }

  /** Lays a file out, and hands its bytes to the `write` that it was made with. */
  export interface ParquetEnvelopeWriter {
    /** Where the next section begins. */
    readonly offset: number;
    /** Rows of the row groups, for the footer. */
    rowCount: number;
    /** The row groups, for the footer. */
    readonly rowGroups: RowGroup[];
    writeHeader(): unknown;
    writeSection(bytes: Buffer): unknown;
    writeFooter(): unknown;
  }

  /** The library's own way from records to a file. */
  interface ParquetWriter {
    appendRow(row: object): Promise<void>;
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
      openFile(schema: ParquetSchema, path: string, options: WriterOptions): Promise<ParquetWriter>;
    };
  };
  export default parquet;
}

/** Structures of Parquet's own definition, `parquet.thrift`: each takes its members, and leaves out what is absent or null. */
declare module "parquetjs-lite/gen-nodejs/parquet_types.js" {
  export interface Statistics {
    readonly min: Buffer | null;
    readonly max: Buffer | null;
    readonly min_value: Buffer | null;
    readonly max_value: Buffer | null;
    readonly null_count: number;
    readonly distinct_count: number;
  }

  export interface DataPageHeader {
    readonly num_values: number;
    readonly encoding: number;
    readonly definition_level_encoding: number;
    readonly repetition_level_encoding: number;
    readonly statistics?: Statistics;
  }

  export interface DictionaryPageHeader {
    readonly num_values: number;
    readonly encoding: number;
  }

  export interface PageHeader {
    readonly type: number;
    readonly uncompressed_page_size: number;
    readonly compressed_page_size: number;
    readonly data_page_header?: DataPageHeader;
    readonly dictionary_page_header?: DictionaryPageHeader;
  }

  export interface ColumnMetaData {
    readonly type: number;
    readonly encodings: readonly number[];
    readonly path_in_schema: readonly string[];
    readonly codec: number;
    readonly num_values: number;
    readonly total_uncompressed_size: number;
    readonly total_compressed_size: number;
    readonly data_page_offset: number;
    readonly dictionary_page_offset?: number;
    readonly statistics?: Statistics;
  }

  export interface ColumnChunk {
    readonly file_offset: number;
    readonly meta_data: ColumnMetaData;
  }

  export interface RowGroup {
    readonly columns: readonly ColumnChunk[];
    readonly total_byte_size: number;
    readonly num_rows: number;
  }

  type Structure<T> = new (members: T) => T;

  const thrift: {
    readonly Type: Readonly<Record<"BOOLEAN" | "INT64" | "BYTE_ARRAY", number>>;
    readonly Encoding: Readonly<Record<"PLAIN" | "RLE" | "RLE_DICTIONARY", number>>;
    readonly CompressionCodec: Readonly<Record<"ZSTD", number>>;
    readonly PageType: Readonly<Record<"DATA_PAGE" | "DICTIONARY_PAGE", number>>;
    readonly Statistics: Structure<Statistics>;
    readonly DataPageHeader: Structure<DataPageHeader>;
    readonly DictionaryPageHeader: Structure<DictionaryPageHeader>;
    readonly PageHeader: Structure<PageHeader>;
    readonly ColumnMetaData: Structure<ColumnMetaData>;
    readonly ColumnChunk: Structure<ColumnChunk>;
    readonly RowGroup: Structure<RowGroup>;
  };
  export default thrift;
}

declare module "parquetjs-lite/lib/util.js" {
  const util: {
    /** A structure in Thrift's compact protocol. */
    serializeThrift(structure: object): Buffer;
  };
  export default util;
}
