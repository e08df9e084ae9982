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

/** The body, within the limit. A leading byte order mark is dropped, as RFC 8259, section 8.1 allows. */
export async function readBody(response: Dispatcher.ResponseData): Promise<Buffer> {
  const body = await decoded(response);
  return body.subarray(0, 3).equals(BYTE_ORDER_MARK) ? body.subarray(3) : body;
}

async function decoded(response: Dispatcher.ResponseData): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    const buffer = chunk as Buffer;
    bytes += buffer.length;
    if (bytes > LARGEST_ANSWER_BYTES) throw tooLarge();
    chunks.push(buffer);
  }
  const encoding = String(response.headers["content-encoding"] ?? "identity").toLowerCase();
  const body = Buffer.concat(chunks);
  if (encoding === "identity" || body.length === 0) return body;
  if (!Object.hasOwn(decompress, encoding)) {
    const message = "Kore's answer is encoded in an unknown way, although only gzip was offered.";
    throw new KoreFailure(
      "strange",
      new ExporterError("ERR_KORE_NOT_THE_API", `${message} Check any proxy in between.`),
    );
  }
  const unpack = decompress[encoding as keyof typeof decompress];
  return unpack(body, { maxOutputLength: LARGEST_ANSWER_BYTES });
}

function tooLarge(): KoreFailure {
  const limit = LARGEST_ANSWER_BYTES / 1024 / 1024;
  const message = `An answer of Kore is larger than ${limit} MiB. Set KORE_PAGE_SIZE lower.`;
  return new KoreFailure("final", new ExporterError("ERR_KORE_ANSWER_TOO_LARGE", message));
}

/** TLS errors that stay until somebody changes a certificate. */
const LASTING = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_TLS|ERR_SSL/;

/** Whatever went wrong below the API, as a failure. What is not known is a defect, and is not retried. */
export function connectionFailure(error: unknown, timedOutAfterMs: number | null): KoreFailure {
  if (error instanceof KoreFailure) return error;
  if (timedOutAfterMs !== null) {
    const message = `Kore gave no whole answer within ${timedOutAfterMs / 1000} s. Run again later, or raise KORE_REQUEST_TIMEOUT_SECONDS.`;
    return new KoreFailure("passing", new ExporterError("ERR_KORE_UNAVAILABLE", message, { cause: error }));
  }
  const code = String((error as { code?: unknown } | null)?.code ?? "");
  if (code === "ERR_BUFFER_TOO_LARGE") return tooLarge();
  if (error instanceof ExporterError) return new KoreFailure("final", error);
  const reason = error instanceof Error ? error.message || code : String(error);
  if (LASTING.test(code)) {
    const message = `No safe connection to Kore: ${reason}. Check KORE_HOST and its certificate (NODE_EXTRA_CA_CERTS for an own authority).`;
    return new KoreFailure("final", new ExporterError("ERR_KORE_UNAVAILABLE", message, { cause: error }));
  }
  if (/^(E[A-Z]|UND_ERR_|Z_|HPE_)/.test(code)) {
    const message = `The connection to Kore failed: ${reason} (${code}). Run again later; check KORE_HOST if it stays so.`;
    return new KoreFailure("passing", new ExporterError("ERR_KORE_UNAVAILABLE", message, { cause: error }));
  }
  return new KoreFailure(
    "final",
    new ExporterError("ERR_INTERNAL", `unexpected: ${reason}. Please report this with the stack trace.`, {
      cause: error,
    }),
  );
}
