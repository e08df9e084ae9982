import { z } from "zod";
import { type Fault, faultSchema } from "./faults.ts";
import { jsonReply, type Reply } from "./reply.ts";
import type { SessionStore } from "./session-store.ts";
import type { Incoming, SessionsApi } from "./sessions-api.ts";
import { applyChange, storeChangeSchema } from "./store-changes.ts";

export const CONTROL_PREFIX = "/__stand-in/";

/** Reads a JSON array of faults; throws a ZodError or a SyntaxError if it is none. */
export function faultsOf(json: string): Fault[] {
  return z.array(faultSchema).parse(JSON.parse(json));
}

/**
 * The stand-in's own endpoints, for another process on this machine: POST faults (replaces the active ones), POST
 * changes (of the store), GET and DELETE requests (the log).
 */
export function controlReply(api: SessionsApi, store: SessionStore, { method, url, body }: Incoming): Reply {
  try {
    switch (`${method} ${url.pathname.slice(CONTROL_PREFIX.length)}`) {
      case "POST faults":
        api.faults.replace(faultsOf(body.toString()));
        return jsonReply(200, "{}");
      case "POST changes":
        for (const change of z.array(storeChangeSchema).parse(JSON.parse(body.toString()))) applyChange(store, change);
        return jsonReply(200, "{}");
      case "GET requests":
        return jsonReply(200, JSON.stringify(api.requests));
      case "DELETE requests":
        api.requests.length = 0;
        return jsonReply(200, "{}");
      default:
        return jsonReply(404, JSON.stringify({ error: `nothing answers ${method} ${url.pathname}` }));
    }
  } catch (error) {
    return jsonReply(400, JSON.stringify({ error: messageOf(error) }));
  }
}

export function messageOf(error: unknown): string {
  if (error instanceof z.ZodError) return z.prettifyError(error);
  return error instanceof Error ? error.message : String(error);
}
