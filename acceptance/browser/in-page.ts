/**
 * What is asked of an open page, as expressions: they run in the browser, whose names TypeScript does not know here.
 */

/** Pixels by which the page is wider than the window. */
export const OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth";

/** Opens or shuts every fold of the page. */
export const foldAll = (isOpen: boolean) =>
  `for (const fold of document.querySelectorAll("details")) fold.open = ${isOpen}`;

/** Charts of which not exactly one drawing shows, by their card. */
export const CHARTS_NOT_SHOWN_ONCE = `[...document.querySelectorAll(".chart")]
  .filter((chart) => [...chart.children].filter((svg) => svg.getBoundingClientRect().width > 0).length !== 1)
  .map((chart) => chart.closest("figure").id)`;

/** Size of the smallest text in a chart that shows, in pixels. */
export const SMALLEST_LABEL = `Math.min(...[...document.querySelectorAll(".chart svg")]
  .filter((svg) => svg.getBoundingClientRect().width > 0)
  .map((svg) => (13 * svg.getBoundingClientRect().width) / svg.viewBox.baseVal.width))`;

/** Labels of charts that leave their card, or touch another label, as text. */
export const LABELS_OUT_OF_PLACE = `[...document.querySelectorAll(".chart svg")].flatMap((svg) => {
  const card = svg.closest("figure").getBoundingClientRect();
  const labels = [...svg.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
  const shown = labels.filter(([, box]) => box.width > 0);
  const outside = shown.filter(([, box]) => box.left < card.left || box.right > card.right);
  const touching = shown.filter(([, one], at) => shown.slice(at + 1).some(([, other]) =>
    one.left < other.right && other.left < one.right && one.top + 3 < other.bottom && other.top + 3 < one.bottom));
  return [...outside, ...touching].map(([text]) => svg.closest("figure").id + ": " + text);
})`;

/** What has the focus: the number of its fold, or null if it is no summary. */
export const FOCUSED_FOLD = `document.activeElement?.tagName === "SUMMARY"
  ? [...document.querySelectorAll("details")].indexOf(document.activeElement.parentElement) : null`;

/** Which folds are open, in their order. */
export const FOLDS = `[...document.querySelectorAll("details")].map((fold) => fold.open)`;

/** Violations that axe finds, with the elements that have them. */
export const AXE = `axe.run(document).then(({ violations }) =>
  violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html.slice(0, 120)).join(" | ")))`;
