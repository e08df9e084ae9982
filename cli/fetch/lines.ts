import type { WireSession } from "../../functions/exporter/kore/wire.ts";
import type { Output } from "../io.ts";
import { asLine } from "./line.ts";

/** Sessions on their way to stdout, one a line, up to a limit. */
export class Lines {
  readonly #output: Output;
  readonly #limit: number;
  #written = 0;

  /** `limit`: the most lines; null: no limit. */
  constructor(output: Output, limit: number | null) {
    this.#output = output;
    this.#limit = limit ?? Number.POSITIVE_INFINITY;
  }

  /** How many more lines may be written. */
  get room(): number {
    return this.#limit - this.#written;
  }

  /** Writes the sessions, as far as there is room. */
  write(sessions: readonly WireSession[]): void {
    const written = sessions.slice(0, this.room);
    this.#written += written.length;
    if (written.length > 0) this.#output.write(written.map(({ raw }) => `${asLine(raw)}\n`).join(""));
  }

  /**
   * Resolves once the reader can take more, so that a slow one holds back the requests, and not memory. Rejects with the
   * signal's reason once that is aborted: a reader may never take more.
   */
  async drained(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await Promise.race([this.#output.drained?.(), aborted.promise]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}
