import { ACCOUNT_SOURCE, EXPORTER_VERSION } from "../../../functions/exporter/contract.ts";
import { minuteOf } from "../../amounts.ts";
import { headlineOf } from "../numbers/headline.ts";
import type { ReportContents, ReportNumbers } from "../numbers/numbers.ts";
import { exact, longDate, percent, roughDuration } from "../words.ts";
import { channelsCard, durationsCard, languagesCard, messagesCard, tagsCard } from "./bar-cards.ts";
import { healthSection } from "./calendar.ts";
import { cardMarkup } from "./card.ts";
import { type Html, html, Html as Markup } from "./html.ts";
import { hoursCard, rateCard, sessionsCard } from "./session-cards.ts";
import { storageCard } from "./storage-card.ts";
import { STYLE } from "./style.ts";

const CARDS = [
  sessionsCard,
  rateCard,
  hoursCard,
  channelsCard,
  languagesCard,
  durationsCard,
  messagesCard,
  tagsCard,
  storageCard,
];

/**
 * The report as one page of HTML that loads nothing and runs nothing, as its own security policy has it. The same numbers
 * give the same page.
 */
export function reportPage(title: string, numbers: ReportNumbers): string {
  const { contents } = numbers;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<header><h1>${title}</h1><p>${subtitle(numbers)}</p></header>
<main>${contents === null ? emptyCard() : contentsMarkup(contents)}</main>
<footer>Made ${minuteOf(numbers.madeAtMs)} by kore-sessions ${EXPORTER_VERSION}. Charts are drawn with Apache ECharts.</footer>
</body>
</html>
`;
  return page.text;
}

function subtitle({ archive, contents }: ReportNumbers): Html {
  if (contents === null) return html`<bdi>${archive}</bdi>`;
  const { range, timeZone } = contents;
  const days = range.from === range.to ? longDate(range.from) : `${longDate(range.from)} to ${longDate(range.to)}`;
  return html`${days} (${timeZone}) · <bdi>${archive}</bdi>`;
}

function emptyCard(): Html {
  return html`<section class="card whole"><h2>Nothing to show</h2>
<p>The archive has no day in the range that was asked for. kore-sessions export archives a day; kore-sessions status shows which days there are.</p></section>`;
}

function contentsMarkup(contents: ReportContents): Html {
  const cards = CARDS.map((card) => cardMarkup(card(contents)));
  return html`${headlineMarkup(contents)}
${cards}
${healthSection(contents.sources)}`;
}

function headlineMarkup(contents: ReportContents): Html {
  const { sessions, days, sources, containmentRate, medianDurationSeconds, daysNotComplete } = headlineOf(contents);
  const entries: [string, string, string][] = [
    ["Sessions", exact(sessions), `${exact(sessions / days)} a day`],
    ["Days", exact(days), "in this report"],
    ["Sources", exact(sources), sourcesText(contents)],
    ["Containment rate", containmentRate === null ? "–" : percent(containmentRate, 1), "ended as self-service"],
    [
      "Median duration",
      medianDurationSeconds === null ? "–" : roughDuration(medianDurationSeconds),
      "inactivity included",
    ],
    ["Days not complete", exact(daysNotComplete), notCompleteText(contents)],
  ];
  const items = entries.map(
    ([name, figure, aside]) =>
      html`<div><dt>${name}</dt><dd class="figure">${figure}</dd><dd class="aside">${aside}</dd></div>`,
  );
  return html`<section class="whole" aria-label="Headline numbers"><dl class="headline">${items}</dl></section>`;
}

function sourcesText({ sources }: ReportContents): string {
  const bots = sources.filter(({ source }) => source !== ACCOUNT_SOURCE).length;
  if (bots === sources.length) return bots === 1 ? "a bot" : "bots";
  return bots === 0 ? "the whole account" : "bots, and the account";
}

function notCompleteText({ sources }: ReportContents): string {
  const count = (status: "incomplete" | "missing" | "provisional" | "unreadable") =>
    sources.reduce((sum, { totals }) => sum + totals.byStatus[status], 0);
  const told = [
    `${exact(count("incomplete"))} incomplete`,
    `${exact(count("missing"))} missing`,
    `${exact(count("provisional"))} provisional`,
    `${exact(count("unreadable"))} damaged`,
  ].filter((text) => !text.startsWith("0 "));
  return told.length === 0 ? "all is well" : told.join(", ");
}
