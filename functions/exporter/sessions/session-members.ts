import { type ColumnShape, SESSION_COLUMNS } from "../contract.ts";
import { placeBehind, TOKEN } from "../json-tape.ts";

/** A member that is read: a column's, the one that holds the lists of tags, or one that is only passed. */
export interface Field {
  /** With its quotes. */
  readonly key: Buffer;
  readonly shape: ColumnShape | "tag lists" | "not read";
  readonly column: number;
}

const field = (name: string, shape: Field["shape"], column = 0): Field => ({
  key: Buffer.from(`"${name}"`),
  shape,
  column,
});

const TAGS = "tags.";
/** Members of a session's `tags` that are read. */
export const LISTS_OF_TAGS: readonly Field[] = SESSION_COLUMNS.flatMap(({ from, shape }, column) =>
  from.startsWith(TAGS) ? field(from.slice(TAGS.length), shape, column) : [],
);
/** Members of a session in the order in which Kore sends them: the next key is mostly the next one here. */
const SENT = [
  "sessionId",
  "botId",
  "channel",
  "userId",
  "start_time",
  "end_time",
  "session_lang",
  "sessionType",
  "containmentType",
  "isDeveloper",
  "sessionStatus",
  "tags",
];

/** Members of a session that are read, and those that are met on the way. */
export const MEMBERS: readonly Field[] = [
  ...SESSION_COLUMNS.flatMap(({ from, shape }, column) =>
    from === "" || from.startsWith(TAGS) ? [] : field(from, shape, column),
  ),
  field("containmentType", "not read"),
  field("tags", "tag lists"),
].sort((one, other) => placeSent(one) - placeSent(other));

function placeSent({ key }: Field): number {
  const place = SENT.indexOf(key.toString().slice(1, -1));
  return place === -1 ? SENT.length : place;
}

/** In place of a value that is not there. */
export const NOWHERE = -1;

/**
 * Finds the values of some members of the object at a place on a tape, and notes their places in `found`, in the order of
 * the keys. False where that cannot be told: a key with escapes may be any, and of members with the same name the last
 * one counts.
 */
export function findMembers(
  text: Buffer,
  tape: Int32Array,
  place: number,
  keys: readonly Buffer[],
  found: Int32Array,
): boolean {
  forget(found);
  const end = tape[place + 1] ?? 0;
  for (let key = place + TOKEN; key < end; key = placeBehind(text, tape, key + TOKEN)) {
    const start = tape[key] ?? 0;
    const keyEnd = tape[key + 1] ?? 0;
    if (keyEnd < 0) return false;
    for (let index = 0; index < keys.length; index++) {
      if (!isAt(keys[index] ?? text, text, start, keyEnd)) continue;
      if (found[index] !== NOWHERE) return false;
      found[index] = key + TOKEN;
    }
  }
  return true;
}

/** `fill` takes longer for a few numbers. */
function forget(found: Int32Array): void {
  for (let index = 0; index < found.length; index++) found[index] = NOWHERE;
}

/** Index of the field whose key stands there, most likely the one that is expected; -1 if there is none. */
export function fieldWithKey(
  fields: readonly Field[],
  json: Buffer,
  start: number,
  end: number,
  expected: number,
): number {
  const likely = fields[expected];
  if (likely !== undefined && isAt(likely.key, json, start, end)) return expected;
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index];
    if (field !== undefined && isAt(field.key, json, start, end)) return index;
  }
  return -1;
}

/** Whether a key, its quotes included, stands there. */
export function isAt(key: Buffer, json: Buffer, start: number, end: number): boolean {
  if (key.length !== end - start) return false;
  for (let at = 1; at < key.length; at++) if (key[at] !== json[start + at]) return false;
  return true;
}
