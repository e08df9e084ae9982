/** Objects that are asked for at the same time. */
const AT_ONCE = 16;

/** What `work` makes of each item, in order; at most 16 are under way at a time. Rejects as the first that fails. */
export async function inBatches<I, T>(items: readonly I[], work: (item: I) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let start = 0; start < items.length; start += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(start, start + AT_ONCE).map(work))));
  }
  return results;
}
