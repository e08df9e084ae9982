import type { ExporterError } from "../errors.ts";
import { type ArchiveState, parseState } from "./archive-state.ts";
import { inBatches } from "./batches.ts";
import { type ChainEnd, readChainEnd, type Trust } from "./believed-digest.ts";
import {
  type Digest,
  dayName,
  type MonthRef,
  type ObjectRef,
  sha256Of,
  type VouchedDay,
  type VouchedFile,
} from "./digest.ts";
import { type ChainWalk, readLinks, walked, walkTo } from "./digest-chain.ts";
import { readHashed, unpackLines } from "./json-lines.ts";
import { type Dataset, LEDGERS, parseLedgerKey } from "./layout.ts";
import { readableRecord } from "./ledger.ts";
import { type IndexLine, monthOf, parseIndexLine } from "./ledger-index.ts";
import { objectKeys } from "./listing.ts";
import { type ArchiveStore, readOrTooLarge } from "./store.ts";

/**
 * What the digests that a run believes say of the archive. It costs a listing and the newest digest, then the months and
 * the state that are asked for; a chain of version 1, or one whose index was lost, is walked instead.
 */
export class ArchivePast {
  /** The newest digest, which the next one links to. */
  readonly head: ChainEnd["head"];
  /** `ERR_DIGEST_NOT_TRUSTED` if that one is not to be believed. */
  readonly problem: ExporterError | null;
  /** What is believed; null if nothing is. */
  readonly digest: Digest | null;
  readonly #store: ArchiveStore;
  readonly #believed: ChainEnd["believed"];
  readonly #months = new Map<string, Promise<ReadonlyMap<string, IndexLine> | null>>();
  #walk: Promise<ChainWalk> | null = null;
  #state: Promise<ArchiveState> | null = null;

  private constructor(store: ArchiveStore, { head, believed, problem }: ChainEnd) {
    this.#store = store;
    this.#believed = believed;
    this.head = head;
    this.problem = problem;
    this.digest = believed?.content.digest ?? null;
  }

  /** Reads the end of the chain. Throws `ERR_DIGEST_UNREADABLE` if it is of a newer version. */
  static async open(store: ArchiveStore, trust: Trust): Promise<ArchivePast> {
    return new ArchivePast(store, await readChainEnd(store, trust));
  }

  /** Returns the archive's id; null if none of its digests has one. */
  async archiveId(): Promise<string | null> {
    if (this.digest?.archive_id != null) return this.digest.archive_id;
    const links = this.head === null ? [] : await readLinks(this.#store);
    const ids = links.flatMap(({ content }) => (content.kind === "digest" ? (content.digest.archive_id ?? []) : []));
    return ids.at(-1) ?? null;
  }

  /** Returns the SHA-256 of the ledger record of a day that is vouched for; null if none is. */
  async vouched(dt: string, source: string, dataset: Dataset = "sessions"): Promise<string | null> {
    const name = dayName(dt, source, dataset);
    const lines = await this.#indexed(monthOf(dt));
    if (lines === null) return (await this.#walked()).days.get(name)?.ledger.sha256 ?? null;
    const line = lines.get(name);
    return line === undefined || line.digest === null ? null : line.ledger.sha256;
  }

  /**
   * Returns the day as digests vouched for it before anything of it was adopted, or as a person accepted it; null if none
   * does. Costs a walk of the chain.
   */
  async sound(dt: string, source: string): Promise<VouchedDay | null> {
    return (await this.#walked()).sound.get(dayName(dt, source)) ?? null;
  }

  /** Returns what the digests say beside days. */
  state(): Promise<ArchiveState> {
    this.#state ??= this.#readState();
    return this.#state;
  }

  async #readState(): Promise<ArchiveState> {
    const ref = this.digest?.state ?? null;
    const bytes = ref && (await readHashed(this.#store, ref));
    const lines = bytes && (await unpackLines(bytes));
    return (lines && parseState(lines)) ?? (await this.#walked()).state;
  }

  /** Returns the months that the believed digest's index has; none for one of version 1. */
  get months(): readonly MonthRef[] {
    return this.digest?.index ?? [];
  }

  /** Returns the months of the days that digests name; costs a walk of the chain. */
  async namedMonths(): Promise<Set<string>> {
    return new Set((await this.#walked()).days.values().map(({ dt }) => monthOf(dt)));
  }

  /** Returns the lines of a month's index, by `dayName`; made from the ledger's records where there is no index. */
  async month(month: string): Promise<ReadonlyMap<string, IndexLine>> {
    return (await this.#indexed(month)) ?? this.#fromRecords(month);
  }

  /** Null: the month has no index, or it was lost. */
  #indexed(month: string): Promise<ReadonlyMap<string, IndexLine> | null> {
    const known = this.#months.get(month) ?? this.#read(month);
    this.#months.set(month, known);
    return known;
  }

  async #read(month: string): Promise<ReadonlyMap<string, IndexLine> | null> {
    if (this.digest === null || this.digest.state === null) return null;
    const ref = this.months.find((one) => one.month === month);
    if (ref === undefined) return new Map();
    const bytes = await readHashed(this.#store, ref);
    const lines = ((bytes && (await unpackLines(bytes))) ?? [null]).map((text) => text && parseIndexLine(text));
    if (lines.some((line) => !line)) return null;
    const entries = lines.flatMap((line) =>
      line ? [[dayName(line.dt, line.source, line.dataset), line] as const] : [],
    );
    return new Map(entries);
  }

  async #fromRecords(month: string): Promise<ReadonlyMap<string, IndexLine>> {
    const { days } = await this.#walked();
    const lines = new Map<string, IndexLine>();
    const keys = await Array.fromAsync(objectKeys(this.#store, `${LEDGERS.sessions}/dt=${month}-`));
    // The ledger of messages is a later version's: only what digests name is looked for, since a run may not list it.
    const messages = days.values().filter(({ dataset, dt }) => dataset === "messages" && monthOf(dt) === month);
    const all = [
      ...keys.map((key) => ({ key, dataset: "sessions" as const })),
      ...messages.map(({ ledger }) => ({ key: ledger.key, dataset: "messages" as const })),
    ];
    const read = await inBatches(all, ({ key, dataset }) => lineOfRecord(this.#store, key, dataset, days));
    for (const line of read) if (line !== null) lines.set(dayName(line.dt, line.source, line.dataset), line);
    return lines;
  }

  #walked(): Promise<ChainWalk> {
    this.#walk ??= this.#believed === null ? Promise.resolve(walked([])) : walkTo(this.#store, this.#believed);
    return this.#walk;
  }
}

/** Null for a record that cannot be read: the export of its day tells. */
async function lineOfRecord(
  store: ArchiveStore,
  key: string,
  dataset: Dataset,
  days: ChainWalk["days"],
): Promise<IndexLine | null> {
  const place = parseLedgerKey(key, dataset);
  const object = place && (await readOrTooLarge(store, key));
  if (place === null || object === null || object === "too large") return null;
  const { day: dt, source } = place;
  const sha256 = sha256Of(object.body);
  const vouched = days.get(dayName(dt, source, dataset));
  if (vouched?.ledger.sha256 === sha256) {
    const { number, ledger, files } = vouched;
    return { dataset, dt, source, digest: number, ledger, files, record: textOf(object.body) };
  }
  // A record of messages is written by a later version, whose digests vouch for it.
  const record = dataset === "sessions" ? await readableRecord(store, key) : null;
  if (record === null) return null;
  const ledger: ObjectRef = { key, sha256, bytes: object.body.length, version_id: null };
  const files = record.files.map((file): VouchedFile => {
    return { table: file.containment_type === null ? "rejected" : "sessions", ...file, version_id: null };
  });
  return { dataset, dt, source, digest: null, ledger, files, record: textOf(object.body) };
}

function textOf(body: Buffer): string {
  return body.toString("utf8").trimEnd();
}

/** Reads the past when it is first needed, and again where that may have changed the answer. */
export class PastReader {
  readonly #open: () => Promise<ArchivePast>;
  #past: Promise<ArchivePast> | null = null;

  /** `trust` may be found out when it is first needed. */
  constructor(store: ArchiveStore, trust: Trust | (() => Promise<Trust>)) {
    this.#open = async () => ArchivePast.open(store, typeof trust === "function" ? await trust() : trust);
  }

  /** Returns the past as it was read last. */
  current(): Promise<ArchivePast> {
    this.#past ??= this.#open().catch((error: unknown) => {
      this.#past = null;
      throw error;
    });
    return this.#past;
  }

  /** Reads the past anew. */
  refreshed(): Promise<ArchivePast> {
    this.#past = null;
    return this.current();
  }

  /** Returns true if a digest vouches for this ledger record of a day; another run may have written it by now. */
  async vouches(dt: string, source: string, sha256: string): Promise<boolean> {
    if ((await (await this.current()).vouched(dt, source)) === sha256) return true;
    return (await (await this.refreshed()).vouched(dt, source)) === sha256;
  }
}
