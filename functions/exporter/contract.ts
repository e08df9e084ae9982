/**
 * Names that code and infrastructure share: containment types, columns, keys, tables, environment variables.
 *
 * This file imports nothing, so that `infra/` can read it without loading the exporter. What stands here is a promise
 * to the people who query the archive: a change is a new version of the archive's layout.
 */

/** Version of the exporter, as in package.json. */
export const EXPORTER_VERSION = "0.2.0";

/** The containment types that the Sessions History API knows, in the order in which they are read. */
export const CONTAINMENT_TYPES = ["dropOff", "selfService", "agent"] as const;
export type ContainmentType = (typeof CONTAINMENT_TYPES)[number];

/** Sessions that the API counts without a containment type, yet returns under none of the three. */
export const UNCLASSIFIED = "unclassified";

/** Values of the partition key `containment_type`. */
export const PARTITION_TYPES = [...CONTAINMENT_TYPES, UNCLASSIFIED] as const;
export type PartitionType = (typeof PARTITION_TYPES)[number];

/** Source id of an export that goes through the admin-console endpoint. */
export const ACCOUNT_SOURCE = "account";

/** Folders of an archive. */
export const PREFIXES = {
  sessions: "sessions",
  exports: "exports",
  rejected: "rejected",
  digests: "digests",
  index: "index",
  erasures: "erasures",
  holds: "holds",
  messages: "messages",
  messageExports: "message_exports",
  rejectedMessages: "rejected_messages",
} as const;

/** Names of the Glue tables, and of the views of `kore-sessions sql`. */
export const TABLES = { sessions: "sessions", exports: "exports" } as const;

/** Shape of a column's values: each shape has one Parquet form and one Glue type. */
export type ColumnShape = "text" | "timestamp" | "boolean" | "integer" | "texts" | "tags";

/** The Glue type of each shape. */
export const GLUE_TYPES: Readonly<Record<ColumnShape, string>> = {
  text: "string",
  timestamp: "timestamp",
  boolean: "boolean",
  integer: "bigint",
  texts: "array<string>",
  tags: "array<struct<name:string,value:string>>",
};

export interface SessionColumn {
  readonly name: string;
  readonly shape: ColumnShape;
  /** A required column is never null. */
  readonly required?: true;
  /** Where the value stands in a session, as a path in the API's JSON. */
  readonly from: string;
  readonly comment: string;
}

/** Columns of a session file, in their order in the file. */
export const SESSION_COLUMNS = [
  { name: "session_id", shape: "text", required: true, from: "sessionId", comment: "Id of the session" },
  { name: "bot_id", shape: "text", from: "botId", comment: "Bot that held the session" },
  { name: "channel", shape: "text", from: "channel", comment: "Channel, such as rtm, ivr or msteams" },
  { name: "user_id", shape: "text", from: "userId", comment: "User who held the session" },
  { name: "start_time", shape: "timestamp", required: true, from: "start_time", comment: "Start, UTC" },
  { name: "end_time", shape: "timestamp", from: "end_time", comment: "End, UTC; inactivity time included" },
  { name: "session_lang", shape: "texts", from: "session_lang", comment: "Languages used" },
  { name: "session_type", shape: "text", from: "sessionType", comment: "interactive or non-interactive" },
  { name: "session_status", shape: "text", from: "sessionStatus", comment: "active or closed, when exported" },
  { name: "is_developer", shape: "boolean", from: "isDeveloper", comment: "Held by a developer of the bot" },
  { name: "user_tags", shape: "tags", from: "tags.userTags", comment: "Tags of the user; names may repeat" },
  { name: "session_tags", shape: "tags", from: "tags.sessionTags", comment: "Tags of the session; names may repeat" },
  { name: "alt_text", shape: "tags", from: "tags.altText", comment: "Alternative texts; names may repeat" },
  { name: "messages_exchanged", shape: "integer", from: "noOfMessagesExchanged", comment: "Messages exchanged" },
  { name: "tasks_executed", shape: "integer", from: "noOfTasksExecuted", comment: "Tasks executed" },
  { name: "raw", shape: "text", required: true, from: "", comment: "The session's JSON text, exactly as Kore sent it" },
] as const satisfies readonly SessionColumn[];
export type SessionColumnName = (typeof SESSION_COLUMNS)[number]["name"];

const TOTALS = "drop_off:bigint,self_service:bigint,agent:bigint,total:bigint";

/** Members of a ledger record, as columns of the table `exports`, with their Glue types. */
export const LEDGER_COLUMNS = [
  { name: "version", type: "int", comment: "Version of this record's layout" },
  { name: "source", type: "string", comment: "Bot id, or account" },
  { name: "time_zone", type: "string", comment: "Time zone of the archive's days" },
  { name: "window_from", type: "string", comment: "First instant of the day" },
  { name: "window_to", type: "string", comment: "First instant of the next day" },
  { name: "status", type: "string", comment: "complete, provisional or incomplete" },
  { name: "revision", type: "int", comment: "How many records this day and source have had, this one included" },
  { name: "run_id", type: "string", comment: "Run that wrote the record" },
  { name: "exporter_version", type: "string", comment: "Version of the exporter" },
  { name: "started_at", type: "string", comment: "When the reading of the day began" },
  { name: "finished_at", type: "string", comment: "When the record was written" },
  { name: "requests", type: "int", comment: "Requests sent to Kore for this day, retries included" },
  { name: "reported", type: `struct<${TOTALS}>`, comment: "Totals the API gave for the whole day's window" },
  { name: "edges", type: `struct<${TOTALS}>`, comment: "Sessions of the neighbouring days counted in reported" },
  {
    name: "archived",
    type: "struct<drop_off:bigint,self_service:bigint,agent:bigint,unclassified:bigint,total:bigint>",
    comment: "Sessions the archive holds",
  },
  { name: "active", type: "bigint", comment: "Archived sessions that were still active" },
  { name: "duplicates", type: "bigint", comment: "Rows the API sent more than once" },
  { name: "rejected", type: "bigint", comment: "Rows without a usable id, start or window; kept under rejected/" },
  { name: "coerced", type: "map<string,bigint>", comment: "Values that did not fit, by column" },
  { name: "personal_data", type: "string", comment: "How personal data was treated" },
  { name: "erasures", type: "array<struct<at:string,reference:string>>", comment: "Erasures carried out on this day" },
  { name: "oldest_start_time", type: "string", comment: "Earliest start among the archived sessions" },
  { name: "newest_start_time", type: "string", comment: "Latest start among the archived sessions" },
  { name: "problems", type: "array<struct<code:string,message:string>>", comment: "What went wrong" },
  {
    name: "files",
    type: "array<struct<key:string,containment_type:string,row_count:bigint,bytes:bigint,sha256:string>>",
    comment: "Files of the day; a file of rejected rows has no containment type",
  },
  {
    name: "adopted",
    type: "struct<previous_sha256:string,reason:string>",
    comment:
      "Not null: the day holds what no reading put there, since its record was not the one that digests vouch for",
  },
  { name: "previous_sha256", type: "string", comment: "SHA-256 of the record that this one replaced" },
] as const;

/** Environment variables of the deployed function; those of them that people set by hand mean the same there. */
export const ENVIRONMENT = {
  host: "KORE_HOST",
  botIds: "KORE_BOT_IDS",
  account: "KORE_ACCOUNT",
  secretId: "KORE_SECRET_ID",
  archive: "KORE_ARCHIVE",
  timeZone: "KORE_TIME_ZONE",
  requestsPerMinute: "KORE_REQUESTS_PER_MINUTE",
  requestsPerHour: "KORE_REQUESTS_PER_HOUR",
  pageSize: "KORE_PAGE_SIZE",
  lookBackDays: "KORE_LOOK_BACK_DAYS",
  startDate: "KORE_START_DATE",
  signingKey: "KORE_SIGNING_KEY",
  trustedKeys: "KORE_TRUSTED_KEYS",
  personalData: "KORE_PII",
  /** `s3://bucket` for what lives only while a run does; emptied by its own lifecycle. */
  scratch: "KORE_SCRATCH",
  /** Value of the metrics' dimension: the name of the stack. */
  deployment: "KORE_DEPLOYMENT",
} as const;

/**
 * Members of the secret's JSON: `{"clientId", "clientSecret"}`, or one such object for each source id, with `default`
 * for those that have none of their own. `hashKey` stands beside them, one for all sources: the key of hashed personal
 * data, at least 32 characters. It is never changed: with another key, the same person has another hash.
 */
export const SECRET_MEMBERS = {
  clientId: "clientId",
  clientSecret: "clientSecret",
  fallback: "default",
  hashKey: "hashKey",
} as const;

/** How a value is archived: as Kore sends it, as the HMAC of its text, or as null. */
export type PersonalDataMode = "keep" | "hash" | "drop";

/** What is to become of personal data. */
export interface PersonalDataRules {
  /** The rules in their one spelling; `keep` if none of them hashes or drops anything. */
  readonly spelling: string;
  readonly userId: PersonalDataMode;
  readonly altText: PersonalDataMode;
  /** For names of tags, in lower case; `*` stands for any characters. The first that fits a name decides. */
  readonly tags: readonly { readonly pattern: string; readonly mode: PersonalDataMode }[];
}

const PERSONAL_DATA_RULE = /^(user_id|alt_text|tag:[^=]+?)\s*=\s*(keep|hash|drop)$/;

/**
 * Reads the value of `KORE_PII`: `keep`, or rules `field=mode` with commas in between, such as
 * `user_id=hash,tag:caller*=drop`. Throws an `Error` that is a sentence about the value if it is no rules, or if one of
 * them could never decide.
 */
export function readPersonalDataRules(text: string): PersonalDataRules {
  const rules: { field: string; mode: PersonalDataMode }[] = [];
  for (const part of text.trim() === "keep" ? [] : text.split(",").map((rule) => rule.trim())) {
    const [, given = "", mode = ""] = PERSONAL_DATA_RULE.exec(part) ?? [];
    const field = given.startsWith("tag:") ? `tag:${foldName(given.slice(4)).replace(/\*+/g, "*")}` : given;
    if (field === "" || field === "tag:") {
      throw new Error(`"${part}" is no rule; write user_id, alt_text or tag:NAME, then =keep, =hash or =drop`);
    }
    const earlier = rules.find((rule) => fitsPattern(rule.field, field));
    if (earlier) throw new Error(`"${part}" never decides, since ${earlier.field}=${earlier.mode} stands before it`);
    rules.push({ field, mode: mode as PersonalDataMode });
  }
  const modeOf = (name: string) => rules.find(({ field }) => field === name)?.mode ?? "keep";
  const tagRules = rules.filter(({ field }) => field.startsWith("tag:"));
  const tags = tagRules.slice(0, tagRules.findLastIndex(({ mode }) => mode !== "keep") + 1);
  const single = (field: string) => (modeOf(field) === "keep" ? [] : [{ field, mode: modeOf(field) }]);
  const deciding = [...single("user_id"), ...tags, ...single("alt_text")];
  return {
    spelling: deciding.map(({ field, mode }) => `${field}=${mode}`).join(",") || "keep",
    userId: modeOf("user_id"),
    altText: modeOf("alt_text"),
    tags: tags.map(({ field, mode }) => ({ pattern: field.slice("tag:".length), mode })),
  };
}

/** True if a rule hashes: a key is needed then. */
export function hashesPersonalData({ spelling }: PersonalDataRules): boolean {
  return spelling.includes("=hash");
}

/** A name as it is compared with others: however its letters are composed, in whichever case. */
export function foldName(name: string): string {
  return name.normalize("NFC").trim().toLowerCase();
}

/** True if a folded name is what a pattern describes; of two patterns, if the first fits every name that the second does. */
export function fitsPattern(pattern: string, name: string): boolean {
  const [first = "", ...parts] = pattern.split("*");
  const last = parts.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return name.length - at >= last.length && name.endsWith(last);
}

/** The Glue database of a stack, named so that SQL needs no quotes: `KoreSessions` is `kore_sessions`. */
export function databaseOf(stackName: string): string {
  return stackName
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll("-", "_")
    .toLowerCase();
}

/** Alias of the function that the schedule and people invoke. */
export const LIVE_ALIAS = "live";

/**
 * Member of the event that starts a nightly run: the instant it was scheduled for (ISO 8601, UTC), from which the
 * previous day follows, however late or often the event arrives.
 */
export const SCHEDULED_TIME = "scheduledTime";

/** Namespace of the metrics in CloudWatch. */
export const METRIC_NAMESPACE = "KoreSessionArchive";

/**
 * The metrics' only dimension: the name that Powertools gives to its service, which is the deployment here. A dimension
 * for each bot would be a metric to pay for each.
 */
export const METRIC_DIMENSION = "service";

/** What a nightly run says about itself, once, when it ends. */
export const METRICS = {
  sessionsExported: { name: "SessionsExported", unit: "Count", meaning: "Sessions in the days that the run published" },
  daysIncomplete: {
    name: "DaysIncomplete",
    unit: "Count",
    meaning: "Days of the look-back that are incomplete or missing when the run ends, over all sources",
  },
  rowsRejected: { name: "RowsRejected", unit: "Count", meaning: "Rows rejected in the days that the run read" },
  requests: { name: "Requests", unit: "Count", meaning: "Requests sent to Kore, retries included" },
  throttles: { name: "Throttles", unit: "Count", meaning: "Answers 429 from Kore" },
  freshnessHours: {
    name: "FreshnessHours",
    unit: "None",
    meaning: "Hours since the end of the newest day that every source has complete or provisional",
  },
  runsSucceeded: { name: "RunsSucceeded", unit: "Count", meaning: "1 if nothing failed, else 0" },
  runsFailed: {
    name: "RunsFailed",
    unit: "Count",
    meaning: "1 if a source failed, or the time was over before the work was; else 0",
  },
} as const satisfies Record<
  string,
  { readonly name: string; readonly unit: "Count" | "None"; readonly meaning: string }
>;

/** Alarms of a deployment. Each id is a heading of `docs/runbook.md`. */
export const ALARMS = {
  runFailed: "RunFailed",
  runMissing: "RunMissing",
  dayIncomplete: "DayIncomplete",
  rowsRejected: "RowsRejected",
  functionDeadLetters: "FunctionDeadLetters",
  scheduleDeadLetters: "ScheduleDeadLetters",
} as const;
