import thrift, { type PageHeader, type Statistics } from "parquetjs-lite/gen-nodejs/parquet_types.js";
import util from "parquetjs-lite/lib/util.js";
import type { Compressor } from "./compression.ts";

/** A page as it goes into the file. */
export interface Page {
  readonly header: Buffer;
  readonly body: Buffer;
  /** Of header and body, had it not been compressed. */
  readonly uncompressedBytes: number;
}

/** What a data page of version 1 tells of itself. Its levels are RLE, as the format wants. */
export interface DataPageFacts {
  /** Nulls included. */
  readonly values: number;
  readonly encoding: "PLAIN" | "RLE_DICTIONARY";
  readonly statistics: Statistics | null;
}

/** A data page; its body is compressed in the background. */
export function dataPage(body: Buffer, facts: DataPageFacts, compressor: Compressor): Promise<Page> {
  const header = new thrift.DataPageHeader({
    num_values: facts.values,
    encoding: thrift.Encoding[facts.encoding],
    definition_level_encoding: thrift.Encoding.RLE,
    repetition_level_encoding: thrift.Encoding.RLE,
    ...(facts.statistics && { statistics: facts.statistics }),
  });
  return page(body, { type: thrift.PageType.DATA_PAGE, data_page_header: header }, compressor);
}

/** A dictionary page: different texts, PLAIN. */
export function dictionaryPage(body: Buffer, texts: number, compressor: Compressor): Promise<Page> {
  const header = new thrift.DictionaryPageHeader({ num_values: texts, encoding: thrift.Encoding.PLAIN });
  return page(body, { type: thrift.PageType.DICTIONARY_PAGE, dictionary_page_header: header }, compressor);
}

type PageKind = Omit<PageHeader, "uncompressed_page_size" | "compressed_page_size">;

async function page(bytes: Buffer, kind: PageKind, compressor: Compressor): Promise<Page> {
  const body = await compressor.compress(bytes);
  const sizes = { uncompressed_page_size: bytes.length, compressed_page_size: body.length };
  const header = util.serializeThrift(new thrift.PageHeader({ ...kind, ...sizes }));
  return { header, body, uncompressedBytes: header.length + bytes.length };
}
