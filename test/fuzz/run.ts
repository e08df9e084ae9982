import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { makeErasedArchive } from "./erased-archive.ts";
import { fuzz, type Outcome } from "./fuzz.ts";
import { JUDGES } from "./judge.ts";
import { changeText, countsTable, failureLines } from "./report.ts";

const USAGE = `Usage: npm run fuzz -- [options]

Changes a signed archive in random ways, one at a time, and expects that verify finds each of them.

  --seed N       draws as the run did that told this seed; keys, ids and hashes of the archive are new each time
  --changes N    how many; default 1000
  --help

Exit codes: 0 each was found, 1 one was not, 2 wrong usage. A thousand changes take about two minutes.`;

const MOST_SEED = 2 ** 32;

interface Asked {
  readonly seed: number;
  readonly changes: number;
}

/** Throws a `TypeError` that says what is wrong with the arguments. Null: what is wanted is help. */
function askedBy(args: string[]): Asked | null {
  const options = { seed: { type: "string" }, changes: { type: "string" }, help: { type: "boolean" } } as const;
  const { seed = String(randomInt(MOST_SEED)), changes = "1000", help } = parseArgs({ args, options }).values;
  if (help) return null;
  return { seed: numberOf("--seed", seed), changes: numberOf("--changes", changes) };
}

function numberOf(option: string, text: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) < MOST_SEED) return Number(text);
  throw new TypeError(`${option} ${text}: give a whole number below ${MOST_SEED}`);
}

function askedOrExit(args: string[]): Asked {
  try {
    const asked = askedBy(args);
    if (asked !== null) return asked;
    console.log(USAGE);
    process.exit(0);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

const asked = askedOrExit(process.argv.slice(2));
console.log(`seed ${asked.seed}`);
const made = await makeErasedArchive();
const outcomes: Outcome[] = [];
try {
  for await (const outcome of fuzz(made, { ...asked, judges: JUDGES })) {
    outcomes.push(outcome);
    for (const line of failureLines([outcome])) console.error(`seed ${asked.seed}, ${line}`);
  }
} finally {
  await made.remove();
}
const failed = failureLines(outcomes).length;
const [slowest] = outcomes.toSorted((one, other) => other.milliseconds - one.milliseconds);
console.log(countsTable(outcomes));
if (slowest)
  console.log(`The slowest verification took ${slowest.milliseconds.toFixed(0)} ms: ${changeText(slowest)}.`);
console.log(`${outcomes.length} changes, ${failed} of them not as they should be.`);
// Not `exitCode`: a verification that hangs must not keep the process.
process.exit(failed > 0 ? 1 : 0);
