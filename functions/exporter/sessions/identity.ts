import { ASCII } from "../ascii.ts";
import type { TapedText } from "../json-tape.ts";
import { instantAt } from "./instant.ts";
import { findMembers, NOWHERE } from "./session-members.ts";

const { QUOTE, LOWER_N, OPEN_BRACE } = ASCII;

const KEYS = ["sessionId", "start_time", "botId"].map((key) => Buffer.from(`"${key}"`));
const found = new Int32Array(KEYS.length);

/** Who a session is. */
export interface Identity {
  readonly sessionId: string;
  /** Milliseconds since 1970. */
  readonly startTime: number;
  readonly botId: string | null;
}

/**
 * Who a session is, as `mapSession` would tell, but from three of its members alone. Null where these are not as Kore
 * documents them: ids that are texts without escapes, and an instant `yyyy-mm-ddThh:mm:ss.mssZ`.
 */
export function identityOf(session: TapedText): Identity | null {
  const { text, from, tape, at } = session;
  if (text[from] !== OPEN_BRACE || !findMembers(text, tape, at, KEYS, found)) return null;
  const [id = NOWHERE, start = NOWHERE, bot = NOWHERE] = found;
  const sessionId = textOf(session, id);
  const startTime = instantOf(session, start);
  const hasBot = bot !== NOWHERE && text[tape[bot] ?? 0] !== LOWER_N;
  const botId = hasBot ? textOf(session, bot) : null;
  if (sessionId === null || sessionId.trim() === "" || Number.isNaN(startTime) || (hasBot && botId === null))
    return null;
  return { sessionId, startTime, botId };
}

function instantOf({ text, tape }: TapedText, place: number): number {
  const start = tape[place] ?? 0;
  const isText = place !== NOWHERE && text[start] === QUOTE;
  return isText ? instantAt(text, start + 1, (tape[place + 1] ?? 0) - 1) : Number.NaN;
}

/** The text that a value is; null for another value, and for a text with escapes. */
function textOf({ text, tape }: TapedText, place: number): string | null {
  const start = tape[place] ?? 0;
  const end = tape[place + 1] ?? 0;
  const isText = place !== NOWHERE && text[start] === QUOTE && end >= 0;
  return isText ? text.toString("utf8", start + 1, end - 1) : null;
}
