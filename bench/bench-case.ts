/** Something that is measured against others that do the same work. */
export interface Contender {
  readonly name: string;
  /** Units of its work, if not those of the case. */
  readonly units?: number;
  /** Does the work once, and throws if its result is wrong. What it returns is printed, by name. */
  run(): Promise<{ readonly elapsedMs: number; readonly figures: Readonly<Record<string, number>> }>;
}

export interface BenchCase {
  readonly name: string;
  /** What one unit of the work is, such as "row". */
  readonly unit: string;
  readonly units: number;
  readonly repeats: number;
  /** False for work too long to be done once more before it counts. */
  readonly warmUp: boolean;
  /** The first is ours: the others are measured by their ratio to it. */
  prepare(): Promise<{ readonly contenders: readonly Contender[]; cleanUp(): Promise<void> }>;
}
