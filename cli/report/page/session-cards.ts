import type { PartitionType } from "../../../functions/exporter/contract.ts";
import { hoursChart } from "../charts/hours-columns.ts";
import { variableOf } from "../charts/palette.ts";
import { rateChart } from "../charts/rate-line.ts";
import { sessionsChart } from "../charts/stacked-columns.ts";
import { containmentRate, sessionsOf } from "../numbers/headline.ts";
import type { DaySessions, ReportContents } from "../numbers/numbers.ts";
import { type Period, type PeriodUnit, periodsOf, typesOf, unitFor } from "../numbers/periods.ts";
import { exact, longDate, percent, periodName, periodText, stackedTypes, TYPE_NAMES } from "../words.ts";
import type { Card } from "./card.ts";
import { type Html, html } from "./html.ts";

/** Said of charts whose columns are more than a day. */
const AVERAGES: Readonly<Record<PeriodUnit, string>> = {
  day: "",
  week: "Each column is the average day of a week. ",
  month: "Each column is the average day of a month. ",
};

/** What charts of this unit say of it; empty if a column is a day. */
export function averageNote(unit: PeriodUnit): string {
  return AVERAGES[unit];
}

/** Sessions per day, by containment type. */
export function sessionsCard({ sessions: { days } }: ReportContents): Card {
  const unit = unitFor(days.length);
  const periods = periodsOf(days, unit);
  const totals = typesOf({ days });
  const types = stackedTypes(totals);
  const all = days.reduce((sum, day) => sum + sessionsOf(day), 0);
  const note = `${averageNote(unit)}${totals.unclassified > 0 ? "Unclassified sessions have no containment type in Kore. " : ""}`;
  return {
    id: "sessions",
    title: "Sessions per day",
    message: `${busiestText(days, all)} ${types.map((type) => `${percent(totals[type], all)} ${TYPE_NAMES[type]}`).join(", ")}.`,
    ...(note === "" ? {} : { note: note.trim() }),
    isWide: true,
    legend: legend(types),
    chart: sessionsChart(periods),
    figures: {
      titles: [unit === "day" ? "Day" : "Days", ...types.map((type) => TYPE_NAMES[type]), "all"],
      rows: periods.map((period) => {
        const counts = typesOf(period);
        return [periodText(period), ...types.map((type) => counts[type]), sessionsOf({ byType: counts })];
      }),
    },
  };
}

function busiestText(days: readonly DaySessions[], all: number): string {
  const busiest = days.reduce((one, other) => (sessionsOf(other) > sessionsOf(one) ? other : one));
  if (all === 0) return "No sessions.";
  const average = `${exact(all / days.length)} on average`;
  return `${average}, most on ${longDate(busiest.dt)}: ${exact(sessionsOf(busiest))}.`;
}

function legend(types: readonly PartitionType[]): Html {
  const entries = types.map(
    (type) => html`<li><span class="swatch" style="background:${variableOf(type)}"></span>${TYPE_NAMES[type]}</li>`,
  );
  return html`<ul class="legend" aria-label="Containment types, from the bottom of each column">${entries}</ul>`;
}

/** How the containment rate went. */
export function rateCard({ sessions: { days } }: ReportContents): Card {
  const unit = unitFor(days.length);
  const periods = periodsOf(days, unit);
  return {
    id: "rate",
    title: "Containment rate",
    message: rateText(periods, unit),
    note: "The share of sessions that ended as self-service: the user neither dropped off nor was handed to an agent. Sessions without a containment type do not count.",
    chart: rateChart(periods),
    figures: {
      titles: [unit === "day" ? "Day" : "Days", "self-service", "with a type", "rate"],
      rows: periods.map((period) => {
        const { unclassified: _, ...typed } = typesOf(period);
        const whole = typed.selfService + typed.agent + typed.dropOff;
        return [periodText(period), typed.selfService, whole, { share: percent(typed.selfService, whole) }];
      }),
    },
  };
}

function rateText(periods: readonly Period<DaySessions>[], unit: PeriodUnit): string {
  const overall = containmentRate(periods.flatMap(({ days }) => days));
  if (overall === null) return "No session has a containment type.";
  const rates = periods.flatMap((period) => {
    const rate = containmentRate(period.days);
    return rate === null ? [] : [{ rate, when: periodName(period, unit) }];
  });
  const sorted = rates.toSorted((one, other) => one.rate - other.rate);
  const told = [sorted[0], sorted.at(-1)]
    .flatMap((end) => end ?? [])
    .map(({ rate, when }) => ({ when, text: percent(rate, 1) }));
  const [lowest, highest] = told;
  if (lowest === undefined || highest === undefined || lowest.text === highest.text) return `${percent(overall, 1)}.`;
  return `${percent(overall, 1)} over all; lowest ${lowest.text} (${lowest.when}), highest ${highest.text} (${highest.when}).`;
}

/** When of the day sessions start. */
export function hoursCard({ sessions: { hours }, timeZone }: ReportContents): Card {
  const all = hours.reduce((sum, sessions) => sum + sessions, 0);
  const most = Math.max(...hours);
  const at = hours.indexOf(most);
  return {
    id: "hours",
    title: "Hours of the day",
    message:
      all === 0
        ? "No sessions."
        : `The busiest hour is ${hourText(at)}, with ${percent(most, all)} of the sessions. In ${timeZone}.`,
    chart: hoursChart(hours),
    figures: {
      titles: ["Hour", "sessions", "share"],
      rows: hours.map((sessions, hour) => [hourText(hour), sessions, { share: percent(sessions, all) }]),
    },
  };
}

function hourText(hour: number): string {
  const clock = (of: number) => `${String(of).padStart(2, "0")}:00`;
  return `${clock(hour)} to ${clock((hour + 1) % 24)}`;
}
