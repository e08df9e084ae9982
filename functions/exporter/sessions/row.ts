import type { SessionColumnName } from "../contract.ts";

/** A tag as it is archived. A name or value that is absent, null or unusable is null. */
export interface Tag {
  readonly name: string | null;
  readonly value: string | null;
}

/**
 * One session, typed: a row of a session file. Instants are milliseconds since 1970-01-01T00:00:00Z.
 *
 * Null is what was absent or null (or did not fit its column); an empty list is a list that was empty.
 */
export interface SessionRow {
  readonly session_id: string;
  readonly bot_id: string | null;
  readonly channel: string | null;
  readonly user_id: string | null;
  readonly start_time: number;
  readonly end_time: number | null;
  readonly session_lang: readonly (string | null)[] | null;
  readonly session_type: string | null;
  readonly session_status: string | null;
  readonly is_developer: boolean | null;
  readonly user_tags: readonly (Tag | null)[] | null;
  readonly session_tags: readonly (Tag | null)[] | null;
  readonly alt_text: readonly (Tag | null)[] | null;
  /** A bigint only beyond what a number holds exactly; always within 64 signed bits. */
  readonly messages_exchanged: number | bigint | null;
  readonly tasks_executed: number | bigint | null;
  /** The session's JSON text in UTF-8, byte for byte as the API sent it. */
  readonly raw: Buffer;
}

/** Compile-time proof that a row has exactly the columns of the contract. */
type SameKeys<A, B> = [keyof A] extends [B] ? ([B] extends [keyof A] ? true : never) : never;
const rowHasTheColumns: SameKeys<SessionRow, SessionColumnName> = true;
void rowHasTheColumns;
