import type { IncomingHttpHeaders } from "node:http";
import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";
import type { Dispatcher } from "undici";
import { ExporterError } from "../errors.ts";
import { KoreFailure } from "./failure.ts";

/** Largest answer that is read, in bytes, before and after decompression. */
const LARGEST_ANSWER_BYTES = 64 * 1024 * 1024;

const decompress = {
  gzip: promisify(gunzip),
  "x-gzip": promisify(gunzip),
  br: promisify(brotliDecompress),
  deflate: promisify(inflate),
};

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** An answer, received to its last byte. */
export interface WholeResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * Sends a request and waits for the whole answer, at most so long from now on. Its body is decompressed, and has no
 * leading byte order mark, as RFC 8259, section 8.1 allows.
 *
 * Rejects with a `KoreFailure` where time or size run out, with the signal's reason, or with what went wrong below HTTP.
 */
export async function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<WholeResponse> {
  signal.throwIfAborted();
  const sent = await new Promise<WholeResponse>((resolve, reject) => {
    dispatcher.dispatch(request, new Gathering(timeoutMs, signal, resolve, reject));
  });
  const body = await decoded(sent);
  return { ...sent, body: body.subarray(0, 3).equals(BYTE_ORDER_MARK) ? body.subarray(3) : body };
}

/** Gathers the parts of one answer. undici's streams do that too, but cost more than all the rest of an exchange. */
class Gathering implements Dispatcher.DispatchHandler {
  readonly #signal: AbortSignal;
  readonly #resolve: (response: WholeResponse) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  readonly #interrupt = () => this.#end(this.#signal.reason);
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #controller: Dispatcher.DispatchController | null = null;
  /** Why it ended before the answer was whole. */
  #reason: Error | null = null;

  constructor(
    timeoutMs: number,
    signal: AbortSignal,
    resolve: (response: WholeResponse) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(() => this.#end(tooLate(timeoutMs)), timeoutMs);
    signal.addEventListener("abort", this.#interrupt);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#reason !== null) controller.abort(this.#reason);
  }

  /** Comes once more for each answer that is only informational; the last one counts. */
  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > LARGEST_ANSWER_BYTES) this.#end(tooLarge());
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#settle();
    this.#resolve({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks) });
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#settle();
    this.#reject(error);
  }

  #end(reason: Error): void {
    this.#reason = reason;
    this.#settle();
    this.#reject(reason);
    this.#controller?.abort(reason);
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this.#interrupt);
  }
}

async function decoded({ headers, body }: WholeResponse): Promise<Buffer> {
  const encoding = String(headers["content-encoding"] ?? "identity").toLowerCase();
  if (encoding === "identity" || body.length === 0) return body;
  if (!Object.hasOwn(decompress, encoding)) {
    const message = "Kore's answer is encoded in an unknown way, although only gzip was offered.";
    throw new KoreFailure(
      "strange",
      new ExporterError("ERR_KORE_NOT_THE_API", `${message} Check any proxy in between.`),
    );
  }
  const unpack = decompress[encoding as keyof typeof decompress];
  return unpack(body, { maxOutputLength: LARGEST_ANSWER_BYTES }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ERR_BUFFER_TOO_LARGE" ? tooLarge() : error;
  });
}

function tooLate(timeoutMs: number): KoreFailure {
  const message = `Kore gave no whole answer within ${timeoutMs / 1000} s. Run again later, or raise KORE_REQUEST_TIMEOUT_SECONDS.`;
  return new KoreFailure("passing", new ExporterError("ERR_KORE_UNAVAILABLE", message));
}

function tooLarge(): KoreFailure {
  const limit = LARGEST_ANSWER_BYTES / 1024 / 1024;
  const message = `An answer of Kore is larger than ${limit} MiB. Set KORE_PAGE_SIZE lower.`;
  return new KoreFailure("final", new ExporterError("ERR_KORE_ANSWER_TOO_LARGE", message));
}
