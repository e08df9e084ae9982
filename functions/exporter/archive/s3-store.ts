import { createWriteStream } from "node:fs";
import { readFile, rename, rm, stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import {
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { PREFIXES } from "../contract.ts";
import { ExporterError } from "../errors.ts";
import { checkedKey } from "./key.ts";
import { listedKey } from "./listing.ts";
import { compositeSha256, promisedBytes } from "./local-file.ts";
import {
  isDenied,
  isFinishedUpload,
  isLostCondition,
  isMissingObject,
  reasonOf,
  unreachable,
  wasRetried,
} from "./s3-failure.ts";
import { S3History } from "./s3-history.ts";
import { NoListing, namesBelow, objectPages } from "./s3-listings.ts";
import {
  type ArchiveStore,
  type Listed,
  type LocalFile,
  MOST_BYTES_READ,
  type StoredObject,
  tooLarge,
  type Version,
} from "./store.ts";

export type { S3Client } from "@aws-sdk/client-s3";

const MEBIBYTE = 1024 * 1024;
/** A body that breaks off while it is read is asked for again; the SDK itself only repeats requests. */
const READ_ATTEMPTS = 3;

export interface S3StoreOptions {
  /** Stays open when the store is closed. Without it, the store makes its own from the AWS variables. */
  readonly client?: S3Client;
  /** Files larger than this are sent in parts. Until then a file is held in memory, so that it can be sent again. */
  readonly multipartAboveBytes?: number;
  /** At least 5 MiB (S3's limit). `holds` recognises a file only if it was sent in parts of this size. */
  readonly partBytes?: number;
}

/**
 * An archive under a prefix of an S3 bucket. A version is the object's ETag.
 *
 * Every object is stored with its SHA-256, which S3 verifies on arrival and Object Lock demands; in a file sent in
 * parts it is a hash of the parts' hashes
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html).
 * Needs s3:GetObject, s3:PutObject and s3:AbortMultipartUpload on the prefix and s3:ListBucket on the bucket.
 */
export class S3Store implements ArchiveStore {
  readonly location: string;
  readonly excludesOthers = false;
  readonly history: S3History;
  private readonly bucket: string;
  private readonly root: string;
  private readonly client: S3Client;
  private readonly ownsClient: boolean;
  private readonly multipartAboveBytes: number;
  private readonly partBytes: number;

  /** `prefix` without slashes at its ends; empty for the whole bucket. */
  constructor(bucket: string, prefix: string, options: S3StoreOptions = {}) {
    this.bucket = bucket;
    this.root = prefix === "" ? "" : `${prefix}/`;
    this.location = prefix === "" ? `s3://${bucket}` : `s3://${bucket}/${prefix}`;
    this.client = options.client ?? newClient();
    this.history = new S3History(this.client, bucket, this.root);
    this.ownsClient = options.client === undefined;
    this.multipartAboveBytes = options.multipartAboveBytes ?? 64 * MEBIBYTE;
    this.partBytes = options.partBytes ?? 16 * MEBIBYTE;
  }

  async read(key: string): Promise<StoredObject | null> {
    return this.retrieve(key, async (body, version, bytes) => {
      if (bytes > MOST_BYTES_READ) throw tooLarge(this.addressOf(key), bytes);
      return { body: await buffer(body), version };
    });
  }

  async version(key: string): Promise<Version | null> {
    const head = await this.head(key);
    return head && this.etagOf(key, head);
  }

  async writeIf(key: string, body: Buffer, expected: Version | null): Promise<Version> {
    const condition = expected === null ? { IfNoneMatch: "*" } : { IfMatch: expected };
    try {
      const put = { ...this.object(key), ...condition, Body: body, ChecksumAlgorithm: "SHA256" } as const;
      return this.etagOf(key, await this.client.send(new PutObjectCommand(put)));
    } catch (error) {
      if (!isLostCondition(error)) throw unreachable("s3:PutObject", this.addressOf(key), error);
      // The answer to a first attempt may have been lost: the condition then fails because of our own write.
      const stored = wasRetried(error) ? await this.read(key) : null;
      if (stored?.body.equals(body)) return stored.version;
      throw this.changed(key, error);
    }
  }

  async writeFile(key: string, file: LocalFile, signal?: AbortSignal): Promise<void> {
    try {
      if (file.bytes > this.multipartAboveBytes) await this.putInParts(key, file, signal);
      else await this.putWhole(key, file, signal);
    } catch (error) {
      throw unreachable("s3:PutObject", this.addressOf(key), error);
    }
  }

  async holds(key: string, file: LocalFile): Promise<boolean> {
    const head = await this.head(key);
    if (head?.ContentLength !== file.bytes || head.ChecksumSHA256 === undefined) return false;
    if (head.ChecksumType !== "COMPOSITE") return head.ChecksumSHA256 === base64Of(file);
    return head.ChecksumSHA256 === (await compositeSha256(file, this.partBytes));
  }

  async download(key: string, path: string, mostBytes = Number.POSITIVE_INFINITY): Promise<number> {
    const partial = `${path}.partial`;
    try {
      const bytes = await this.retrieve(key, async (body, _version, size) => {
        if (size > mostBytes) throw tooLarge(this.addressOf(key), size, mostBytes);
        await pipeline(body, createWriteStream(partial));
        await rename(partial, path);
        return (await stat(path)).size;
      });
      if (bytes === null) throw this.missing(key);
      return bytes;
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }

  /** Everything below the prefix, also keys that this program would never write. */
  async *list(prefix: string): AsyncGenerator<Listed> {
    const Prefix = this.root + prefix;
    try {
      for await (const objects of objectPages(this.client, { Bucket: this.bucket, Prefix })) {
        for (const { Key } of objects) yield listedKey(Key.slice(this.root.length));
      }
    } catch (error) {
      throw unreachable("s3:ListBucket", `s3://${this.bucket}/${Prefix}`, error);
    }
  }

  async listRoot(): Promise<string[] | null> {
    try {
      const names = await namesBelow(this.client, { Bucket: this.bucket, Prefix: this.root });
      return names.map((name) => name.slice(this.root.length)).sort();
    } catch (error) {
      if (isDenied(error)) return null;
      throw unreachable("s3:ListBucket", `s3://${this.bucket}/${this.root}`, error);
    }
  }

  /** Runs `work` at once: S3 has no lock that dies with its holder. */
  async exclusively<T>(work: () => Promise<T>, _signal?: AbortSignal): Promise<T> {
    return work();
  }

  /**
   * Asks for one ledger record of the listing (the exporter's role may list below the archive's folders only), which
   * finds out that the bucket exists, answers with these credentials, and may be listed. It cannot know whether
   * s3:PutObject and the KMS key are allowed: only a put would tell, and what is put cannot be taken away again.
   */
  async checkWritable(): Promise<void> {
    const Prefix = `${this.root}${PREFIXES.exports}/`;
    try {
      await objectPages(this.client, { Bucket: this.bucket, Prefix, MaxKeys: 1 }).next();
    } catch (error) {
      if (error instanceof NoListing) throw unreachable("s3:ListBucket", `s3://${this.bucket}/${Prefix}`, error);
      throw new ExporterError(
        "ERR_ARCHIVE_NOT_WRITABLE",
        `the archive ${this.location} does not answer: ${reasonOf(error, "s3:ListBucket")}.`,
        { cause: error },
      );
    }
  }

  close(): void {
    if (this.ownsClient) this.client.destroy();
  }

  private object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.bucket, Key: this.root + checkedKey(key) };
  }

  private addressOf(key: string): string {
    return `s3://${this.bucket}/${this.root}${key}`;
  }

  private async head(key: string): Promise<HeadObjectCommandOutput | null> {
    try {
      return await this.client.send(new HeadObjectCommand({ ...this.object(key), ChecksumMode: "ENABLED" }));
    } catch (error) {
      if (isMissingObject(error)) return null;
      throw unreachable("s3:GetObject", this.addressOf(key), error);
    }
  }

  /** What `consume` makes of the object's body, or null where there is none; `consume` may run more than once. */
  private async retrieve<T>(
    key: string,
    consume: (body: Readable, version: Version, bytes: number) => Promise<T>,
  ): Promise<T | null> {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.get(key);
      if (answer === null) return null;
      try {
        return await consume(answer.body, answer.version, answer.bytes);
      } catch (error) {
        answer.body.destroy();
        if (attempt === READ_ATTEMPTS || error instanceof ExporterError)
          throw unreachable("s3:GetObject", this.addressOf(key), error);
      }
    }
  }

  private async get(key: string): Promise<{ body: Readable; version: Version; bytes: number } | null> {
    try {
      const answer = await this.client.send(new GetObjectCommand(this.object(key)));
      if (!(answer.Body instanceof Readable)) throw new Error("the answer has no body");
      return { body: answer.Body, version: this.etagOf(key, answer), bytes: answer.ContentLength ?? 0 };
    } catch (error) {
      if (isMissingObject(error)) return null;
      throw unreachable("s3:GetObject", this.addressOf(key), error);
    }
  }

  /** Sent from memory: the SDK does not repeat a request whose body is a stream. */
  private async putWhole(key: string, file: LocalFile, signal?: AbortSignal): Promise<void> {
    const checksum = { ChecksumAlgorithm: "SHA256", ChecksumSHA256: base64Of(file) } as const;
    const put = { ...this.object(key), ...checksum, Body: await readFile(file.path) };
    await this.client.send(new PutObjectCommand(put), signal ? { abortSignal: signal } : {});
  }

  private async putInParts(key: string, file: LocalFile, signal?: AbortSignal): Promise<void> {
    const body = { Body: Readable.from(promisedBytes(file)), ContentLength: file.bytes };
    const params = { ...this.object(key), ...body, ChecksumAlgorithm: "SHA256" } as const;
    try {
      const upload = new Upload({ client: this.client, params, partSize: this.partBytes, queueSize: 4 });
      signal?.addEventListener("abort", () => void upload.abort(), { once: true });
      await upload.done();
    } catch (error) {
      // The answer that completed the upload was lost, and the repeated request finds it gone.
      if (!isFinishedUpload(error) || !(await this.holds(key, file))) throw error;
    }
  }

  private etagOf(key: string, answer: { ETag?: string | undefined }): Version {
    if (answer.ETag !== undefined) return answer.ETag;
    throw unreachable("s3:GetObject", this.addressOf(key), new Error("the answer has no ETag"));
  }

  private changed(key: string, cause: unknown): ExporterError {
    return new ExporterError(
      "ERR_ARCHIVE_CHANGED",
      `${this.addressOf(key)} was changed by another run in the meantime, and was left as that run wrote it. Run again.`,
      { cause },
    );
  }

  private missing(key: string): ExporterError {
    return new ExporterError(
      "ERR_ARCHIVE_OBJECT_MISSING",
      `${this.addressOf(key)} does not exist. Restore an earlier version of it, or export its day again.`,
    );
  }
}

/** Requests that hang are given up, so that the SDK can repeat them. */
function newClient(): S3Client {
  return new S3Client({ requestHandler: { connectionTimeout: 5_000, socketTimeout: 60_000 } });
}

function base64Of(file: LocalFile): string {
  return Buffer.from(file.sha256, "hex").toString("base64");
}
