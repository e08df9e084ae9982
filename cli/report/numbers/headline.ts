import { CONTAINMENT_TYPES } from "../../../functions/exporter/contract.ts";
import type { DaySessions, ReportContents } from "./numbers.ts";

/** The numbers at the top of a report. */
export interface Headline {
  readonly sessions: number;
  readonly days: number;
  readonly sources: number;
  /** Null if no session has a containment type. */
  readonly containmentRate: number | null;
  readonly medianDurationSeconds: number | null;
  /** Days of a source that are not complete: incomplete, missing, provisional, or with a damaged record. */
  readonly daysNotComplete: number;
}

/** Sums a report up. */
export function headlineOf({ sessions, sources }: ReportContents): Headline {
  return {
    sessions: sessions.days.reduce((sum, day) => sum + sessionsOf(day), 0),
    days: sessions.days.length,
    sources: sources.length,
    containmentRate: containmentRate(sessions.days),
    medianDurationSeconds: sessions.durationSeconds.median,
    daysNotComplete: sources.reduce((sum, { totals }) => sum + totals.days - totals.byStatus.complete, 0),
  };
}

/** All sessions of a day. */
export function sessionsOf({ byType }: Pick<DaySessions, "byType">): number {
  return Object.values(byType).reduce((sum, sessions) => sum + sessions, 0);
}

/**
 * Share of selfService among the sessions of the three containment types, over all days given; null if there are none.
 * Kore's documentation calls self-service "sessions where a user has completed interaction without dropping off or
 * transferring to agent" (Containment Metrics).
 */
export function containmentRate(days: readonly Pick<DaySessions, "byType">[]): number | null {
  const sum = (pick: (day: Pick<DaySessions, "byType">) => number) => days.reduce((all, day) => all + pick(day), 0);
  const typed = sum(({ byType }) => CONTAINMENT_TYPES.reduce((all, type) => all + byType[type], 0));
  return typed === 0 ? null : sum(({ byType }) => byType.selfService) / typed;
}
