import type { ErrorCode } from "../errors.ts";
import { TapedText, tapeOf } from "../json-tape.ts";
import { type Source, sessionOf, type WireSession } from "../kore/wire.ts";
import { type Identity, identityOf } from "../sessions/identity.ts";
import { mapSession } from "../sessions/map.ts";
import type { Window } from "./calendar.ts";

/**
 * What one received row is to the slice that asked for it. Two sights with the same key are the same session.
 * - `session`: one of the slice's sessions;
 * - `edge`: a neighbour's session, received because the question reaches one millisecond beyond the slice;
 * - `unusable`: it counts in the API's totals, but has no id or start time to archive it under;
 * - `stray`: not asked for, so the API did not answer the question.
 */
export type Sight =
  | {
      readonly kind: "session";
      readonly key: string;
      readonly session_id: string;
      readonly start_time: number;
      /** Typed again when it is written, from its text: a slice of rows would take three times the memory. */
      readonly session: WireSession;
    }
  | { readonly kind: "edge"; readonly key: string; readonly side: "before" | "after" }
  | {
      readonly kind: "unusable" | "stray";
      readonly key: string;
      readonly code: ErrorCode;
      readonly raw: string;
    };

/** The question about a slice reaches from one millisecond before it to its end, be the API's bounds inclusive or not. */
export function questionAbout(slice: Window): Window {
  return { from: slice.from - 1, to: slice.to };
}

/** Judges a row received for a slice of a source. */
export function judge(session: WireSession, source: Source, slice: Window): Sight {
  const identity = identify(session);
  if (typeof identity === "string") return aside("unusable", identity, session);
  const { sessionId, startTime, botId } = identity;
  if (source.kind === "bot" && botId !== null && botId !== source.botId) {
    return aside("stray", "ERR_ROW_OF_ANOTHER_BOT", session);
  }
  const key = `id:${sessionId}`;
  if (startTime >= slice.from && startTime < slice.to) {
    const kept = session instanceof TapedText ? session : sessionOf(session.raw);
    return { kind: "session", key, session_id: sessionId, start_time: startTime, session: kept };
  }
  const question = questionAbout(slice);
  if (startTime < question.from || startTime > question.to) return aside("stray", "ERR_ROW_OUTSIDE_WINDOW", session);
  return { kind: "edge", key, side: startTime < slice.from ? "before" : "after" };
}

/** Who a row is, or why it cannot be told. */
function identify(session: WireSession): Identity | ErrorCode {
  const taped = session instanceof TapedText ? session : tapeOf(session.raw);
  const identity = taped === null ? null : identityOf(taped);
  if (identity !== null) return identity;
  const mapped = mapSession(session);
  if ("rejected" in mapped) {
    return mapped.rejected === "no-start-time" ? "ERR_ROW_WITHOUT_START_TIME" : "ERR_ROW_WITHOUT_ID";
  }
  const { session_id, start_time, bot_id } = mapped.row;
  return { sessionId: session_id, startTime: start_time, botId: bot_id };
}

/** Without an id to go by, a row is told apart by its exact text. */
function aside(kind: "unusable" | "stray", code: ErrorCode, session: WireSession): Sight {
  const raw = session.raw.toString();
  return { kind, key: `text:${raw}`, code, raw };
}
