import type { ErrorCode } from "../errors.ts";
import type { Source, WireSession } from "../kore/wire.ts";
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
      /** The session is mapped again when it is written: a slice of rows would take three times the memory. */
      readonly raw: Buffer;
    }
  | { readonly kind: "edge"; readonly key: string; readonly side: "before" | "after" }
  | { readonly kind: "unusable" | "stray"; readonly key: string; readonly code: ErrorCode; readonly raw: string };

/** The question about a slice reaches from one millisecond before it to its end, be the API's bounds inclusive or not. */
export function questionAbout(slice: Window): Window {
  return { from: slice.from - 1, to: slice.to };
}

/** Judges a row received for a slice of a source. */
export function judge(session: WireSession, source: Source, slice: Window): Sight {
  const mapped = mapSession(session);
  if ("rejected" in mapped) {
    const code = mapped.rejected === "no-start-time" ? "ERR_ROW_WITHOUT_START_TIME" : "ERR_ROW_WITHOUT_ID";
    return aside("unusable", code, session.raw.toString());
  }
  const { row } = mapped;
  if (source.kind === "bot" && row.bot_id !== null && row.bot_id !== source.botId) {
    return aside("stray", "ERR_ROW_OF_ANOTHER_BOT", session.raw.toString());
  }
  const { session_id, start_time, raw } = row;
  const key = `id:${session_id}`;
  if (start_time >= slice.from && start_time < slice.to) return { kind: "session", key, session_id, start_time, raw };
  const question = questionAbout(slice);
  if (start_time < question.from || start_time > question.to) {
    return aside("stray", "ERR_ROW_OUTSIDE_WINDOW", session.raw.toString());
  }
  return { kind: "edge", key, side: start_time < slice.from ? "before" : "after" };
}

/** Without an id to go by, a row is told apart by its exact text. */
function aside(kind: "unusable" | "stray", code: ErrorCode, raw: string): Sight {
  return { kind, key: `text:${raw}`, code, raw };
}
