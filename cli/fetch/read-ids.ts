import { MOST_SESSION_IDS } from "../../functions/exporter/kore/request.ts";
import type { SessionsApi, WireSession } from "../../functions/exporter/kore/wire.ts";
import { counted } from "../amounts.ts";
import type { Lines } from "./lines.ts";
import type { FetchProblem } from "./problem.ts";

/** Where sessions are asked for by their ids, and where they go. */
export interface IdPorts {
  readonly api: SessionsApi;
  readonly lines: Lines;
  readonly signal: AbortSignal;
  /** Hears how many ids were dealt with. */
  readonly onReceived: (ids: number) => void;
}

/** What became of ids at one source. */
export interface IdsRead {
  /** Ids that the source does not know, and whether Kore said so, or just returned no such session. */
  readonly unknown: readonly { readonly id: string; readonly isNamed: boolean }[];
  readonly problems: readonly FetchProblem[];
}

/**
 * Writes the sessions with these ids, different ones, in batches of as many as a request takes. Ids that an answer says
 * nothing of are asked for again as long as that brings anything: an answer may be capped.
 * Source: `sessionId` under "Request Body Parameters" of Kore's page; `invalidSessions` of its sample response.
 */
export async function readIds(ids: readonly string[], { api, lines, signal, onReceived }: IdPorts): Promise<IdsRead> {
  const unknown: { id: string; isNamed: boolean }[] = [];
  let strays = 0;
  let waiting = [...ids];
  while (waiting.length > 0 && lines.room > 0) {
    const batch = waiting.slice(0, MOST_SESSION_IDS);
    const { sessions, invalidSessions } = await api.sessions({ sessionId: batch }, signal);
    const open = new Set(batch);
    const asked = new Set(batch);
    lines.write(sessions.filter((session) => open.delete(idOf(session))));
    strays += sessions.filter((session) => !asked.has(idOf(session))).length;
    const named = invalidSessions.filter((id) => open.delete(id));
    unknown.push(...named.map((id) => ({ id, isNamed: true })));
    const isStuck = open.size === batch.length;
    if (isStuck) unknown.push(...batch.map((id) => ({ id, isNamed: false })));
    const rest = waiting.slice(batch.length);
    waiting = isStuck ? rest : [...open, ...rest];
    onReceived(isStuck ? batch.length : batch.length - open.size);
  }
  return { unknown, problems: strays === 0 ? [] : [strayProblem(strays)] };
}

function idOf({ value }: WireSession): string {
  const id = (value as { readonly sessionId?: unknown } | null)?.sessionId;
  return typeof id === "string" || typeof id === "number" ? String(id) : "";
}

function strayProblem(strays: number): FetchProblem {
  const message = `Kore returned ${counted(strays, "session")} not asked for by id; the output leaves ${strays === 1 ? "it" : "them"} out.`;
  return { code: "ERR_WINDOW_IGNORED", message };
}
