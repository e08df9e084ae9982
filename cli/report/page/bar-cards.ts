import { counted } from "../../amounts.ts";
import { type Bar, barsChart } from "../charts/bars.ts";
import { headlineOf } from "../numbers/headline.ts";
import type { Bin, Distribution, Ranking, ReportContents, TagCount } from "../numbers/numbers.ts";
import { durationText, exact, nameText, percent } from "../words.ts";
import type { Card } from "./card.ts";
import { type Html, html, plainText, shortened } from "./html.ts";

/** Texts of an archive can be of any length. */
const LONGEST_NAME = 120;

interface BarCard extends Pick<Card, "id" | "title" | "message"> {
  readonly note?: string;
  /** Title of the names' column. */
  readonly of: string;
  readonly bars: readonly Bar[];
  readonly whole: number;
  readonly more?: Html;
}

function barCard({ id, title, message, note, of, bars, whole, more }: BarCard): Card {
  return {
    id,
    title,
    message,
    ...(note !== undefined && { note }),
    ...(more !== undefined && { more }),
    chart: barsChart(id, bars, whole),
    figures: {
      titles: [of, "sessions", "share"],
      rows: bars.map(({ name, sessions }) => [shownName(name), sessions, { share: percent(sessions, whole) }]),
    },
  };
}

/** Channels that sessions came through. */
export function channelsCard(contents: ReportContents): Card {
  const whole = headlineOf(contents).sessions;
  const bars = barsOf(contents.sessions.channels, "no channel");
  return barCard({ id: "channels", title: "Channels", message: leadText(bars, whole), of: "Channel", bars, whole });
}

/** Languages that sessions were held in. */
export function languagesCard(contents: ReportContents): Card {
  const whole = headlineOf(contents).sessions;
  const bars = barsOf(contents.sessions.languages, "no language");
  const note = "A session counts for each of its languages.";
  return barCard({
    id: "languages",
    title: "Languages",
    message: leadText(bars, whole),
    note,
    of: "Language",
    bars,
    whole,
  });
}

function barsOf({ top, others }: Ranking, absent: string): Bar[] {
  const bars = top.map(({ name, sessions }) => ({ name: nameText(name, absent), sessions, isRest: name === null }));
  const rest = { name: `${exact(others.names)} more`, sessions: others.sessions, isRest: true };
  return others.names > 0 ? [...bars, rest] : bars;
}

function leadText(bars: readonly Bar[], whole: number): string {
  const [first] = bars;
  return first === undefined
    ? "No sessions."
    : `Most sessions: ${shownName(first.name)}, ${percent(first.sessions, whole)}.`;
}

/** How long sessions last. */
export function durationsCard({ sessions: { durationSeconds } }: ReportContents): Card {
  const { median } = durationSeconds;
  return distributionCard(durationSeconds, {
    id: "durations",
    title: "Duration",
    of: "Duration",
    message: median === null ? "No session has an end." : `Half of the sessions last ${durationText(median)} or less.`,
    binName: durationBin,
    notKnown: "without a usable end",
    note: "From start to end as Kore tells them, inactivity included.",
  });
}

/** How many messages sessions have. */
export function messagesCard({ sessions: { messages } }: ReportContents): Card {
  const { median } = messages;
  return distributionCard(messages, {
    id: "messages",
    title: "Messages",
    of: "Messages",
    message:
      median === null
        ? "No session has a number of messages."
        : `Half of the sessions have ${counted(Math.round(median), "message")} or fewer.`,
    binName: ({ from, to }) => {
      if (to === null) return `${from} or more`;
      return to - from === 1 ? String(from) : `${from} to ${to - 1}`;
    },
    notKnown: "without a usable number",
  });
}

function durationBin({ from, to }: Bin): string {
  if (to === null) return `${durationText(from)} or more`;
  if (from === 0) return `under ${durationText(to)}`;
  const [amount, unit] = durationText(from).split(" ");
  const end = durationText(to);
  return end.endsWith(` ${unit}`) ? `${amount} to ${end}` : `${amount} ${unit} to ${end}`;
}

interface DistributionWords extends Pick<Card, "id" | "title" | "message"> {
  readonly of: string;
  readonly binName: (bin: Bin) => string;
  readonly notKnown: string;
  readonly note?: string;
}

function distributionCard({ bins, unknown }: Distribution, words: DistributionWords): Card {
  const bars = bins.map((bin) => ({ name: words.binName(bin), sessions: bin.sessions }));
  const whole = bins.reduce((sum, { sessions }) => sum + sessions, 0);
  const left =
    unknown === 0 ? [] : [`${counted(unknown, "session")} ${words.notKnown} ${unknown === 1 ? "is" : "are"} left out.`];
  const note = [...(words.note === undefined ? [] : [words.note]), ...left].join(" ");
  return barCard({ ...words, bars, whole, note });
}

/** The names of tags that most sessions have; their values only if they were asked for. */
export function tagsCard(contents: ReportContents): Card {
  const whole = headlineOf(contents).sessions;
  const { tags } = contents.sessions;
  const bars = tags.map((tag) => ({ name: tagName(tag), sessions: tag.sessions }));
  const values = valuesList(tags);
  const noValues = "(user) marks tags of the user. Values can be personal data, and are shown with --tag-values only.";
  return barCard({
    id: "tags",
    title: "Tags",
    message: bars[0] === undefined ? "No session has a tag." : tagText(bars[0], whole),
    note:
      values === null
        ? noValues
        : "(user) marks tags of the user. A session counts once for a name, and for a value. Values can be personal data.",
    of: "Tag",
    bars,
    whole,
    ...(values !== null && { more: values }),
  });
}

function tagText({ name, sessions }: Bar, whole: number): string {
  return `Most frequent: ${shownName(name)}, in ${percent(sessions, whole)} of the sessions.`;
}

function tagName({ kind, name }: TagCount): string {
  const shown = nameText(name, "");
  return kind === "user" ? `${shownName(shown)} (user)` : shown;
}

function valuesList(tags: readonly TagCount[]): Html | null {
  if (tags.every(({ values }) => values === null)) return null;
  const entries = tags.map((tag) => {
    const values = (tag.values ?? []).map(
      ({ name, sessions }) => html`<li><bdi>${shownName(nameText(name, ""))}</bdi> <b>${exact(sessions)}</b></li>`,
    );
    return html`<div><dt><bdi>${shownName(tagName(tag))}</bdi></dt><dd><ul>${values}</ul></dd></div>`;
  });
  return html`<details class="values"><summary>Most frequent values</summary><dl>${entries}</dl></details>`;
}

function shownName(name: string): string {
  return shortened(plainText(name), LONGEST_NAME);
}
