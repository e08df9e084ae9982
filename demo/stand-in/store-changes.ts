import { z } from "zod";
import type { SessionStore } from "./session-store.ts";

const filing = z.strictObject({
  containmentType: z.string().nullable().exactOptional(),
  startTime: z.string().exactOptional(),
});
const members = z.record(z.string(), z.unknown());

/** A change of the store that can be written down, so that another process can ask for it. */
export const storeChangeSchema = z.discriminatedUnion("op", [
  z.strictObject({ op: z.literal("add"), botId: z.string(), session: members, filing: filing.exactOptional() }),
  z.strictObject({ op: z.literal("addText"), botId: z.string(), text: z.string(), filing: filing.exactOptional() }),
  z.strictObject({ op: z.literal("update"), botId: z.string(), sessionId: z.string(), changes: members }),
  z.strictObject({ op: z.literal("remove"), botId: z.string(), sessionId: z.string() }),
]);
export type StoreChange = z.infer<typeof storeChangeSchema>;

export function applyChange(store: SessionStore, change: StoreChange): void {
  switch (change.op) {
    case "add":
      store.add(change.botId, change.session, change.filing);
      break;
    case "addText":
      store.addText(change.botId, change.text, change.filing);
      break;
    case "update":
      store.update(change.botId, change.sessionId, change.changes);
      break;
    case "remove":
      store.remove(change.botId, change.sessionId);
      break;
  }
}
