import { systemClock } from "../../functions/exporter/clock.ts";
import type { BuiltSlice } from "../../functions/exporter/export/build-slice.ts";
import { type Day, dayWindow } from "../../functions/exporter/export/calendar.ts";
import { readDay, SLICE_BUDGET } from "../../functions/exporter/export/read-day.ts";
import type { Reader } from "../../functions/exporter/export/totals.ts";
import type { DayWork } from "../../functions/exporter/export/work.ts";
import { PAGE_SIZE, QUOTA } from "./deployment.ts";
import { lightSlice } from "./light-day.ts";
import { ModelKore } from "./model-kore.ts";
import { byType, fewestRequests, type Mix, type Traffic } from "./traffic.ts";

const DAY: Day = "2026-01-01";

/** How a day's sessions are spread over its types and hours. */
export interface Shape {
  readonly name: string;
  readonly mix: Mix;
  readonly hours: Traffic["hours"];
}

/** What one day costs. */
export interface DayCost {
  readonly shape: string;
  readonly requests: number;
  readonly fewest: number;
  readonly slices: number;
}

/** Counts the requests that the exporter sends for a day, by reading it with its own planner, pager and proof. */
export async function costOfDay(sessions: number, { name, mix, hours }: Shape): Promise<DayCost> {
  const source = { kind: "bot", botId: "st-day" } as const;
  const traffic: Traffic = { botId: source.botId, sessionsOn: () => sessions, mix, hours };
  const kore = new ModelKore([traffic], { latencyMs: 0, quota: QUOTA, clock: systemClock, isDown: () => false });
  let requests = 0;
  const reader: Reader = {
    source,
    pageSize: PAGE_SIZE,
    api: {
      sessions: async (query) => {
        requests++;
        return kore.answerAtOnce(source, query);
      },
      expect: () => {},
    },
  };
  const slices = await slicesOf(reader);
  const held = slices.reduce((sum, { ids }) => sum + ids.length, 0);
  if (held !== sessions) throw new TypeError(`${held} of ${sessions} sessions were read (${name})`);
  return { shape: name, requests, fewest: fewestRequests(byType(sessions, mix), PAGE_SIZE), slices: slices.length };
}

async function slicesOf(reader: Reader): Promise<readonly BuiltSlice[]> {
  const slices: BuiltSlice[] = [];
  const work: Pick<DayWork, "ask" | "slice" | "slices"> = {
    ask: (_topic, question) => question(reader),
    slice: async ({ index, round }, read) => {
      if (round > 0) throw new TypeError("a day that stands still is read once");
      slices[index] = lightSlice(await read(reader), index, DAY);
    },
    slices: async () => slices,
  };
  const unused = () => {
    throw new TypeError("a day is only read here");
  };
  await readDay({ ...work, open: unused, finish: unused }, dayWindow(DAY, "UTC"), SLICE_BUDGET);
  return slices;
}
