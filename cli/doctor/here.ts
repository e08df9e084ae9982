import { type Check, ok, problem } from "./checks.ts";

/** As `engines` in package.json says. */
const OLDEST_NODE = 24;

/** Whether this Node.js is one that the program is tested with; `version` as in `process.versions.node`. */
export function checkNode(version: string): Check {
  if (Number.parseInt(version, 10) >= OLDEST_NODE) return ok("node", version);
  return problem("node", `This is Node.js ${version}.`);
}

/** A problem for each wrong setting, or one line that all is well. */
export function checkSettings(problems: readonly string[]): Check[] {
  if (problems.length === 0) return [ok("settings", "each of them can be used")];
  return problems.map(wrongSetting);
}

/** Where a sentence has two halves, the second says what to do. */
function wrongSetting(sentence: string): Check {
  const half = sentence.lastIndexOf("; ");
  if (half === -1) return problem("settings", sentence);
  const remedy = sentence.slice(half + 2);
  return problem("settings", `${sentence.slice(0, half)}.`, `${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}`);
}
