import type { Day } from "../../functions/exporter/export/calendar.ts";
import { sourceName } from "../../functions/exporter/export/export-day.ts";
import type { SourceResult } from "../../functions/exporter/export/export-days.ts";
import { type RunResult, runExport } from "../../functions/exporter/run-export.ts";
import type { Settings } from "../../functions/exporter/settings.ts";
import type { CommandIo } from "../io.ts";
import { planOfDays } from "../progress/plan.ts";
import { openRunView } from "../progress/run-view.ts";

/**
 * Archives those of the days that are missing, in the order given, in this process. A run ends after some hours: what
 * is left then is the next run's, until every source is done or has failed, or a run got no digest. The digest is the last
 * run's. Throws as `runExport` does.
 */
export async function archiveHere(settings: Settings, days: readonly Day[], io: CommandIo): Promise<RunResult> {
  const view = await openRunView(io, planOfDays(settings, days));
  const hooks = {
    signal: io.signal,
    onProgress: view.progress.bind(view),
    onDay: view.day.bind(view),
    onKoreEvent: view.koreEvent.bind(view),
  };
  try {
    const results: SourceResult[] = [];
    let run = { sources: settings.sources, days };
    for (;;) {
      const task = { kind: "days", days: run.days, acceptFewer: false, onlyMissing: true } as const;
      const {
        sources: ended,
        seal,
        failures,
      } = await runExport({ ...settings, sources: run.sources }, task, io.clock, hooks);
      const outOfTime = ended.filter(isOutOfTime);
      results.push(...ended.map((result) => (outOfTime.includes(result) ? { ...result, left: [] } : result)));
      const names = new Set(outOfTime.map(({ source }) => source));
      const left = new Set(outOfTime.flatMap((result) => result.left));
      run = {
        sources: run.sources.filter((source) => names.has(sourceName(source))),
        days: run.days.filter((day) => left.has(day)),
      };
      if (run.sources.length === 0 || seal instanceof Error) return { sources: results, seal, failures };
    }
  } finally {
    view.stop();
  }
}

/** True if there was more to do, and nothing failed. */
function isOutOfTime({ days, left }: SourceResult): boolean {
  return left.length > 0 && days.at(-1)?.error === null;
}
