import { inspect, isDeepStrictEqual } from "node:util";
import type { SessionColumnName } from "../../functions/exporter/contract.ts";
import { type MappedSession, mapSession } from "../../functions/exporter/sessions/map.ts";
import type { SessionRow } from "../../functions/exporter/sessions/row.ts";

/** Maps a session given as its JSON text. */
export const mapText = (raw: string): MappedSession => mapSession({ raw: Buffer.from(raw), value: JSON.parse(raw) });

/** JSON text of a session with an id and a start, and members given as JSON text. */
export const sessionText = (members: string) =>
  `{"sessionId":"s-1","start_time":"2026-01-02T03:04:05.678Z"${members && `,${members}`}}`;

export function mapped(session: MappedSession): { row: SessionRow; coerced: readonly SessionColumnName[] } {
  if ("rejected" in session) throw new Error(`rejected: ${session.rejected}`);
  return session;
}

/**
 * One column of a session in which one member is given as JSON text, and what was coerced. Maps the session a second
 * time with a number as its id, which takes the slow path, and expects the same.
 */
export function cell<C extends SessionColumnName>(
  column: C,
  members: string,
): [SessionRow[C], readonly SessionColumnName[]] {
  const quick = mapped(mapText(sessionText(members)));
  const slow = mapped(mapText(sessionText(`${members},"sessionId":7`)));
  const pair = [quick, slow].map(({ row, coerced }) => [row[column], coerced]);
  if (!isDeepStrictEqual(pair[0], pair[1])) throw new Error(`the slow path differs: ${inspect(pair)}`);
  return [quick.row[column], quick.coerced];
}
