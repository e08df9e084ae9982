import type { StoreRequests } from "./memory-store.ts";
import type { ExecutionUse } from "./modelled-execution.ts";

/** Memory of the function: 1,769 MB, which is one processor. */
const MEMORY_GB = 1_769 / 1_024;

/** List prices of us-east-1 in dollars, the function on arm64: those of docs/cost.md. */
export const PRICES = {
  gbSecond: 0.000_013_333_4,
  invocation: 0.2 / 1e6,
  durableOperation: 8 / 1e6,
  durableGbWritten: 0.25,
  s3PutOrList: 0.005 / 1_000,
  s3GetOrHead: 0.000_4 / 1_000,
} as const;

/** What some executions used together, and what it costs. */
export interface Bill {
  readonly executions: number;
  readonly operations: number;
  /** Of the execution that had the most. */
  readonly mostOperations: number;
  readonly bytesWritten: number;
  readonly invocations: number;
  readonly gbSeconds: number;
  readonly longestInvocationMs: number;
  readonly longestStepMs: number;
  readonly longestStep: string;
  readonly s3PutsAndLists: number;
  readonly s3GetsAndHeads: number;
  readonly dollars: { readonly lambda: number; readonly durable: number; readonly s3: number; readonly total: number };
}

/** Adds executions and the requests to buckets up. */
export function billOf(uses: readonly ExecutionUse[], stores: readonly StoreRequests[]): Bill {
  const sum = (of: (use: ExecutionUse) => number) => uses.reduce((total, use) => total + of(use), 0);
  const most = (of: (use: ExecutionUse) => number) => uses.reduce((known, use) => Math.max(known, of(use)), 0);
  const operations = sum((use) => use.operations);
  const bytesWritten = sum((use) => use.bytesWritten);
  const invocations = sum((use) => use.invocations);
  const gbSeconds = (sum((use) => use.activeMs) / 1_000) * MEMORY_GB;
  const s3PutsAndLists = stores.reduce((total, { put, list }) => total + put + list, 0);
  const s3GetsAndHeads = stores.reduce((total, { get, head }) => total + get + head, 0);
  const longestStepMs = most((use) => use.longestStepMs);
  const lambda = gbSeconds * PRICES.gbSecond + invocations * PRICES.invocation;
  const durable = operations * PRICES.durableOperation + (bytesWritten / 1e9) * PRICES.durableGbWritten;
  const s3 = s3PutsAndLists * PRICES.s3PutOrList + s3GetsAndHeads * PRICES.s3GetOrHead;
  return {
    executions: uses.length,
    operations,
    mostOperations: most((use) => use.operations),
    bytesWritten,
    invocations,
    gbSeconds,
    longestInvocationMs: most((use) => use.longestInvocationMs),
    longestStepMs,
    longestStep: uses.find((use) => use.longestStepMs === longestStepMs)?.longestStep ?? "",
    s3PutsAndLists,
    s3GetsAndHeads,
    dollars: { lambda, durable, s3, total: lambda + durable + s3 },
  };
}
