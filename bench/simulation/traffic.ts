import { CONTAINMENT_TYPES, type ContainmentType } from "../../functions/exporter/contract.ts";
import type { ListName } from "../../functions/exporter/export/totals.ts";
import type { WireSession } from "../../functions/exporter/kore/wire.ts";

export const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** What part of a day's sessions each containment type has; the last one has the rest. */
export type Mix = readonly [dropOff: number, selfService: number];

/** Sessions of one day by containment type. */
export type TypeCounts = Readonly<Record<ContainmentType, number>>;

/** The sessions that a bot has: a number for each day since 1970, by hour and by type. */
export interface Traffic {
  readonly botId: string;
  readonly sessionsOn: (day: number) => number;
  readonly mix: Mix;
  /** How busy each hour of the day is, beside the others. */
  readonly hours: readonly number[];
}

/** Quiet nights, a busy noon, a second peak in the evening. */
export const USUAL_HOURS: readonly number[] = [
  2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 13, 12, 12, 12, 11, 10, 9, 8, 8, 7, 6, 4, 3,
];

/** A day as busy at one hour as at any other. */
export const LEVEL_HOURS: readonly number[] = Array.from({ length: 24 }, () => 1);

/** Mondays are the busiest, Sundays have a third of it; 1 January 1970 was a Thursday. */
const BY_WEEKDAY = [1.05, 0.95, 0.5, 0.4, 1.3, 1.15, 1.1];

/** A weekly rhythm around an average, each day a tenth more or less, the same on every run. */
export function weekly(average: number): Traffic["sessionsOn"] {
  const mean = BY_WEEKDAY.reduce((sum, factor) => sum + factor, 0) / BY_WEEKDAY.length;
  return (day) => {
    const unsteady = 0.9 + 0.2 * ((Math.imul(day ^ average, 2_654_435_761) >>> 0) / 2 ** 32);
    return Math.round((average * (BY_WEEKDAY[day % 7] ?? 1) * unsteady) / mean);
  };
}

/** A day's sessions by type. */
export function byType(sessions: number, [dropOffShare, selfServiceShare]: Mix): TypeCounts {
  const dropOff = Math.round(sessions * dropOffShare);
  const selfService = Math.min(Math.round(sessions * selfServiceShare), sessions - dropOff);
  return { dropOff, selfService, agent: sessions - dropOff - selfService };
}

/** The fewest requests that can bring so many sessions: full pages of each type; that there are none takes a page, too. */
export function fewestRequests(counts: TypeCounts, pageSize: number): number {
  return CONTAINMENT_TYPES.reduce((sum, type) => sum + Math.max(1, Math.ceil(counts[type] / pageSize)), 0);
}

/** Some sessions of one type in one day, those that started first having the lowest numbers: `from` ≤ number < `to`. */
interface Span {
  readonly day: number;
  readonly type: ContainmentType;
  readonly from: number;
  readonly to: number;
}

/** A bot's sessions by arithmetic: how many started in a window, and each of them, without holding any. */
export class ModelSessions {
  readonly #traffic: Traffic;
  /** What part of the day's sessions has started at the end of each hour. */
  readonly #started: readonly number[];

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
    const sum = traffic.hours.reduce((total, hour) => total + hour, 0);
    let started = 0;
    this.#started = traffic.hours.map((hour) => {
      started += hour / sum;
      return started;
    });
  }

  /** Sessions of a day, by type. */
  ofDay(day: number): TypeCounts {
    return byType(this.#traffic.sessionsOn(day), this.#traffic.mix);
  }

  /** How many sessions of a list started from the first to the last instant, both included. */
  count(list: ListName, first: number, last: number): number {
    return this.#spans(list, first, last).reduce((sum, { from, to }) => sum + to - from, 0);
  }

  /** A page of them, newest first. */
  page(list: ListName, first: number, last: number, skip: number, limit: number): WireSession[] {
    const spans = this.#spans(list, first, last);
    if (list !== "all") return this.#newest(spans, skip, limit).map((at) => this.#session(at));
    const newest = CONTAINMENT_TYPES.flatMap((type) => {
      return this.#newest(
        spans.filter((span) => span.type === type),
        0,
        skip + limit,
      );
    });
    const ordered = newest.sort((one, other) => other.start - one.start);
    return ordered.slice(skip, skip + limit).map((at) => this.#session(at));
  }

  /** The most recent day comes first. */
  #spans(list: ListName, first: number, last: number): Span[] {
    const spans: Span[] = [];
    for (let day = Math.floor(last / DAY_MS); day >= Math.floor(first / DAY_MS); day--) {
      const counts = this.ofDay(day);
      for (const type of list === "all" ? CONTAINMENT_TYPES : [list]) {
        const of = counts[type];
        spans.push({ day, type, from: this.#before(first, day, of), to: this.#before(last + 1, day, of) });
      }
    }
    return spans;
  }

  /** Of so many sessions of a day, how many started before an instant. */
  #before(instant: number, day: number, of: number): number {
    let low = 0;
    let high = of;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#startOf(day, middle, of) < instant) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #startOf(day: number, number: number, of: number): number {
    const share = (number + 0.5) / of;
    const hour = Math.min(
      this.#started.findIndex((started) => started > share),
      23,
    );
    const before = this.#started[hour - 1] ?? 0;
    const within = (share - before) / ((this.#started[hour] ?? 1) - before);
    return day * DAY_MS + Math.floor((hour + within) * HOUR_MS);
  }

  #newest(spans: readonly Span[], skip: number, limit: number) {
    const found: { day: number; type: ContainmentType; number: number; start: number }[] = [];
    let left = skip;
    for (const { day, type, from, to } of spans) {
      const of = this.ofDay(day)[type];
      for (let number = to - 1 - left; number >= from && found.length < limit; number--) {
        found.push({ day, type, number, start: this.#startOf(day, number, of) });
      }
      left = Math.max(0, left - (to - from));
    }
    return found;
  }

  #session({ day, type, number, start }: { day: number; type: ContainmentType; number: number; start: number }) {
    const value = {
      sessionId: `${day.toString(36)}-${type}-${number.toString(36)}`,
      botId: this.#traffic.botId,
      start_time: new Date(start).toISOString(),
      containmentType: type,
      sessionStatus: "closed",
    };
    return { raw: Buffer.from(JSON.stringify(value)), value };
  }
}
