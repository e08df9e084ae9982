import { headlineOf } from "./numbers/headline.ts";
import type { ReportNumbers } from "./numbers/numbers.ts";

/** The numbers behind a report, for programs: members named as in the ledger, days always one by one. */
export function reportJson({ archive, madeAtMs, contents }: ReportNumbers): object {
  const about = { archive, made_at: new Date(madeAtMs).toISOString() };
  if (contents === null) return { ...about, from: null, to: null, time_zone: null, headline: null };
  const { range, timeZone, sessions, sources, storage } = contents;
  const headline = headlineOf(contents);
  const bytes = new Map(storage.map((day) => [day.dt, day]));
  return {
    ...about,
    from: range.from,
    to: range.to,
    time_zone: timeZone,
    headline: {
      sessions: headline.sessions,
      days: headline.days,
      sources: headline.sources,
      containment_rate: headline.containmentRate,
      median_duration_seconds: headline.medianDurationSeconds,
      days_not_complete: headline.daysNotComplete,
    },
    days: sessions.days.map(({ dt, byType }) => ({
      dt,
      drop_off: byType.dropOff,
      self_service: byType.selfService,
      agent: byType.agent,
      unclassified: byType.unclassified,
      bytes: bytes.get(dt)?.bytes ?? 0,
      cumulative_bytes: bytes.get(dt)?.cumulative ?? 0,
    })),
    channels: sessions.channels,
    languages: sessions.languages,
    hours: sessions.hours,
    tags: sessions.tags.map(({ values, ...tag }) => (values === null ? tag : { ...tag, values })),
    duration_seconds: sessions.durationSeconds,
    messages: sessions.messages,
    sources: sources.map(({ source, totals, days }) => ({
      source,
      by_status: totals.byStatus,
      days: days.map(({ dt, status }) => ({ dt, status })),
    })),
  };
}
