import { Readable } from "node:stream";
import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { ExporterError } from "../errors.ts";
import { checkedKey } from "./key.ts";
import { isDenied, isMissingObject, unreachable } from "./s3-failure.ts";
import { type VersionPage, versionPages } from "./s3-listings.ts";
import type { ObjectHistory, ObjectVersion, VersionLock } from "./store.ts";

const LOCK_MODES: ReadonlyMap<string, VersionLock["mode"]> = new Map([
  ["GOVERNANCE", "governance"],
  ["COMPLIANCE", "compliance"],
]);

/** What S3 calls the only version of an object in a bucket that keeps none. */
const NO_VERSION = "null";

/**
 * The versions that an S3 bucket keeps below a prefix (`root`, empty or ending in a slash).
 *
 * `versionId` needs s3:GetObject, as the store does; the rest s3:ListBucketVersions on the bucket and
 * s3:GetObjectVersion on its objects, which the exporter does not have; `lock` also s3:GetObjectRetention and
 * s3:GetObjectLegalHold, without which nothing is told; `remove` s3:DeleteObjectVersion, and
 * s3:BypassGovernanceRetention (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html).
 */
export class S3History implements ObjectHistory {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #root: string;

  constructor(client: S3Client, bucket: string, root: string) {
    this.#client = client;
    this.#bucket = bucket;
    this.#root = root;
  }

  async versionId(key: string): Promise<string | null> {
    try {
      const head = await this.#client.send(new HeadObjectCommand(this.#object(key)));
      return head.VersionId === NO_VERSION ? null : (head.VersionId ?? null);
    } catch (error) {
      if (isMissingObject(error)) return null;
      throw unreachable("s3:GetObject", this.#addressOf(key), error);
    }
  }

  async mayList(): Promise<boolean> {
    try {
      await versionPages(this.#client, { Bucket: this.#bucket, Prefix: this.#root, MaxKeys: 1 }).next();
      return true;
    } catch (error) {
      if (isDenied(error)) return false;
      throw unreachable("s3:ListBucketVersions", `s3://${this.#bucket}/${this.#root}`, error);
    }
  }

  async *list(prefix: string): AsyncGenerator<ObjectVersion> {
    const Prefix = this.#root + prefix;
    try {
      for await (const page of versionPages(this.#client, { Bucket: this.#bucket, Prefix }))
        yield* this.#versionsIn(page);
    } catch (error) {
      throw unreachable("s3:ListBucketVersions", `s3://${this.#bucket}/${Prefix}`, error);
    }
  }

  async *read(key: string, versionId: string): AsyncGenerator<Buffer> {
    try {
      const answer = await this.#client.send(new GetObjectCommand({ ...this.#object(key), VersionId: versionId }));
      if (answer.Body instanceof Readable) yield* answer.Body;
    } catch (error) {
      const where = `${this.#addressOf(key)}, version ${versionId},`;
      if (isMissingObject(error)) throw gone(where);
      throw unreachable("s3:GetObjectVersion", where, error);
    }
  }

  async lock(key: string, versionId: string): Promise<VersionLock | null> {
    try {
      const head = await this.#client.send(new HeadObjectCommand({ ...this.#object(key), VersionId: versionId }));
      if (head.ObjectLockLegalHoldStatus === "ON") return { mode: "legal hold", until: null };
      const mode = LOCK_MODES.get(head.ObjectLockMode ?? "");
      return mode === undefined ? null : { mode, until: head.ObjectLockRetainUntilDate?.getTime() ?? null };
    } catch (error) {
      throw unreachable("s3:GetObjectVersion", `${this.#addressOf(key)}, version ${versionId},`, error);
    }
  }

  async remove(key: string, versionId: string): Promise<void> {
    const version = { ...this.#object(key), VersionId: versionId, BypassGovernanceRetention: true };
    try {
      await this.#client.send(new DeleteObjectCommand(version));
    } catch (error) {
      throw unreachable("s3:DeleteObjectVersion", `${this.#addressOf(key)}, version ${versionId},`, error);
    }
  }

  #versionsIn({ versions, deleteMarkers }: VersionPage): ObjectVersion[] {
    const all = [
      ...versions.map((version) => ({ ...version, isDeleteMarker: false })),
      ...deleteMarkers.map((marker) => ({ ...marker, isDeleteMarker: true })),
    ];
    return all
      .map(({ Key, VersionId = NO_VERSION, IsLatest, LastModified, isDeleteMarker }) => ({
        key: Key.slice(this.#root.length),
        versionId: VersionId,
        isDeleteMarker,
        isCurrent: IsLatest === true,
        writtenAt: LastModified?.getTime() ?? 0,
      }))
      .sort((one, other) => (one.key < other.key ? -1 : Number(one.key > other.key)));
  }

  #object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#root + checkedKey(key) };
  }

  #addressOf(key: string): string {
    return `s3://${this.#bucket}/${this.#root}${key}`;
  }
}

function gone(where: string): ExporterError {
  const message = `${where} was there, and is not any more. Run again; the bucket's access logs say who deleted it.`;
  return new ExporterError("ERR_ARCHIVE_OBJECT_MISSING", message);
}
