import { createHmac } from "node:crypto";
import type { PersonalDataRules } from "../contract.ts";
import { kindAt } from "../json-text.ts";
import { parseWithWrittenNumbers } from "./exact-json.ts";
import { mapSession, type RowRejection } from "./map.ts";
import { type Place, personalDataPlaces } from "./personal-data-places.ts";

/** A session's JSON text in UTF-8, and what `JSON.parse` makes of it. */
export interface SessionText {
  readonly raw: Buffer;
  readonly value: unknown;
}

/** How personal data is treated before anything keeps, judges or writes it. */
export interface PersonalData {
  /** The rules in their one spelling, as the ledger records them; `keep` if nothing is hashed or dropped. */
  readonly spelling: string;
  /** The session as it may be kept; the very same if there is nothing in it to hash or drop. */
  session(session: SessionText): SessionText;
  /** What is kept under `rejected/` of a session's text, once that has been through `session`. */
  rejectedText(raw: string): string | null;
}

/** Personal data as Kore sends it. */
export const KEPT_PERSONAL_DATA: PersonalData = {
  spelling: "keep",
  session: (session) => session,
  rejectedText: (raw) => raw,
};

/** The keys that personal data is hidden with. */
export interface PersonalDataKeys {
  /** Of everything that is archived; null if there is none, as rules without `hash` allow. */
  readonly hashKey: string | null;
  /** Tells things apart that are never archived; may be another one next week. */
  readonly passingKey: string;
}

/** The text of what stands for a row that cannot be archived, where there is a key of hashes. */
const FINGERPRINT = /^(?:\{"sessionId":)?"(hmac:[0-9a-f]{64})"\}?$/;

/**
 * Treats personal data by the rules. A hash is the HMAC-SHA-256 of the value's text (that of the columns: a text
 * itself, a number as it is written, other JSON in compact form) with the key of hashes, in lower-case hex.
 *
 * Of a row that cannot be archived, nobody can say what its text means. It is replaced by something that cannot be
 * archived for the same reason, and tells it from others: `hmac:` and the HMAC of its exact text, which is what is kept
 * under `rejected/`. Without a key of hashes the passing one tells rows apart, and nothing is kept.
 */
export function protectedPersonalData(rules: PersonalDataRules, keys: PersonalDataKeys): PersonalData {
  if (rules.spelling === "keep") return KEPT_PERSONAL_DATA;
  const { hashKey, passingKey } = keys;
  const fingerprint = (text: string) => (hashKey === null ? null : `hmac:${hmac(text, hashKey)}`);
  return {
    spelling: rules.spelling,
    session: (session) => {
      const mapped = mapSession(session);
      if ("rejected" in mapped) {
        const text = session.raw.toString();
        return unusable(mapped.rejected, fingerprint(text) ?? `row:${hmac(text, passingKey)}`);
      }
      const places = personalDataPlaces(session.raw, rules);
      if (places.length === 0) return session;
      const raw = replaced(session.raw, places, hashKey);
      return { raw, value: JSON.parse(raw.toString()) as unknown };
    },
    rejectedText: (raw) => FINGERPRINT.exec(raw)?.[1] ?? fingerprint(raw),
  };
}

function unusable(why: RowRejection, identity: string): SessionText {
  const value = why === "no-start-time" ? { sessionId: identity } : identity;
  return { raw: Buffer.from(JSON.stringify(value)), value };
}

function replaced(json: Buffer, places: readonly Place[], hashKey: string | null): Buffer {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const { start, end, mode } of places) {
    const hidden = mode === "drop" || hashKey === null ? "null" : `"${hmac(textAt(json, start, end), hashKey)}"`;
    pieces.push(json.subarray(at, start), Buffer.from(hidden));
    at = end;
  }
  pieces.push(json.subarray(at));
  return Buffer.concat(pieces);
}

/** A value's text as the columns hold it. */
function textAt(json: Buffer, start: number, end: number): string {
  const text = json.toString("utf8", start, end);
  const kind = kindAt(json, start);
  if (kind === "string") return JSON.parse(text) as string;
  if (kind !== "object" && kind !== "array") return text;
  try {
    return JSON.stringify(parseWithWrittenNumbers(text));
  } catch (error) {
    // Nested too deep to be written anew.
    if (error instanceof RangeError) return text;
    throw error;
  }
}

/** HMAC-SHA-256 of a text with the key of hashes, in lower-case hex: what is archived of a value that is hashed. */
export function hmac(text: string, key: string): string {
  return createHmac("sha256", key).update(text, "utf8").digest("hex");
}
