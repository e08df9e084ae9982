import { createHash } from "node:crypto";
import type { ArchiveStore, Listed, LocalFile, StoredObject, Version } from "../../functions/exporter/archive/store.ts";
import type { Clock } from "../../functions/exporter/clock.ts";
import { ExporterError } from "../../functions/exporter/errors.ts";

/** S3 requests by price: a LIST costs what a PUT does, a HEAD what a GET does. */
export interface StoreRequests {
  put: number;
  list: number;
  get: number;
  head: number;
}

/** Keys in one answer to a LIST. Source: Amazon S3 API Reference, ListObjectsV2. */
const KEYS_PER_LIST = 1_000;

/** An object: its bytes, or of a file only how long it is and its hash, since nobody here reads files again. */
type Stored = { readonly version: Version; readonly bytes: number; readonly sha256: string } & (
  | { readonly kind: "body"; readonly body: Buffer }
  | { readonly kind: "file" }
);

/** A bucket in memory that counts its requests and lets time pass for each. Nothing else shares it. */
export class MemoryStore implements ArchiveStore {
  readonly location: string;
  readonly excludesOthers = false;
  readonly requests: StoreRequests = { put: 0, list: 0, get: 0, head: 0 };
  readonly #clock: Clock;
  readonly #requestMs: number;
  readonly #objects = new Map<string, Stored>();
  #writes = 0;

  constructor(name: string, clock: Clock, requestMs: number) {
    this.location = `s3://${name}`;
    this.#clock = clock;
    this.#requestMs = requestMs;
  }

  async read(key: string): Promise<StoredObject | null> {
    await this.#count("get");
    const object = this.#objects.get(key);
    if (object === undefined) return null;
    if (object.kind === "file") throw new TypeError(`${key} is a file, of which only the hash is kept`);
    return { body: object.body, version: object.version };
  }

  async version(key: string): Promise<Version | null> {
    await this.#count("head");
    return this.#objects.get(key)?.version ?? null;
  }

  async writeIf(key: string, body: Buffer, expected: Version | null): Promise<Version> {
    await this.#count("put");
    if ((this.#objects.get(key)?.version ?? null) !== expected) {
      throw new ExporterError("ERR_ARCHIVE_CHANGED", `${this.location}/${key} was changed by another run.`);
    }
    const version = this.#nextVersion();
    const sha256 = createHash("sha256").update(body).digest("hex");
    this.#objects.set(key, { kind: "body", version, body, bytes: body.length, sha256 });
    return version;
  }

  async writeFile(key: string, { bytes, sha256 }: LocalFile): Promise<void> {
    await this.#count("put");
    this.#objects.set(key, { kind: "file", version: this.#nextVersion(), bytes, sha256 });
  }

  async holds(key: string, { bytes, sha256 }: LocalFile): Promise<boolean> {
    await this.#count("head");
    const object = this.#objects.get(key);
    return object?.bytes === bytes && object.sha256 === sha256;
  }

  /** Makes no local file: what is uploaded from it later is known by its hash. */
  async download(key: string): Promise<number> {
    await this.#count("get");
    const object = this.#objects.get(key);
    if (object === undefined) throw new ExporterError("ERR_ARCHIVE_OBJECT_MISSING", `${key} is not there.`);
    return object.bytes;
  }

  async *list(prefix: string): AsyncGenerator<Listed> {
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    for (const [index, key] of keys.entries()) {
      if (index % KEYS_PER_LIST === 0) await this.#count("list");
      yield { kind: "object", key };
    }
    if (keys.length === 0) await this.#count("list");
  }

  async listRoot(): Promise<string[]> {
    await this.#count("list");
    return [];
  }

  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  checkWritable(): Promise<void> {
    return this.#count("put");
  }

  close(): void {}

  /** Forgets what nobody will ask for again, as a lifecycle rule does later; without it a year would not fit in memory. */
  expire(prefix: string): void {
    for (const key of this.#objects.keys()) if (key.startsWith(prefix)) this.#objects.delete(key);
  }

  async #count(kind: keyof StoreRequests): Promise<void> {
    this.requests[kind]++;
    await this.#clock.sleep(this.#requestMs);
  }

  #nextVersion(): Version {
    return `v${++this.#writes}`;
  }
}
