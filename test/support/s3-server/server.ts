import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { S3State } from "./api.ts";
import { Bucket } from "./bucket.ts";
import { exchange, type LoggedRequest } from "./exchange.ts";
import { type Denial, type Fault, type Policy, Trouble } from "./faults.ts";

/**
 * Speaks S3's HTTP API over loopback (path-style), so that the AWS SDK itself is what a test exercises. Buckets are
 * versioned. Signatures are not verified; everything else that S3 refuses and this program could run into is refused.
 */
export interface S3Server {
  readonly url: string;
  /** What an S3 client needs to talk to this server. */
  readonly clientSettings: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  /** Every request so far, in the order of the answers. */
  readonly requests: readonly LoggedRequest[];
  createBucket(name: string, options?: { readonly objectLock?: boolean }): Bucket;
  /** Throws if there is no such bucket. */
  bucket(name: string): Bucket;
  /** Returns what ends the fault. */
  fail(fault: Fault): () => void;
  /** Returns what lifts the denial. */
  deny(denial: Denial): () => void;
  /** From now on only what the policy allows is allowed; returns what lifts it. */
  allowOnly(policy: Policy): () => void;
  close(): Promise<void>;
}

export interface S3ServerOptions {
  /** Most entries in one page of a listing; 1,000 as in S3 if not said. */
  readonly pageSize?: number;
  /** Milliseconds since 1970; the machine's clock if not said. */
  readonly now?: () => number;
}

export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const buckets = new Map<string, Bucket>();
  const requests: LoggedRequest[] = [];
  const trouble = new Trouble();
  const createBucket: S3Server["createBucket"] = (name, { objectLock = false } = {}) => {
    const bucket = new Bucket(name, objectLock, options.now ?? Date.now);
    buckets.set(name, bucket);
    return bucket;
  };
  const state: S3State = { buckets, trouble, createBucket, pageSize: options.pageSize ?? 1000 };
  const server = createServer((incoming, response) => {
    exchange(state, incoming, response).then(
      (logged) => requests.push(logged),
      (error: unknown) => response.destroy(error as Error),
    );
  });
  const url = await listen(server);
  return {
    url,
    clientSettings: {
      endpoint: url,
      region: "us-east-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    },
    requests,
    createBucket,
    bucket(name) {
      const bucket = buckets.get(name);
      if (!bucket) throw new Error(`there is no bucket ${name}`);
      return bucket;
    },
    fail: (fault) => trouble.fail(fault),
    deny: (denial) => trouble.deny(denial),
    allowOnly: (policy) => trouble.allowOnly(policy),
    close: () => stop(server),
  };
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}
