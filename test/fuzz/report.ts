import { table } from "../../cli/table.ts";
import type { Outcome } from "./fuzz.ts";

/** Returns a table of how often changes of each kind came to each finding. What may come and go is counted apart. */
export function countsTable(outcomes: readonly Outcome[]): string {
  const kinds = Map.groupBy(outcomes, ({ kind, isLoose }) => (isLoose ? `${kind}, may come and go` : kind));
  const rows = [...kinds].sort().flatMap(([kind, group]) => {
    const all = group.flatMap(({ found }) => (found.length > 0 ? found : ["nothing"]));
    const counts = Map.groupBy(all, (finding) => finding);
    return [...counts].sort().map(([finding, times], index) => {
      return [index === 0 ? `${kind}: ${group.length}` : "", finding, times.length];
    });
  });
  return table(["changes", "found", "times"], rows);
}

/** Returns which change it was, with all that it takes to do it again by hand. */
export function changeText({ number, kind, what }: Outcome): string {
  return `change ${number}, ${kind}: ${what}`;
}

/** Returns a line for each change that did not come to what it should. */
export function failureLines(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap((outcome) => (outcome.failure === null ? [] : `${changeText(outcome)}: ${outcome.failure}`));
}
