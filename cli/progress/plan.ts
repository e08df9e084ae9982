import type { Day } from "../../functions/exporter/export/calendar.ts";
import { requestsForDays } from "../../functions/exporter/export/estimate.ts";
import type { Settings } from "../../functions/exporter/settings.ts";
import type { RunPlan } from "./workload.ts";

/** The plan of an export of days, in the order in which they are exported; null if the run finds them itself. */
export function planOfDays({ sources, quota, pageSize }: Settings, days: readonly Day[] | null): RunPlan {
  return { parts: days, partName: "days", sources: sources.length, quota, pageSize, requestsFor: requestsForDays };
}
