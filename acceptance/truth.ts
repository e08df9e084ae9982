import type { Session, StandIn, StoredSession } from "../demo/stand-in/server.ts";
import { ADDED, BOTS } from "./kore.ts";

const DAY_MS = 86_400_000;

/** A value as every reader can show it: texts, booleans, lists of texts, and lists of `[name, value]`. */
export type Cell = string | boolean | null | readonly (string | null | readonly [string | null, string | null])[];
export type Cells = Readonly<Record<string, Cell>>;

/** The stand-in's sessions of a day that an archive must hold, by session id: every column and partition key. */
export function truthOf(kore: StandIn, days: readonly string[]): Map<string, Cells> {
  const rows = days.flatMap((dt) =>
    BOTS.flatMap((bot) => kore.store.between(bot, Date.parse(dt), Date.parse(dt) + DAY_MS)).map((stored) => ({
      stored,
      dt,
    })),
  );
  const named = rows.filter(({ stored }) => stored.sessionId !== null);
  return new Map(named.map(({ stored, dt }) => [String(stored.sessionId), cellsOf(stored, dt)]));
}

/** Written against Kore's documentation and docs/data-dictionary.md, without the exporter's own mapping. */
function cellsOf({ session, text, startMs, containmentType, sessionId }: StoredSession, dt: string): Cells {
  const tags = (session.tags ?? {}) as Session;
  return {
    session_id: String(session.sessionId),
    bot_id: optional(session.botId),
    channel: optional(session.channel),
    user_id: optional(session.userId),
    start_time: instant(startMs),
    end_time: typeof session.end_time === "string" ? instant(Date.parse(session.end_time)) : null,
    session_lang: Array.isArray(session.session_lang) ? session.session_lang : null,
    session_type: optional(session.sessionType),
    session_status: optional(session.sessionStatus),
    is_developer: session.isDeveloper == null ? null : Boolean(session.isDeveloper),
    user_tags: pairs(tags.userTags),
    session_tags: pairs(tags.sessionTags),
    alt_text: pairs(tags.altText),
    messages_exchanged: messages(sessionId, session.noOfMessagesExchanged),
    tasks_executed: optional(session.noOfTasksExecuted),
    raw: text,
    dt,
    containment_type: containmentType ?? "unclassified",
  };
}

/** The two numbers that JavaScript cannot read, or that are none. */
function messages(sessionId: string | null, value: unknown): string | null {
  if (sessionId === ADDED.large) return "9007199254740993";
  return sessionId === ADDED.coerced ? null : optional(value);
}

function optional(value: unknown): string | null {
  return value == null ? null : String(value);
}

/** As `CAST(… AS varchar)` shows a timestamp of milliseconds. */
function instant(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").replace("Z", "");
}

function pairs(tags: unknown): Cell {
  if (!Array.isArray(tags)) return null;
  return tags.map((tag: { name?: string; value?: unknown } | null) => tag && [tag.name ?? null, tagValue(tag.value)]);
}

function tagValue(value: unknown): string | null {
  if (value == null) return null;
  return typeof value === "string" ? value : JSON.stringify(value);
}
