import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { objectKeys } from "../archive/listing.ts";
import type { ArchiveStore } from "../archive/store.ts";
import type { PartitionType, SessionColumnName } from "../contract.ts";
import { ExporterError } from "../errors.ts";
import type { BuiltSlice, Part } from "../export/build-slice.ts";
import type { SliceOrder } from "../export/work.ts";

const pack = promisify(gzip);
const unpack = promisify(gunzip);

const SUMMARY = /\/(\d{5})-(\d+)\.json\.gz$/;

/** A built slice as JSON: files without their local paths, hashes of ids in base64. */
interface Summary extends Omit<BuiltSlice, "parts" | "coerced" | "ids"> {
  readonly parts: readonly { type: PartitionType; rowCount: number; bytes: number; sha256: string }[];
  readonly coerced: readonly (readonly [SessionColumnName, number])[];
  readonly ids: string;
}

/** The slices of one attempt at a day, as they were built, kept in scratch: a summary of each, and its parts. */
export class KeptSlices {
  readonly #store: ArchiveStore;
  readonly #prefix: string;

  /** The prefix ends with a slash. */
  constructor(store: ArchiveStore, prefix: string) {
    this.#store = store;
    this.#prefix = `${prefix}slices/`;
  }

  /** True if this reading of the slice has been built. */
  async has(order: SliceOrder): Promise<boolean> {
    return (await this.#store.version(`${this.#stem(order)}.json.gz`)) !== null;
  }

  /** Keeps a slice: its parts first, so that a summary never promises more than there is. */
  async keep(order: SliceOrder, slice: BuiltSlice): Promise<void> {
    const stem = this.#stem(order);
    for (const { type, file } of slice.parts) await this.#store.writeFile(partKey(stem, type), file);
    const { ids } = slice;
    const summary: Summary = {
      ...slice,
      parts: slice.parts.map(({ type, rowCount, file: { bytes, sha256 } }) => ({ type, rowCount, bytes, sha256 })),
      coerced: [...slice.coerced],
      ids: Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength).toString("base64"),
    };
    const body = await pack(JSON.stringify(summary));
    await this.#store.writeIf(`${stem}.json.gz`, body, null).catch(unlessChanged);
  }

  /** The latest reading of every slice, in order. Files are copied into the folder, if one is given. */
  async load(folder: string | null): Promise<BuiltSlice[]> {
    const latest = new Map<number, string>();
    for await (const key of objectKeys(this.#store, this.#prefix)) {
      const index = SUMMARY.exec(key)?.[1];
      if (index !== undefined) latest.set(Number(index), key.replace(/\.json\.gz$/, ""));
    }
    const slices: BuiltSlice[] = [];
    for (const [index, stem] of [...latest].sort(([one], [other]) => one - other)) {
      slices[index] = await this.#loadOne(stem, folder);
    }
    return slices;
  }

  async #loadOne(stem: string, folder: string | null): Promise<BuiltSlice> {
    const object = await this.#store.read(`${stem}.json.gz`);
    if (object === null)
      throw new ExporterError("ERR_INTERNAL", "A slice that was kept in scratch is gone. Run again.");
    const summary = JSON.parse((await unpack(object.body)).toString()) as Summary;
    const parts: Part[] = [];
    for (const { type, rowCount, bytes, sha256 } of summary.parts) {
      const path = join(folder ?? "", `${stem.replaceAll("/", "-")}-${type}.parquet`);
      if (folder !== null) await this.#store.download(partKey(stem, type), path);
      parts.push({ type, rowCount, file: { path, bytes, sha256 } });
    }
    const ids = Uint8Array.from(Buffer.from(summary.ids, "base64"));
    return { ...summary, parts, coerced: new Map(summary.coerced), ids: new BigUint64Array(ids.buffer) };
  }

  /** Rounds count from 0, and sort as text up to 9: there are three at most. */
  #stem({ index, round }: SliceOrder): string {
    return `${this.#prefix}${String(index).padStart(5, "0")}-${round}`;
  }
}

/** Whoever was taken for dead has built the same. */
function unlessChanged(error: unknown): void {
  if (!(error instanceof ExporterError) || error.code !== "ERR_ARCHIVE_CHANGED") throw error;
}

function partKey(stem: string, type: PartitionType): string {
  return `${stem}-${type}.parquet`;
}
