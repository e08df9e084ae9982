import { createHash } from "node:crypto";
import type { Month } from "./months.ts";

/** What `backfill-<source>-<from>-<to>-<attempt>` leaves for the source, with attempts up to 9999. */
const LONGEST_SOURCE = 28;
const HASH_LENGTH = 16;

/**
 * The name of the execution that archives a month of a source, the same whenever it is asked for. Further attempts at
 * the month, from 2 on, have names of their own. Distinct sources, months and attempts never share a name.
 *
 * AWS takes 1 to 64 of `[A-Za-z0-9-_]` (https://docs.aws.amazon.com/lambda/latest/api/API_Execution.html). A source that
 * is too long, or has dots, is told by its beginning and a hash; `backfill_` keeps such names apart from the others.
 */
export function executionName(source: string, { from, to }: Month, attempt: number): string {
  const suffix = attempt === 1 ? "" : `-${attempt}`;
  return `${sourcePart(source)}-${from}-${to}${suffix}`;
}

function sourcePart(source: string): string {
  if (/^[A-Za-z0-9_-]+$/.test(source) && source.length <= LONGEST_SOURCE) return `backfill-${source}`;
  const beginning = source.replaceAll(/[^A-Za-z0-9_-]/g, "-").slice(0, LONGEST_SOURCE - HASH_LENGTH - 1);
  const hash = createHash("sha256").update(source).digest("hex").slice(0, HASH_LENGTH);
  return `backfill_${beginning}-${hash}`;
}
