import { type Html, html, Html as Markup } from "./html.ts";
import { type Figures, foldedTable } from "./table.ts";

/** A card of the page: a chart, what it says in a sentence, and the figures behind it. */
export interface Card {
  readonly id: string;
  readonly title: string;
  /** What the chart shows, for those who see it and those who don't. */
  readonly message: string;
  /** What has to be known to read it. */
  readonly note?: string;
  readonly isWide?: boolean;
  readonly legend?: Html;
  /** Drawn by `drawChart`. */
  readonly chart: string;
  readonly figures: Figures;
  /** Stands below the chart. */
  readonly more?: Html;
}

/** The card as markup. */
export function cardMarkup({ id, title, message, note, isWide, legend, chart, figures, more }: Card): Html {
  return html`<figure class="card${isWide ? " whole" : ""}" id="${id}">
<figcaption><h2>${title}</h2><p>${message}</p></figcaption>
${legend ?? ""}
<div class="chart" role="img" aria-label="${title}. ${message}">${new Markup(chart)}</div>
${note === undefined ? "" : html`<p class="note">${note}</p>`}
${more ?? ""}
${foldedTable(title, figures)}
</figure>`;
}
