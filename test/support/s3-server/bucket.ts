import { createHash } from "node:crypto";
import type { ChecksumAlgorithm } from "./checksums.ts";
import { type Checksum, checksumOf } from "./checksums.ts";

/** One version of an object; a delete marker has no body. */
export interface ObjectVersion {
  readonly key: string;
  readonly versionId: string;
  readonly isDeleteMarker: boolean;
  readonly body: Buffer;
  /** In quotes, as in the header. */
  readonly etag: string;
  readonly checksum: Checksum;
  readonly lastModified: Date;
  /** `content-type` and `x-amz-meta-…`, as they came. */
  readonly headers: Readonly<Record<string, string>>;
}

export type NewObject = Pick<ObjectVersion, "body" | "etag" | "checksum" | "headers">;

export interface MultipartUpload {
  readonly key: string;
  readonly algorithm: ChecksumAlgorithm | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, { readonly body: Buffer; readonly etag: string; readonly checksum: Checksum }>;
}

/** A versioned bucket, and what a test may ask or do behind the API's back. */
export class Bucket {
  readonly name: string;
  /** Object Lock with a default retention that does not end. */
  readonly objectLock: boolean;
  readonly uploads = new Map<string, MultipartUpload>();
  private readonly objects = new Map<string, ObjectVersion[]>();
  private readonly now: () => number;
  private lastId = 0;

  constructor(name: string, objectLock: boolean, now: () => number) {
    this.name = name;
    this.objectLock = objectLock;
    this.now = now;
  }

  /** Keys of the current objects, in the order of their UTF-8 bytes. */
  keys(): string[] {
    return this.allKeys().filter((key) => this.get(key) !== null);
  }

  /** Keys that have versions, current or not, in the order of their UTF-8 bytes. */
  allKeys(): string[] {
    return [...this.objects.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  /** The current object; null if there is none, or if a delete marker hides it. */
  get(key: string): ObjectVersion | null {
    const current = this.versions(key)[0];
    return current && !current.isDeleteMarker ? current : null;
  }

  /** All versions of an object, the newest first, delete markers among them. */
  versions(key: string): readonly ObjectVersion[] {
    return this.objects.get(key) ?? [];
  }

  /** Puts an object as another client would. */
  put(key: string, body: Buffer | string): ObjectVersion {
    const bytes = Buffer.from(body);
    const checksum: Checksum = { algorithm: "CRC64NVME", value: checksumOf("CRC64NVME", bytes), type: "FULL_OBJECT" };
    return this.add(key, { body: bytes, etag: etagOf(bytes), checksum, headers: {} });
  }

  add(key: string, object: NewObject): ObjectVersion {
    return this.push({ key, isDeleteMarker: false, ...object, ...this.stamp() });
  }

  /** Hides the object behind a delete marker. */
  remove(key: string): ObjectVersion {
    const checksum: Checksum = { algorithm: "CRC64NVME", value: "", type: "FULL_OBJECT" };
    const nothing = { body: Buffer.alloc(0), etag: "", checksum, headers: {} };
    return this.push({ key, isDeleteMarker: true, ...nothing, ...this.stamp() });
  }

  /** Takes one version away for good, as if it had never been. */
  forget(key: string, versionId: string): void {
    const left = this.versions(key).filter((version) => version.versionId !== versionId);
    if (left.length > 0) this.objects.set(key, left);
    else this.objects.delete(key);
  }

  nextId(): string {
    this.lastId += 1;
    return createHash("md5").update(`${this.name}/${this.lastId}`).digest("base64url");
  }

  private stamp(): { versionId: string; lastModified: Date } {
    return { versionId: this.nextId(), lastModified: new Date(this.now()) };
  }

  private push(version: ObjectVersion): ObjectVersion {
    this.objects.set(version.key, [version, ...this.versions(version.key)]);
    return version;
  }
}

/** The ETag of an object or part that was sent in one piece. */
export function etagOf(body: Buffer): string {
  return `"${createHash("md5").update(body).digest("hex")}"`;
}
