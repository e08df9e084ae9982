import { z } from "zod";
import { SettingsError } from "../errors.ts";
import type { Night } from "../export/agenda.ts";
import { addDays, type Day, dayOf, daysFromTo, isDay } from "../export/calendar.ts";
import type { Task } from "../run-export.ts";
import type { Settings } from "../settings.ts";

const day = z.string().refine(isDay, { error: "give a date that exists, as yyyy-mm-dd" });
const bot = z.string().optional();

/** What the schedule sends: the instant it was due, however late or often the event arrives. */
const scheduled = z.strictObject({ scheduledTime: z.iso.datetime({ offset: true }), bot });

/** What a person sends: a day, or a range with both ends included. */
const wishes = { bot, acceptFewer: z.boolean().optional(), onlyMissing: z.boolean().optional() };
const byHand = z.union([z.strictObject({ date: day, ...wishes }), z.strictObject({ from: day, to: day, ...wishes })]);

/** What `backfill` sends before it begins. */
const estimate = z.strictObject({ estimate: z.strictObject({ from: day, to: day }), bot });

/** What a run is to do: an export, or to find out how much there is. */
export type OrderedTask = Task | { readonly kind: "estimate"; readonly days: readonly Day[] };

/** What an event asks for, with the settings narrowed to the bot it names, if it does. */
export interface Order {
  readonly settings: Settings;
  readonly task: OrderedTask;
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
  const order = (task: OrderedTask, named: string | undefined, instant: number): Order => {
    return { settings: narrowed(settings, named), task, night: nightAfter(instant), sources };
  };
  const nightly = scheduled.safeParse(event);
  if (nightly.success) {
    const instant = Date.parse(nightly.data.scheduledTime);
    return order({ kind: "night", night: nightAfter(instant) }, nightly.data.bot, instant);
  }
  const asked = estimate.safeParse(event);
  if (asked.success) {
    const days = someDays(asked.data.estimate.from, asked.data.estimate.to, event);
    return order({ kind: "estimate", days }, asked.data.bot, nowMs);
  }
  const given = byHand.safeParse(event);
  if (!given.success) throw notAnEvent(event);
  const { acceptFewer = false, onlyMissing = false } = given.data;
  const { from, to } = "date" in given.data ? { from: given.data.date, to: given.data.date } : given.data;
  const days = someDays(from, to, event);
  return order({ kind: "days", days, acceptFewer, onlyMissing }, given.data.bot, nowMs);
}

/** The days of a range, most recent first. */
function someDays(from: Day, to: Day, event: unknown): Day[] {
  const days = daysFromTo(from, to).reverse();
  if (days.length === 0) throw notAnEvent(event);
  return days;
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
