/** How large the work is. What is promised is judged at full size only. */
export type Scale = "full" | "quick";

/** One run of a contender. Figures are printed by name. */
export interface Outcome {
  readonly elapsedMs: number;
  readonly figures: Readonly<Record<string, number>>;
}

/** Something that is measured against others that do the same work. */
export interface Contender {
  readonly name: string;
  /** Units of its work, if not those of the case. */
  readonly units?: number;
  /** Does the work once, and throws if its result is wrong. */
  run(): Promise<Outcome>;
}

/** Several measurements of the same thing. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface ContenderResult {
  readonly contender: string;
  /** Microseconds for one unit. */
  readonly microseconds: Spread;
  /** Its time for a unit divided by that of the first contender in the same round. */
  readonly ratio: Spread;
  readonly figures: Readonly<Record<string, Spread>>;
}

/** A limit that a figure is to keep. */
export interface Promised {
  readonly what: string;
  readonly value: number;
  readonly sense: "at most" | "at least";
  readonly limit: number;
}

export interface BenchCase {
  readonly name: string;
  /** As a heading of docs/benchmarks.md. */
  readonly title: string;
  /** What is done, what is measured, and what is checked: a paragraph in Markdown. */
  readonly about: string;
  /** What one unit of the work is, such as "row". */
  readonly unit: string;
  readonly units: number;
  readonly rounds: number;
  /** False for work too long to be done once more before it counts. */
  readonly warmUp: boolean;
  /** True: the others are measured by their ratio to the first. False: the contenders are beside each other only. */
  readonly compares: boolean;
  prepare(): Promise<{ readonly contenders: readonly Contender[]; cleanUp(): Promise<void> }>;
  /** Judged by medians. */
  promises(results: readonly ContenderResult[]): Promised[];
}

/** What came of a case. */
export interface CaseReport {
  readonly bench: Pick<BenchCase, "name" | "title" | "about" | "unit" | "units" | "rounds" | "compares">;
  readonly results: readonly ContenderResult[];
  readonly promises: readonly Promised[];
}

/** Finds a contender's result by its name. */
export function resultOf(results: readonly ContenderResult[], contender: string): ContenderResult {
  const found = results.find((result) => result.contender === contender);
  if (found === undefined) throw new TypeError(`there is no contender "${contender}"`);
  return found;
}

/** The median of a contender's figure. */
export function medianOf(results: readonly ContenderResult[], contender: string, figure: string): number {
  const spread = resultOf(results, contender).figures[figure];
  if (spread === undefined) throw new TypeError(`"${contender}" has no figure "${figure}"`);
  return spread.median;
}

/** True if what is promised was found. */
export function isKept({ value, sense, limit }: Promised): boolean {
  return sense === "at most" ? value <= limit : value >= limit;
}
