import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CONTROL_PREFIX, controlReply } from "./control.ts";
import { type Credential, Credentials } from "./credentials.ts";
import { deliver } from "./delivery.ts";
import type { Fault } from "./faults.ts";
import { refusal } from "./refusals.ts";
import { refusalReply } from "./reply.ts";
import { RollingQuota } from "./rolling-quota.ts";
import { DAY_MS } from "./session.ts";
import { SessionStore } from "./session-store.ts";
import { type RequestRecord, SessionsApi } from "./sessions-api.ts";

export type { Credential } from "./credentials.ts";
export type { Fault } from "./faults.ts";
export { CONTAINMENT_TYPES, type ContainmentType, type Session, type StoredSession } from "./session.ts";
export { ACCOUNT, type Filing, type SessionStore } from "./session-store.ts";
export { sampleSession } from "./sessions.ts";
export type { RequestRecord } from "./sessions-api.ts";

export interface StandInOptions {
  /** Default 1. The same seed gives the same sessions. */
  readonly seed?: number;
  /** Default st-support-0001 and st-sales-0002. */
  readonly bots?: readonly string[];
  /** First day (UTC) with generated sessions; none when absent. */
  readonly from?: string;
  /** Last day with generated sessions; default `from`. */
  readonly to?: string;
  /** Generated sessions of each bot on each day; default 240. */
  readonly sessionsPerDay?: number;
  /** Makes the generated sessions only when they are asked for; see SessionStore.generateLazily. */
  readonly lazy?: boolean;
  /** By bot id or "account"; "default" is for the rest. */
  readonly credentials?: Readonly<Record<string, Credential>>;
  /** Of each source, in any 60 seconds; default 60, 0 is no limit. */
  readonly requestsPerMinute?: number;
  /** Of each source, in any hour; default 1800, 0 is no limit. */
  readonly requestsPerHour?: number;
  /** The most rows of a page, whatever `limit` says; default 100. */
  readonly pageCap?: number;
  /** For quotas, tokens and default dates; default the machine's. */
  readonly clock?: { now(): number };
  /** Default: any free one. */
  readonly port?: number;
}

/** A running stand-in for Kore's Sessions History API. */
export interface StandIn {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  /** The sessions; what is changed here shows in the next answer. */
  readonly store: SessionStore;
  /** Every request that reached the API, in the order in which they were decided. */
  readonly requests: readonly RequestRecord[];
  /** Replaces the active faults; without an argument there are none. */
  misbehave(...faults: readonly Fault[]): void;
  /** From now on only `clientSecret` is accepted for the credential named `source`. */
  rotateSecret(source: string, clientSecret: string): void;
  /** Empties `requests`; the quotas keep counting. */
  resetRequests(): void;
  /** Breaks every connection and stops. */
  close(): Promise<void>;
}

export const DEFAULT_BOTS = ["st-support-0001", "st-sales-0002"] as const;
export const DEFAULT_CREDENTIAL: Credential = { clientId: "cs-demo", clientSecret: "demo-secret-of-the-stand-in" };

const LARGEST_REQUEST_BYTES = 1024 * 1024;

/** Starts a stand-in on the loopback interface. */
export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const { api, store, credentials, clock } = assemble(options);
  const server = createServer({ keepAliveTimeout: 65_000, requestTimeout: 0 }, (request, response) => {
    respond(api, store, clock, request, response).catch((error: unknown) => {
      // A stand-in that fails is a defect of the stand-in: say so, and do not pass for a fault of Kore's.
      process.stderr.write(`stand-in: ${error instanceof Error ? error.stack : String(error)}\n`);
      response.destroy();
    });
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    store,
    requests: api.requests,
    misbehave: (...faults) => api.faults.replace(faults),
    rotateSecret: (source, clientSecret) => credentials.rotate(source, clientSecret),
    resetRequests: () => {
      api.requests.length = 0;
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function assemble(options: StandInOptions) {
  const { seed = 1, bots = DEFAULT_BOTS, pageCap = 100, clock = { now: Date.now } } = options;
  const store = new SessionStore(seed, bots);
  for (const day of daysOf(options).reverse()) {
    for (const botId of bots) {
      const count = options.sessionsPerDay ?? 240;
      if (options.lazy === true) store.generateLazily(botId, day, count);
      else store.generate(botId, day, count);
    }
  }
  const credentials = new Credentials(options.credentials ?? { default: DEFAULT_CREDENTIAL });
  const quota = new RollingQuota(options.requestsPerMinute ?? 60, options.requestsPerHour ?? 1800);
  const api = new SessionsApi({ store, credentials, quota, pageCap, clock });
  return { api, store, credentials, clock };
}

function daysOf({ from, to = from }: StandInOptions): string[] {
  if (from === undefined || to === undefined) return [];
  const [firstMs, lastMs] = [Date.parse(from), Date.parse(to)];
  if (Number.isNaN(firstMs) || Number.isNaN(lastMs) || lastMs < firstMs) {
    throw new RangeError(`from "${from}" to "${to}" is not a range of days in the form yyyy-mm-dd`);
  }
  const count = Math.floor((lastMs - firstMs) / DAY_MS) + 1;
  return Array.from({ length: count }, (_, index) => new Date(firstMs + index * DAY_MS).toISOString().slice(0, 10));
}

async function respond(
  api: SessionsApi,
  store: SessionStore,
  clock: { now(): number },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader("date", new Date(clock.now()).toUTCString());
  const body = await bodyOf(request);
  if (body === undefined) return deliver(refusalReply(refusal(413, "body too large")), response);
  const { auth } = request.headers;
  const incoming = {
    method: request.method ?? "",
    url: new URL(request.url ?? "/", "http://127.0.0.1"),
    auth: typeof auth === "string" ? auth : undefined,
    contentType: request.headers["content-type"],
    body,
  };
  const control = incoming.url.pathname.startsWith(CONTROL_PREFIX);
  await deliver(control ? controlReply(api, store, incoming) : await api.reply(incoming), response);
}

/** The request's body; undefined when it is larger than any that the API takes. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= LARGEST_REQUEST_BYTES) chunks.push(chunk);
  }
  return bytes > LARGEST_REQUEST_BYTES ? undefined : Buffer.concat(chunks);
}
