/** A piece of markup: what stands in it was escaped, or is markup of ours. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Content = Html | string | number | readonly (Html | string)[];

/** Markup from a template; whatever is put in is escaped, unless it is markup itself. */
export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Html {
  const text = parts.map((part, index) => `${part}${markupOf(contents[index] ?? "")}`).join("");
  return new Html(text);
}

function markupOf(content: Content): string {
  if (content instanceof Html) return content.text;
  if (typeof content === "object") return content.map(markupOf).join("");
  return escaped(String(content));
}

function escaped(text: string): string {
  return plainText(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/**
 * Text that stays on its line and in its place: control characters and marks that turn the direction of what follows become
 * a visible mark.
 */
export function plainText(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu, "\ufffd");
}

const SEGMENTER = new Intl.Segmenter("en");

/** At most so many characters as people count them, the last one being an ellipsis if there were more. */
export function shortened(text: string, most: number): string {
  // A character that people see can be long, but not endlessly.
  const characters = [...SEGMENTER.segment(text.slice(0, most * 32))].map(({ segment }) => segment);
  const isWhole = characters.length <= most && text.length <= most * 32;
  return isWhole
    ? text
    : `${characters
        .slice(0, most - 1)
        .join("")
        .trimEnd()}…`;
}
