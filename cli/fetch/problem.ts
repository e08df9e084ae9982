import type { ErrorCode } from "../../functions/exporter/errors.ts";

/** Why what was written may not be what Kore holds. */
export interface FetchProblem {
  readonly code: ErrorCode;
  readonly message: string;
}
