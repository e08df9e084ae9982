import type { DayStatus } from "../../../functions/exporter/export/archive-status.ts";
import { counted } from "../../amounts.ts";
import { isArchived, type SourceSummary } from "../../status/source-summary.ts";
import { exact, monthName } from "../words.ts";
import { type Html, html } from "./html.ts";
import { scrolling } from "./table.ts";

type KnownDay = SourceSummary["days"][number];

/** The letters of `kore-sessions status`. */
const MARKS: Readonly<Record<DayStatus, { readonly letter: string; readonly means: string }>> = {
  complete: { letter: "C", means: "complete" },
  provisional: { letter: "p", means: "provisional" },
  incomplete: { letter: "I", means: "incomplete" },
  missing: { letter: "–", means: "missing" },
  unreadable: { letter: "?", means: "damaged record" },
};

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/** Calendars of more sources than that are folded where all is well. */
const OPEN_SOURCES = 3;
/** Days that are listed with their reason. */
const MOST_REASONS = 100;

/** How each day of each source stands: calendars with a letter for each day, and the days that are not complete, with why. */
export function healthSection(sources: readonly SourceSummary[]): Html {
  const legend = Object.entries(MARKS).map(
    ([status, { letter, means }]) => html`<li><span class="day ${status}">${letter}</span>${means}</li>`,
  );
  const isFew = sources.length <= OPEN_SOURCES;
  const calendars = sources.map((source) => sourceCalendar(source, isFew));
  return html`<section class="card whole" id="health" aria-labelledby="health-title">
<h2 id="health-title">Archive health</h2>
<p>${healthText(sources)}</p>
<ul class="legend" aria-label="Letters of the days">${legend}</ul>
${calendars}
${reasons(sources)}
</section>`;
}

function healthText(sources: readonly SourceSummary[]): string {
  const bad = sources.reduce((sum, { days }) => sum + days.filter(({ status }) => !isArchived(status)).length, 0);
  if (bad === 0) return "Every day is complete or provisional.";
  return `${counted(bad, "day")} ${bad === 1 ? "needs" : "need"} attention. A run of kore-sessions export --repair, as every night's is, exports those of its look-back again; export --from DAY --to DAY exports older ones.`;
}

function sourceCalendar({ source, days, totals }: SourceSummary, isFew: boolean): Html {
  const isOpen = isFew || days.some(({ status }) => !isArchived(status));
  const counts = Object.entries(totals.byStatus)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${exact(count)} ${MARKS[status as DayStatus].means}`);
  const months = [...Map.groupBy(days, ({ dt }) => dt.slice(0, 7)).values()].map((month) => monthTable(month, source));
  const summary = html`<summary><h3><bdi>${source}</bdi></h3> <span>${counts.join(", ")}</span></summary>`;
  const content = html`${summary}<div class="months">${months}</div>`;
  return isOpen
    ? html`<details class="source" open>${content}</details>`
    : html`<details class="source">${content}</details>`;
}

function monthTable(days: readonly KnownDay[], source: string): Html {
  const first = days[0]?.dt ?? "";
  const byDay = new Map(days.map((day) => [Number(day.dt.slice(8)), day]));
  const [year = 0, month = 1] = first.split("-").map(Number);
  const length = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const offset = (new Date(Date.UTC(year, month - 1, 1)).getUTCDay() + 6) % 7;
  const weeks = Array.from({ length: Math.ceil((offset + length) / 7) }, (_, week) => {
    const cells = WEEKDAYS.map((_, weekday) => dayCell(week * 7 + weekday - offset + 1, length, byDay));
    return html`<tr>${cells}</tr>`;
  });
  const heads = WEEKDAYS.map((name) => html`<th scope="col"><abbr title="${name}">${name.slice(0, 1)}</abbr></th>`);
  return html`<table class="month"><caption>${monthName(first)}<span class="unseen">, ${source}</span></caption>
<thead><tr>${heads}</tr></thead><tbody>${weeks}</tbody></table>`;
}

function dayCell(date: number, length: number, byDay: ReadonlyMap<number, KnownDay>): Html {
  if (date < 1 || date > length) return html`<td></td>`;
  const day = byDay.get(date);
  if (day === undefined) return html`<td><span class="day outside">·</span></td>`;
  const { letter, means } = MARKS[day.status];
  return html`<td title="${day.dt}: ${means}"><span class="day ${day.status}" aria-hidden="true">${letter}</span><span class="unseen">${date}: ${means}</span></td>`;
}

function reasons(sources: readonly SourceSummary[]): Html {
  const all = sources.flatMap(({ source, days }) =>
    days
      .filter(({ status }) => status !== "complete")
      .map(({ dt, status, record }) => ({ dt, source, status, why: whyText(status, record) })),
  );
  if (all.length === 0) return html``;
  const latestFirst = all.toSorted((one, other) => (one.dt < other.dt ? 1 : -1));
  const rows = latestFirst
    .slice(0, MOST_REASONS)
    .map(({ dt, source, status, why }) => [dt, source, MARKS[status].means, why]);
  const more =
    all.length > MOST_REASONS
      ? html`<p class="note">And ${exact(all.length - MOST_REASONS)} earlier ones.</p>`
      : html``;
  return html`<h3>Days that are not complete</h3>
${scrolling("Days that are not complete", { titles: ["Day", "Source", "Status", "Why"], rows })}${more}`;
}

function whyText(status: DayStatus, record: KnownDay["record"]): string {
  if (record === null) return status === "missing" ? "no record of an export" : "its record cannot be read";
  if (record.problems.length > 0) return record.problems.map(({ code, message }) => `${code}: ${message}`).join(" ");
  return record.active > 0
    ? `${counted(record.active, "session")} still active when it was read`
    : "read less than an hour after it ended";
}
