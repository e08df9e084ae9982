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
  ERR_SIGNING_KEY: { exitCode: 2, meaning: "The key that signs or checks digests cannot be used." },
  ERR_HASH_KEY: { exitCode: 2, meaning: "The key of hashes is missing, or not the one that users were erased with." },
  ERR_QUERY: { exitCode: 2, meaning: "The query does more than read, or DuckDB could not run it." },

  ERR_KORE_UNAUTHORIZED: { exitCode: 1, meaning: "Kore did not accept the credentials or their scope (401)." },
  ERR_KORE_REFUSED: { exitCode: 1, meaning: "Kore refused the request for good (another 4xx)." },
  ERR_KORE_RATE_LIMITED: { exitCode: 1, meaning: "Kore kept answering 429 although the quota was respected." },
  ERR_KORE_UNAVAILABLE: { exitCode: 1, meaning: "Kore could not be reached, or kept failing, through all retries." },
  ERR_KORE_REDIRECTED: { exitCode: 1, meaning: "Kore's address redirects elsewhere; redirects are not followed." },
  ERR_KORE_NOT_THE_API: { exitCode: 1, meaning: "What answered is not the Sessions History API." },
  ERR_KORE_ENCRYPTED: { exitCode: 1, meaning: "Kore encrypts the payloads of this app." },
  ERR_KORE_ANSWER_TOO_LARGE: { exitCode: 1, meaning: "An answer was larger than the limit for one page." },
  ERR_SESSION_UNKNOWN: { exitCode: 1, meaning: "Kore does not know a session that was asked for by its id." },

  ERR_ARCHIVE_CHANGED: { exitCode: 1, meaning: "Another run changed the archive at the same time." },
  ERR_ARCHIVE_UNREACHABLE: { exitCode: 1, meaning: "The archive could not be read or written." },
  ERR_ARCHIVE_OBJECT_MISSING: { exitCode: 1, meaning: "A file that the ledger lists is not in the archive." },
  ERR_LEDGER_UNREADABLE: { exitCode: 1, meaning: "A ledger record is damaged, or from a newer version." },
  ERR_FILE_NOT_LISTED: { exitCode: 1, meaning: "A file is not the one that its ledger record lists." },
  ERR_ERASURE_UNREADABLE: { exitCode: 1, meaning: "The record of an erasure is damaged, or from a newer version." },
  ERR_DIGEST_UNREADABLE: { exitCode: 1, meaning: "A digest of the archive is from a newer version." },
  ERR_SCRATCH_NOT_WRITABLE: { exitCode: 1, meaning: "A temporary file could not be written; the disk may be full." },
  ERR_ARCHIVE_BLOCKED: { exitCode: 1, meaning: "Something that is no file is in the way of a file of the archive." },
  ERR_ARCHIVE_OBJECT_TOO_LARGE: {
    exitCode: 1,
    meaning: "An object of the archive is far larger than any of its kind.",
  },
  ERR_DIGEST_NOT_TRUSTED: { exitCode: 1, meaning: "The newest digest is not one that this run believes." },
  ERR_ERASURE_MISSING: { exitCode: 1, meaning: "The record of an erasure that digests name is not there as it was." },
  ERR_ERASURE_NOT_VOUCHED: { exitCode: 1, meaning: "No digest names the record of an erasure." },
  ERR_STATEMENT_REFUSED: { exitCode: 2, meaning: "What was to be accepted or retired would not count." },
  ERR_PUBLISH_DEADLINE: { exitCode: 1, meaning: "Publishing a day took longer than its deadline." },
  ERR_STEP_DEADLINE: {
    exitCode: 1,
    meaning: "A step of a deployed run took longer than its deadline, or died, again and again.",
  },
  ERR_SOURCE_BUSY: { exitCode: 0, meaning: "Another run is at work on this source; this one leaves it alone." },
  ERR_FUNCTION_FAILED: { exitCode: 1, meaning: "The deployed function could not be asked, or it failed." },
  ERR_INTERNAL: { exitCode: 1, meaning: "A defect in this program." },
  ERR_INTERRUPTED: { exitCode: 130, meaning: "The run was interrupted." },

  ERR_EXPORT_UNFINISHED: { exitCode: 1, meaning: "The day's files are being replaced, or a run died doing so." },
  ERR_ERASURE_UNFINISHED: {
    exitCode: 1,
    meaning: "Rows are being erased from the day's files, or that was broken off.",
  },
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

  ERR_VERIFY_DIGEST_MISSING: { exitCode: 3, meaning: "A digest was removed, or there is none." },
  ERR_VERIFY_DIGEST_CHANGED: { exitCode: 3, meaning: "A digest is not the one that was written." },
  ERR_VERIFY_DIGEST_ORDER: { exitCode: 3, meaning: "A digest lies under another's number." },
  ERR_VERIFY_HEAD_MISSING: { exitCode: 3, meaning: "The digest with the hash given is not in the chain." },
  ERR_VERIFY_SIGNATURE_MISSING: { exitCode: 3, meaning: "No signature covers a digest." },
  ERR_VERIFY_SIGNATURE_WRONG: { exitCode: 3, meaning: "A signature is not that of its key over its digest." },
  ERR_VERIFY_KEY_UNKNOWN: { exitCode: 3, meaning: "A digest is signed with a key that is not trusted." },
  ERR_VERIFY_NOT_VOUCHED: { exitCode: 3, meaning: "No digest vouches for a day." },
  ERR_VERIFY_DAY_UNFINISHED: { exitCode: 3, meaning: "A day's files are being replaced, or a run died doing so." },
  ERR_VERIFY_LEDGER_CHANGED: { exitCode: 3, meaning: "A ledger record is not the one that its digest vouches for." },
  ERR_VERIFY_LEDGER_DAMAGED: { exitCode: 3, meaning: "A ledger record cannot be read." },
  ERR_VERIFY_FILE_MISSING: { exitCode: 3, meaning: "A file was removed." },
  ERR_VERIFY_FILE_CHANGED: { exitCode: 3, meaning: "A file has other bytes than it had." },
  ERR_VERIFY_FILE_SWAPPED: { exitCode: 3, meaning: "A file has the bytes of another one." },
  ERR_VERIFY_FILE_RENAMED: { exitCode: 3, meaning: "A file lies under another name." },
  ERR_VERIFY_FILE_ADDED: { exitCode: 3, meaning: "A file was slipped in." },
  ERR_VERIFY_NOT_PARQUET: { exitCode: 3, meaning: "A session file cannot be read as Parquet." },
  ERR_VERIFY_SCHEMA: { exitCode: 3, meaning: "A session file has other columns." },
  ERR_VERIFY_ROWS_DIFFER: { exitCode: 3, meaning: "The rows of files and ledger do not add up." },
  ERR_VERIFY_DUPLICATE_SESSION: { exitCode: 3, meaning: "A session is in a day more than once." },
  ERR_VERIFY_WRONG_PARTITION: { exitCode: 3, meaning: "A row belongs to another day or source." },
  ERR_VERIFY_REJECTED_LINES: { exitCode: 3, meaning: "A file of rejected rows has other lines than it should." },
  ERR_VERIFY_KEY_RETIRED: { exitCode: 3, meaning: "A digest is signed with a key that was retired before." },
  ERR_VERIFY_ADOPTED: {
    exitCode: 3,
    meaning: "A run kept a day that no digest vouched for, and nobody has looked at it.",
  },
  ERR_VERIFY_ARCHIVE_ID: { exitCode: 3, meaning: "A digest is that of another archive." },
  ERR_VERIFY_INDEX: { exitCode: 3, meaning: "The index or the state is not what the digests say." },
  ERR_VERIFY_ERASURE_UNKNOWN: { exitCode: 3, meaning: "An erasure is not recorded as it should be." },
  ERR_VERIFY_VERSION_UNKNOWN: { exitCode: 3, meaning: "The bucket's versions are not those that runs left." },
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
