import { type Html, html, Html as Markup } from "./html.ts";

/** A part of a whole as a text, such as `45%`. */
export interface Share {
  readonly share: string;
}

/** A cell: numbers and shares stand to the right. */
export type Cell = string | number | Share;

/** A table of figures: a title for each column, and a row for each thing, whose name is the first cell. */
export interface Figures {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** The table behind a chart, folded away; `name` says what it holds. */
export function foldedTable(name: string, figures: Figures): Html {
  return html`<details><summary>Table<span class="unseen">: ${name}</span></summary>${scrolling(name, figures)}</details>`;
}

/** A table that scrolls by itself where it is larger than its place, by keyboard, too. */
export function scrolling(name: string, { titles, rows }: Figures): Html {
  const isNumeric = (column: number) => rows.length > 0 && rows.every((row) => typeof row[column] !== "string");
  const head = titles.map((title, column) => html`<th scope="col"${isNumeric(column) ? NUMBER : ""}>${title}</th>`);
  const body = rows.map((row) => html`<tr>${row.map(cell)}</tr>`);
  return html`<div class="scroll" role="group" tabindex="0" aria-label="${name}"><table>
<caption class="unseen">${name}</caption>
<thead><tr>${head}</tr></thead>
<tbody>${body}</tbody></table></div>`;
}

const NUMBER = new Markup(' class="number"');

/** Longer texts are broken into lines. */
const LONGEST_LINE = 40;

function cell(content: Cell, index: number): Html {
  if (typeof content !== "string") {
    return html`<td class="number">${typeof content === "number" ? content.toLocaleString("en") : content.share}</td>`;
  }
  const width = content.length > LONGEST_LINE ? "long" : "line";
  const text = html`<bdi>${content}</bdi>`;
  return index === 0 ? html`<th scope="row" class="${width}">${text}</th>` : html`<td class="${width}">${text}</td>`;
}
