/**
 * Time-outs, in milliseconds, for AWS services that answer in a moment: without them, a network that swallows packets
 * holds a run for ever. The SDK's own retries come on top.
 */
export const SMALL_REQUESTS = {
  connectionTimeout: 5_000,
  requestTimeout: 20_000,
  throwOnRequestTimeout: true,
} as const;
