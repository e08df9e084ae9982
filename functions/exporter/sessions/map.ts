import type { SessionColumnName } from "../contract.ts";
import { isWrittenNumber, parseWithWrittenNumbers } from "./exact-json.ts";
import { parseInstant } from "./instant.ts";
import { parseInteger } from "./integer.ts";
import type { SessionRow, Tag } from "./row.ts";

/** Why a session cannot be a row. A session that is outside the window, or of another bot, is judged elsewhere. */
export const ROW_REJECTIONS = {
  "not-an-object": "The element of `sessions` is not a JSON object.",
  "no-session-id": "`sessionId` is neither a text that is more than blanks, nor a number.",
  "no-start-time": "`start_time` is not an ISO 8601 date and time.",
} as const;
export type RowRejection = keyof typeof ROW_REJECTIONS;

export type MappedSession =
  | {
      readonly row: SessionRow;
      /** Columns, each once, in which a value did not fit and became null. */
      readonly coerced: readonly SessionColumnName[];
    }
  | { readonly rejected: RowRejection };

/**
 * Types a session as the Sessions History API sent it. `raw` is its exact JSON text in UTF-8, `value` what `JSON.parse` made of
 * it. Never throws, whatever the session holds.
 *
 * Values are taken over as they are, untrimmed and unnormalised. `JSON.parse` loses how a number was written, so a
 * session in which that matters (a number where text belongs, an integer beyond 2^53) is parsed once more.
 */
export function mapSession(session: { readonly raw: Buffer; readonly value: unknown }): MappedSession {
  const quick = new Mapping("as parsed");
  const mapped = quick.map(session.value, session.raw);
  if (!quick.needsWrittenNumbers) return mapped;
  try {
    return new Mapping("as written").map(parseWithWrittenNumbers(session.raw.toString()), session.raw);
  } catch (error) {
    // Nested too deep to parse so. The quick mapping stands, without the values that needed it.
    if (error instanceof RangeError) return mapped;
    throw error;
  }
}

type JsonObject = Readonly<Record<string, unknown>>;

/** One pass over one session. */
class Mapping {
  /** A value was left out because only its numbers as written would tell it. */
  needsWrittenNumbers = false;
  readonly #numbers: "as parsed" | "as written";
  readonly #coerced: SessionColumnName[] = [];

  constructor(numbers: "as parsed" | "as written") {
    this.#numbers = numbers;
  }

  map(value: unknown, raw: Buffer): MappedSession {
    if (!isObject(value)) return { rejected: "not-an-object" };
    const sessionId = this.#text("session_id", value.sessionId);
    if (sessionId === null || sessionId.trim() === "") return { rejected: "no-session-id" };
    const startTime = this.#instant("start_time", value.start_time);
    if (startTime === null) return { rejected: "no-start-time" };
    const tags = value.tags ?? {};
    const row: SessionRow = {
      session_id: sessionId,
      bot_id: this.#text("bot_id", value.botId),
      channel: this.#text("channel", value.channel),
      user_id: this.#text("user_id", value.userId),
      start_time: startTime,
      end_time: this.#instant("end_time", value.end_time),
      session_lang: this.#texts("session_lang", value.session_lang),
      session_type: this.#text("session_type", value.sessionType),
      session_status: this.#text("session_status", value.sessionStatus),
      is_developer: this.#boolean("is_developer", value.isDeveloper),
      user_tags: this.#tags("user_tags", tags, "userTags"),
      session_tags: this.#tags("session_tags", tags, "sessionTags"),
      alt_text: this.#tags("alt_text", tags, "altText"),
      messages_exchanged: this.#integer("messages_exchanged", value.noOfMessagesExchanged),
      tasks_executed: this.#integer("tasks_executed", value.noOfTasksExecuted),
      raw,
    };
    return { row, coerced: this.#coerced };
  }

  #text(column: SessionColumnName, value: unknown): string | null {
    if (typeof value === "string") return value;
    if (value === null || value === undefined) return null;
    if (isWrittenNumber(value)) return value.rawJSON;
    if (typeof value === "number") this.needsWrittenNumbers = true;
    return this.#coerce(column);
  }

  #instant(column: SessionColumnName, value: unknown): number | null {
    if (value === null || value === undefined) return null;
    const instant = typeof value === "string" ? parseInstant(value) : null;
    return instant ?? this.#coerce(column);
  }

  #boolean(column: SessionColumnName, value: unknown): boolean | null {
    if (value === null || value === undefined || typeof value === "boolean") return value ?? null;
    const plain = isWrittenNumber(value) ? Number(value.rawJSON) : value;
    if (plain === 1 || plain === "1" || plain === "true") return true;
    if (plain === 0 || plain === "0" || plain === "false") return false;
    return this.#coerce(column);
  }

  #integer(column: SessionColumnName, value: unknown): number | bigint | null {
    if (value === null || value === undefined) return null;
    if (typeof value === "number") {
      // A fraction below a double's precision (3.00000000000000001) is lost here.
      if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
      this.needsWrittenNumbers = true;
    }
    const text = isWrittenNumber(value) ? value.rawJSON : value;
    return (typeof text === "string" ? parseInteger(text) : null) ?? this.#coerce(column);
  }

  #texts(column: SessionColumnName, value: unknown): (string | null)[] | null {
    if (value === null || value === undefined) return null;
    if (!Array.isArray(value)) return this.#coerce(column);
    return value.map((element) => this.#text(column, element));
  }

  #tags(column: SessionColumnName, tags: unknown, member: string): (Tag | null)[] | null {
    if (!isObject(tags)) return this.#coerce(column);
    const list = tags[member];
    if (list === null || list === undefined) return null;
    if (!Array.isArray(list)) return this.#coerce(column);
    return list.map((element) => this.#tag(column, element));
  }

  #tag(column: SessionColumnName, element: unknown): Tag | null {
    if (!isObject(element)) return element === null ? null : this.#coerce(column);
    return { name: this.#text(column, element.name), value: this.#tagValue(column, element.value) };
  }

  /** Kore documents a tag's value as a "Dynamic Field (Mixed Type)": what is no text becomes its JSON text. */
  #tagValue(column: SessionColumnName, value: unknown): string | null {
    if (typeof value === "boolean") return String(value);
    if (typeof value !== "object" || value === null || isWrittenNumber(value)) return this.#text(column, value);
    if (this.#numbers === "as written") return JSON.stringify(value);
    this.needsWrittenNumbers = true;
    return this.#coerce(column);
  }

  #coerce(column: SessionColumnName): null {
    if (!this.#coerced.includes(column)) this.#coerced.push(column);
    return null;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isWrittenNumber(value);
}
