/** AWS answers in less than a second; a network that swallows requests never does. */
export const AWS_DEADLINE_MS = 10_000;

/** For AWS clients that only ask: two attempts, each given up early. */
export const QUICK_CLIENT = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 3_000, socketTimeout: 5_000 },
} as const;

/**
 * What asking AWS comes to, if it does so in time; else rejects with a sentence. The work itself goes on: for clients
 * that cannot be told to stop.
 */
export async function inTime<T>(work: Promise<T>, ms: number, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const interrupted = () => reject(signal.reason);
  signal.addEventListener("abort", interrupted, { once: true });
  const timer = setTimeout(() => reject(new Error(`AWS gave no answer within ${ms / 1_000} s.`)), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", interrupted);
  }
}
