import type { PartitionType } from "../../../functions/exporter/contract.ts";

/**
 * Colours of the charts, by what they stand for. Each is drawn as a colour that nothing else has, which then gives way to
 * the page's variable: so one drawing serves light and dark pages.
 */
export const INK = {
  text: "#010101",
  faint: "#010102",
  line: "#010103",
  paper: "#010104",
  accent: "#010105",
  rest: "#010106",
  selfService: "#010107",
  agent: "#010108",
  dropOff: "#010109",
  unclassified: "#01010a",
} as const satisfies Record<PartitionType | "text" | "faint" | "line" | "paper" | "accent" | "rest", string>;

/** The page's variable for a colour. */
export function variableOf(ink: keyof typeof INK): string {
  return `var(--${ink})`;
}

/** Puts the page's variables in place of the colours that were drawn: in attributes, since a text may name a colour, too. */
export function withVariables(svg: string): string {
  const names = Object.keys(INK) as (keyof typeof INK)[];
  return names.reduce((text, name) => text.replaceAll(`="${INK[name]}"`, `="${variableOf(name)}"`), svg);
}
