import type { SessionRow } from "./row.ts";

type Ordered = Pick<SessionRow, "start_time" | "session_id">;

/**
 * Order of the rows in a session file: by start_time, then by session_id. Ids compare by UTF-16 code units, as
 * JavaScript's `<` does: any fixed order serves, since it only makes the same rows give the same bytes.
 */
export function byStartTime(a: Ordered, b: Ordered): number {
  if (a.start_time !== b.start_time) return a.start_time - b.start_time;
  if (a.session_id === b.session_id) return 0;
  return a.session_id < b.session_id ? -1 : 1;
}
