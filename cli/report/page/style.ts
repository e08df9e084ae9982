/** Colours of light pages: dark text and marks on white, each at least 3 to 1 against the paper, text 4.5 to 1. */
const LIGHT = `
  color-scheme: light;
  --page: #f3f5f8; --paper: #ffffff; --edge: #d9dfe7; --line: #e3e8ee;
  --text: #17202b; --faint: #526071; --accent: #0b6b94; --rest: #8a95a3;
  --selfService: #0f7f73; --agent: #d97a06; --dropOff: #33415c; --unclassified: #8b93a1;
  --complete: #d5eedf; --complete-ink: #14532d; --provisional: #d6e8fa; --provisional-ink: #123f6e;
  --incomplete: #b3261e; --incomplete-ink: #ffffff; --missing: #f6d365; --missing-ink: #3d2c00;
  --unreadable: #7b2d8b; --unreadable-ink: #ffffff;`;

/** Colours of dark pages, likewise. */
const DARK = `
  color-scheme: dark;
  --page: #0d1218; --paper: #161d26; --edge: #2b3644; --line: #2a3441;
  --text: #e6ebf1; --faint: #a3b0bf; --accent: #52b5dd; --rest: #728093;
  --selfService: #1fb5a3; --agent: #ffc14d; --dropOff: #6f82a8; --unclassified: #c9d1db;
  --complete: #14392a; --complete-ink: #a7e3c1; --provisional: #16344f; --provisional-ink: #b5d8f7;
  --incomplete: #e5675d; --incomplete-ink: #1b0503; --missing: #f6d365; --missing-ink: #3d2c00;
  --unreadable: #d08be0; --unreadable-ink: #22062a;`;

/** How a report looks; nothing is loaded, and the reader's own settings decide between light and dark. */
export const STYLE = `
:root {${LIGHT}
}
@media screen and (prefers-color-scheme: dark) { :root {${DARK}
} }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main:has(figure details[open]) { align-items: start; }
header, main, footer { max-width: 1100px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 36px; }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; letter-spacing: -0.01em; }
h2 { margin: 0; font-size: 1.1rem; line-height: 1.3; }
h3 { margin: 24px 0 8px; font-size: 1rem; }
header p { margin: 6px 0 0; color: var(--faint); }
main { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 16px; padding-top: 24px; }
footer { padding-top: 20px; padding-bottom: 36px; color: var(--faint); font-size: 0.875rem; }
.card { margin: 0; padding: 20px; background: var(--paper); border: 1px solid var(--edge); border-radius: 12px; }
figure.card { display: flex; flex-direction: column; container-type: inline-size; }
figure.card > details:last-child { margin-top: auto; padding-top: 14px; }
.whole { grid-column: 1 / -1; }
.card p { margin: 4px 0 0; color: var(--faint); font-size: 0.9375rem; }
.card .note { margin-top: 10px; font-size: 0.8125rem; }
.headline { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 12px; margin: 0; }
.headline div { padding: 14px 16px; background: var(--paper); border: 1px solid var(--edge); border-radius: 12px; display: flex; flex-direction: column; }
.headline dt { font-size: 0.8125rem; color: var(--faint); }
.headline dd { margin: 0; }
.headline .figure { font-size: 1.45rem; font-weight: 650; line-height: 1.25; font-variant-numeric: tabular-nums; }
.headline .aside { font-size: 0.8125rem; color: var(--faint); }
.chart { margin-top: 14px; }
.chart svg { display: none; width: 100%; height: auto; overflow: visible; }
.chart text { unicode-bidi: plaintext; }
.chart .narrow { display: block; }
@container (min-width: 450px) { .chart .narrow { display: none; } .chart .medium { display: block; } }
@container (min-width: 790px) { .chart .wide { display: block; } .chart .wide ~ .medium, .chart .medium:has(~ .wide) { display: none; } }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 12px 0 0; padding: 0; list-style: none; font-size: 0.875rem; }
.legend li { display: flex; align-items: center; gap: 7px; }
.legend .day { width: 22px; flex: none; }
.swatch { flex: none; width: 13px; height: 13px; border-radius: 3px; print-color-adjust: exact; }
details { margin-top: 14px; font-size: 0.875rem; }
summary { cursor: pointer; color: var(--faint); border-radius: 4px; width: fit-content; padding: 2px 4px; margin-left: -4px; }
summary:hover { color: var(--text); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.scroll { font-size: 0.875rem; overflow-wrap: normal; max-height: 22rem; overflow: auto; margin-top: 8px; border: 1px solid var(--edge); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; }
.scroll th, .scroll td { padding: 5px 12px; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); font-weight: 400; }
.scroll tr:last-child > * { border-bottom: 0; }
.scroll thead th { position: sticky; top: 0; background: var(--paper); color: var(--faint); font-weight: 600; white-space: nowrap; }
.scroll .number, .scroll thead th.number { text-align: right; }
.number { font-variant-numeric: tabular-nums; }
.number, .line { white-space: nowrap; }
.long { min-width: 18rem; overflow-wrap: anywhere; }
.source { margin-top: 18px; }
.source summary { width: auto; }
.source h3 { display: inline; margin: 0 8px 0 0; color: var(--text); }
.months { display: grid; grid-template-columns: repeat(auto-fill, minmax(132px, 1fr)); gap: 18px; margin-top: 12px; }
.month { table-layout: fixed; align-self: start; max-width: 220px; }
.month caption { text-align: left; font-weight: 600; padding-bottom: 2px; }
.month th { padding: 0; font-size: 0.75rem; font-weight: 400; color: var(--faint); }
.month abbr { text-decoration: none; }
.month td { padding: 1px; height: 24px; }
.day { display: block; height: 22px; border-radius: 4px; text-align: center; font: 600 0.75rem/22px ui-monospace, monospace; print-color-adjust: exact; }
.complete { background: var(--complete); color: var(--complete-ink); }
.provisional { background: var(--provisional); color: var(--provisional-ink); }
.incomplete { background: var(--incomplete); color: var(--incomplete-ink); }
.missing { background: var(--missing); color: var(--missing-ink); }
.unreadable { background: var(--unreadable); color: var(--unreadable-ink); }
.outside { color: var(--faint); }
.values dl { display: grid; gap: 10px; margin: 8px 0 0; }
.values dt { font-weight: 600; }
.values dd, .values ul { margin: 0; padding: 0; list-style: none; }
.values b { flex: none; }
.values li { display: flex; justify-content: space-between; gap: 16px; border-bottom: 1px solid var(--line); }
.unseen { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 900px) { .headline { grid-template-columns: repeat(3, minmax(0, 1fr)); } }
@media (max-width: 680px) {
  header, main, footer { padding-left: 12px; padding-right: 12px; }
  main { grid-template-columns: minmax(0, 1fr); gap: 12px; }
  .card { padding: 16px; }
  .headline { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 8px; }
  h1 { font-size: 1.5rem; }
}
@media (forced-colors: active) { .swatch, .day { forced-color-adjust: none; } }
@media print {
  @page { margin: 14mm; }
  body { background: none; font-size: 10pt; }
  header, main, footer { max-width: none; padding-left: 0; padding-right: 0; }
  header { padding-top: 0; }
  main { gap: 10px; }
  .card { padding: 12px; }
  .card, .headline div, .month { break-inside: avoid; }
  #health, .source { break-inside: auto; }
  details:not([open]) { display: none; }
  .scroll { max-height: none; overflow: visible; }
  .scroll .line, .scroll .long { white-space: normal; min-width: 0; overflow-wrap: anywhere; }
  .scroll .line { min-width: 5rem; }
}
`;
