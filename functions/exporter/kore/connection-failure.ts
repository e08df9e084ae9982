import { ExporterError } from "../errors.ts";
import { KoreFailure } from "./failure.ts";

/** TLS errors that stay until somebody changes a certificate. */
const LASTING = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_TLS|ERR_SSL/;

/** Codes of Node's network, of undici, of zlib and of HTTP's parser, which is mostly known by its name alone. */
const PASSING = /^(E[A-Z]|UND_ERR_|Z_|HPE_)|^HTTPParserError$/;

/** Whatever went wrong below the API, as a failure. What is not known is a defect, and is not retried. */
export function connectionFailure(error: unknown): KoreFailure {
  if (error instanceof KoreFailure) return error;
  const { code: given, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown };
  const code = String(given ?? name ?? "");
  if (error instanceof ExporterError) return new KoreFailure("final", error);
  const reason = error instanceof Error ? error.message || code : String(error);
  if (LASTING.test(code)) {
    const message = `No safe connection to Kore: ${reason}. Check KORE_HOST and its certificate (NODE_EXTRA_CA_CERTS for an own authority).`;
    return new KoreFailure("final", new ExporterError("ERR_KORE_UNAVAILABLE", message, { cause: error }));
  }
  if (PASSING.test(code)) {
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
