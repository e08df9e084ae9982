import { mapSession } from "../../functions/exporter/sessions/map.ts";
import { byStartTime } from "../../functions/exporter/sessions/order.ts";
import type { SessionRow } from "../../functions/exporter/sessions/row.ts";
import { sessionTexts } from "../sessions.ts";

/** Rows as the exporter would write them, in order. */
export function typedRows(count: number): SessionRow[] {
  const rows = [];
  for (const raw of sessionTexts(count)) {
    const mapped = mapSession({ raw: Buffer.from(raw), value: JSON.parse(raw) });
    if ("rejected" in mapped) throw new Error(`the generator made a session that is rejected: ${mapped.rejected}`);
    rows.push(mapped.row);
  }
  return rows.sort(byStartTime);
}
