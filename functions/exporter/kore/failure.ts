import type { ExporterError } from "../errors.ts";

/**
 * How a failed attempt is to be met:
 * - `passing`: the network, a time-out, 408, 429, 5xx, an answer cut short: the same request may work in a moment;
 * - `strange`: a whole answer that is not the API's, such as a proxy's page: asked again twice;
 * - `unauthorized`: 401: once more if the secret has been rotated since it was read;
 * - `final`: asking again cannot help.
 */
export type FailureKind = "passing" | "strange" | "unauthorized" | "final";

/** One failed attempt: its kind, the error to raise should it be the last, and how long the server asks to wait. */
export class KoreFailure extends Error {
  override readonly name = "KoreFailure";
  readonly kind: FailureKind;
  readonly error: ExporterError;
  readonly retryAfterMs: number | null;

  constructor(kind: FailureKind, error: ExporterError, retryAfterMs: number | null = null) {
    super(error.message, { cause: error });
    this.kind = kind;
    this.error = error;
    this.retryAfterMs = retryAfterMs;
  }
}
