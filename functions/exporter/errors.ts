/**
 * Every error and every problem this program can name, in one place.
 *
 * A code is stable: dashboards, runbooks and scripts rely on it. The exit code follows from it. Some codes are never
 * thrown: they are `problems` of a ledger record, which say why a day is not simply complete.
 */
export const ERRORS = {
  ERR_SETTINGS: { exitCode: 2, meaning: "A setting or an argument is missing or wrong." },
  ERR_SECRET_UNREADABLE: { exitCode: 2, meaning: "The secret with Kore's credentials could not be read." },
  ERR_ARCHIVE_NOT_WRITABLE: { exitCode: 2, meaning: "The archive's folder or bucket cannot be written." },
  ERR_TIME_ZONE_DIFFERS: { exitCode: 2, meaning: "The archive's days are those of another time zone." },
  ERR_QUERY: { exitCode: 2, meaning: "DuckDB could not run the query." },

  ERR_KORE_UNAUTHORIZED: { exitCode: 1, meaning: "Kore did not accept the credentials or their scope (401)." },
  ERR_KORE_REFUSED: { exitCode: 1, meaning: "Kore refused the request for good (another 4xx)." },
  ERR_KORE_RATE_LIMITED: { exitCode: 1, meaning: "Kore kept answering 429 although the quota was respected." },
  ERR_KORE_UNAVAILABLE: { exitCode: 1, meaning: "Kore could not be reached, or kept failing, through all retries." },
  ERR_KORE_REDIRECTED: { exitCode: 1, meaning: "Kore's address redirects elsewhere; redirects are not followed." },
  ERR_KORE_NOT_THE_API: { exitCode: 1, meaning: "What answered is not the Sessions History API." },
  ERR_KORE_ENCRYPTED: { exitCode: 1, meaning: "Kore encrypts the payloads of this app." },
  ERR_KORE_ANSWER_TOO_LARGE: { exitCode: 1, meaning: "An answer was larger than the limit for one page." },

  ERR_ARCHIVE_CHANGED: { exitCode: 1, meaning: "Another run changed the archive at the same time." },
  ERR_ARCHIVE_UNREACHABLE: { exitCode: 1, meaning: "The archive could not be read or written." },
  ERR_ARCHIVE_OBJECT_MISSING: { exitCode: 1, meaning: "A file that the ledger lists is not in the archive." },
  ERR_LEDGER_UNREADABLE: { exitCode: 1, meaning: "A ledger record is damaged, or from a newer version." },
  ERR_SCRATCH_NOT_WRITABLE: { exitCode: 1, meaning: "A temporary file could not be written; the disk may be full." },
  ERR_PUBLISH_DEADLINE: { exitCode: 1, meaning: "Publishing a day took longer than its deadline." },
  ERR_STEP_DEADLINE: { exitCode: 1, meaning: "A step of a deployed run took longer than its deadline." },
  ERR_SOURCE_BUSY: { exitCode: 0, meaning: "Another run is at work on this source; this one leaves it alone." },
  ERR_FUNCTION_FAILED: { exitCode: 1, meaning: "The deployed function could not be asked, or it failed." },
  ERR_INTERNAL: { exitCode: 1, meaning: "A defect in this program." },
  ERR_INTERRUPTED: { exitCode: 130, meaning: "The run was interrupted." },

  ERR_EXPORT_UNFINISHED: { exitCode: 1, meaning: "The day's files are being replaced, or a run died doing so." },
  ERR_NOT_RECONCILED: { exitCode: 1, meaning: "What was read does not equal the totals that the API reports." },
  ERR_TOTALS_MISSING: { exitCode: 1, meaning: "The API reported no usable totals, so nothing can be proven." },
  ERR_WINDOW_IGNORED: { exitCode: 1, meaning: "The API returned sessions that it was not asked for." },
  ERR_UNFILTERED_REFUSED: { exitCode: 0, meaning: "The API refuses to count without a containment type." },
  ERR_ROWS_REJECTED: { exitCode: 0, meaning: "Sessions without a usable id or start time were set aside." },
  ERR_ROW_WITHOUT_ID: { exitCode: 0, meaning: "A rejected row: it has no usable session id." },
  ERR_ROW_WITHOUT_START_TIME: { exitCode: 0, meaning: "A rejected row: it has no usable start time." },
  ERR_ROW_OUTSIDE_WINDOW: { exitCode: 1, meaning: "A rejected row: it started outside the window asked for." },
  ERR_ROW_OF_ANOTHER_BOT: { exitCode: 1, meaning: "A rejected row: it belongs to another bot than the one asked for." },
  ERR_SESSIONS_GONE: { exitCode: 0, meaning: "Kore holds fewer sessions than the archive; the archive keeps its own." },
} as const satisfies Record<string, { readonly exitCode: number; readonly meaning: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** True for a code that means failure, and not just something worth knowing. Codes of other versions do not count. */
export function isFailure(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code) && ERRORS[code as ErrorCode].exitCode !== 0;
}

/**
 * An error with a stable code. Its message says what happened, where, and what to do next, and never holds a secret
 * or a token.
 */
export class ExporterError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    // What logs, and Lambda's answer to a caller, show of an error besides its message.
    this.name = code;
  }
}

/** Several wrong settings at once: every problem of a run is told together, one line each. */
export class SettingsError extends ExporterError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super("ERR_SETTINGS", problems.join("\n"));
    this.problems = problems;
  }
}

/** The error as one of ours; what is unknown becomes `ERR_INTERNAL` with its cause kept. */
export function asExporterError(error: unknown): ExporterError {
  if (error instanceof ExporterError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ExporterError("ERR_INTERNAL", `unexpected: ${message}. Please report this with the stack trace.`, {
    cause: error,
  });
}
