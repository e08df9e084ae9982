import { z } from "zod";
import { SettingsError } from "../errors.ts";
import type { Night } from "../export/agenda.ts";
import { addDays, type Day, dayOf, daysFromTo, isDay } from "../export/calendar.ts";
import type { Task } from "../run-export.ts";
import type { Settings } from "../settings.ts";

const day = z.string().refine(isDay, { error: "give a date that exists, as yyyy-mm-dd" });

/** What the schedule sends: the instant it was due, however late or often the event arrives. */
const scheduled = z.strictObject({ scheduledTime: z.iso.datetime({ offset: true }), bot: z.string().optional() });

/** What a person sends: a day, or a range with both ends included. */
const oneDay = z.strictObject({ date: day, bot: z.string().optional(), acceptFewer: z.boolean().optional() });
const range = z.strictObject({ from: day, to: day, bot: z.string().optional(), acceptFewer: z.boolean().optional() });

/** What an event asks for, with the settings narrowed to the bot it names, if it does. */
export interface Order {
  readonly settings: Settings;
  readonly task: Task;
  /** The night and the sources that the metrics are about: always all of the deployment's. */
  readonly night: Night;
  readonly sources: Settings["sources"];
}

/** Reads an event. Throws `SettingsError` that shows what events look like. */
export function readEvent(event: unknown, settings: Settings, nowMs: number): Order {
  const { lookBackDays, startDate, timeZone, sources } = settings;
  const nightAfter = (instant: number): Night => {
    const previous: Day = addDays(dayOf(instant, timeZone), -1);
    return { previous, lookBackDays, startDate };
  };
  const nightly = scheduled.safeParse(event);
  if (nightly.success) {
    const night = nightAfter(Date.parse(nightly.data.scheduledTime));
    return { settings: narrowed(settings, nightly.data.bot), task: { kind: "night", night }, night, sources };
  }
  const byHand = z.union([oneDay, range]).safeParse(event);
  if (!byHand.success) throw notAnEvent(event);
  const { bot, acceptFewer = false } = byHand.data;
  const days = "date" in byHand.data ? [byHand.data.date] : daysFromTo(byHand.data.from, byHand.data.to);
  if (days.length === 0) throw notAnEvent(event);
  return {
    settings: narrowed(settings, bot),
    task: { kind: "days", days, acceptFewer, onlyMissing: false },
    night: nightAfter(nowMs),
    sources,
  };
}

function narrowed(settings: Settings, bot: string | undefined): Settings {
  if (bot === undefined) return settings;
  const named = settings.sources.filter((source) => source.kind === "bot" && source.botId === bot);
  if (named.length > 0) return { ...settings, sources: named };
  throw new SettingsError([`The event names the bot "${bot}", which is not one of this deployment's. Check its id.`]);
}

function notAnEvent(event: unknown): SettingsError {
  const forms =
    '{"scheduledTime": "2026-01-03T02:15:00Z"}, {"date": "2026-01-02"} or {"from": "2026-01-01", "to": "2026-01-02"}';
  const text = JSON.stringify(event) ?? "nothing";
  return new SettingsError([`The event is ${text.slice(0, 200)}; send ${forms}, each with "bot" if need be.`]);
}
