import { join } from "node:path";
import { mix, type Random, seededRandom } from "../../demo/stand-in/random.ts";
import { type Change, KINDS, type Kind, type Subject } from "./changes.ts";
import type { ErasedArchive } from "./erased-archive.ts";
import type { Judge } from "./judge.ts";
import { looseIn } from "./loose.ts";
import { pick } from "./pick.ts";
import { differing, layOut, readTree } from "./tree.ts";

/** What became of a change. */
export interface Outcome {
  /** From 1. */
  readonly number: number;
  readonly kind: Kind;
  readonly what: string;
  /** Whether all that it changed may come and go: then a judge may find something or not. */
  readonly isLoose: boolean;
  readonly found: readonly string[];
  /** Why this is not as it should be: it passed, or a judge came to no judgement. Null: it is. */
  readonly failure: string | null;
  readonly milliseconds: number;
}

/** Changes to make: the same seed draws the same ones for the same archive, each independent of those before. */
export interface Order {
  readonly seed: number;
  readonly changes: number;
  /** By the name under which failures tell of them. */
  readonly judges: Readonly<Record<string, Judge>>;
}

/**
 * Yields what judges make of random changes, each to a copy of an archive. Throws if a judge finds something in a copy without
 * a change, at the start or at the end.
 */
export async function* fuzz(made: ErasedArchive, { seed, changes, judges }: Order): AsyncGenerator<Outcome> {
  const folder = join(made.scratch, "copy");
  await expectSound(folder, made, judges);
  for (let number = 1; number <= changes; number++) {
    const random = seededRandom(mix(seed, number));
    const { kind, what, isLoose } = await changeIn(folder, made, random);
    const startedAt = performance.now();
    const { found, failures } = await judge(folder, made, judges, isLoose);
    const milliseconds = performance.now() - startedAt;
    yield { number, kind, what, isLoose, found, failure: failures.join("; ") || null, milliseconds };
  }
  await expectSound(folder, made, judges);
}

async function expectSound(folder: string, made: ErasedArchive, judges: Order["judges"]): Promise<void> {
  await layOut(folder, made.tree);
  const { found, failures } = await judge(folder, made, judges, true);
  if (found.length + failures.length > 0) throw new Error(`unchanged, it is not sound: ${[...found, ...failures]}`);
}

/** Makes a copy, and a change to it that leaves something else than a copy. */
async function changeIn(
  folder: string,
  made: ErasedArchive,
  random: Random,
): Promise<Pick<Outcome, "kind" | "what" | "isLoose">> {
  const isLooseName = looseIn(made.tree);
  for (;;) {
    const [kind, change] = draw(made, random);
    if (change === null) continue;
    await layOut(folder, made.tree);
    await change.apply(folder);
    const after = await readTree(folder);
    const changed = differing(made.tree, after);
    if (changed.length === 0) continue;
    return { kind, what: change.what, isLoose: changed.every((name) => isLooseName(name, after.get(name))) };
  }
}

function draw(subject: Subject, random: Random): readonly [Kind, Change | null] {
  const kind = pick(random, Object.keys(KINDS) as Kind[]);
  return [kind, KINDS[kind](subject, random)];
}

async function judge(
  folder: string,
  made: ErasedArchive,
  judges: Order["judges"],
  mayPass: boolean,
): Promise<{ readonly found: string[]; readonly failures: string[] }> {
  const [found, failures]: [string[], string[]] = [[], []];
  for (const [name, judged] of Object.entries(judges)) {
    try {
      const findings = await judged(folder, made);
      found.push(...findings);
      if (findings.length === 0 && !mayPass) failures.push(`${name} lets it pass`);
    } catch (error) {
      failures.push(`${name} comes to no judgement: ${error instanceof Error ? error.message : error}`);
    }
  }
  return { found, failures };
}
