import { stateLines } from "../archive/archive-state.ts";
import { dayName, type MonthRef, type ObjectRef, sha256Of } from "../archive/digest.ts";
import { unpackLines } from "../archive/json-lines.ts";
import { indexKey, parseIndexKey, stateKey } from "../archive/layout.ts";
import { type IndexLine, monthOf, parseIndexLine, sortedLines } from "../archive/ledger-index.ts";
import { listEntries } from "../archive/listing.ts";
import { type ArchiveStore, readOrTooLarge } from "../archive/store.ts";
import { PREFIXES } from "../contract.ts";
import type { CheckedChain, VouchedState } from "./chain.ts";
import { addedTo, type Find } from "./finding.ts";

type Wrong = (key: string, message: string) => void;

/**
 * Holds the files of the index that the newest digest names against what the chain says. `intact` are the days, by
 * `dayName`, whose record is the one that is vouched for. Older files of the index may be there or not.
 *
 * A run goes by the digests that it believes: those of its own key it always does, those of other keys it may not.
 */
export async function checkIndex(
  store: ArchiveStore,
  chain: CheckedChain,
  intact: ReadonlySet<string>,
  find: Find,
): Promise<void> {
  await Array.fromAsync(listEntries(store, PREFIXES.index, parseIndexKey, addedTo(find)));
  if (chain.newest === null || chain.newest.digest.state === null) return;
  const { digest, signedBy } = chain.newest;
  const wrong: Wrong = (key, message) => find("ERR_VERIFY_INDEX", key, message);
  await checkState(store, chain.newest.digest.state, chain, find);
  const indexed = new Map<string, IndexLine>();
  if (digest.index.some(({ month }, index) => index > 0 && month <= (digest.index[index - 1]?.month ?? ""))) {
    wrong(PREFIXES.index, "has its months out of order in the newest digest.");
  }
  for (const ref of digest.index) {
    const texts = await linesOf(store, ref, indexKey(ref.month, ref.sha256), find);
    if (texts !== null) checkMonth(ref, texts, chain, indexed, wrong);
  }
  for (const [name, { dt, history }] of chain.days) {
    const own = history.findLast((one) => one.signedBy === signedBy);
    if (own === undefined || !intact.has(name) || indexed.has(name)) continue;
    const ref = digest.index.find(({ month }) => month === monthOf(dt));
    wrong(ref?.key ?? PREFIXES.index, `lacks ${name}, for which digest ${own.number} vouches.`);
  }
}

async function checkState(store: ArchiveStore, ref: ObjectRef, chain: CheckedChain, find: Find): Promise<void> {
  const lines = await linesOf(store, ref, stateKey(ref.sha256), find);
  if (lines === null) return;
  if (!isSaid(lines, chain)) find("ERR_VERIFY_INDEX", ref.key, "does not say what the digests say together.");
}

/**
 * True if whatever the newest digest's key says is there once, as its digests say it together, or as one of another key
 * does: of a key that both retire, the run goes by the digest that it believed first.
 */
function isSaid(lines: readonly string[], { ownState, othersLines }: CheckedChain): boolean {
  const own = new Set(stateLines(ownState));
  if (!lines.every((line) => own.has(line) || othersLines.has(line))) return false;
  const subjects = new Set(lines.map(subjectOf));
  return subjects.size === lines.length && own.values().every((line) => subjects.has(subjectOf(line)));
}

/** What a line of a state is about; there is one of each. */
function subjectOf(line: string): string {
  const { kind, key, key_fingerprint } = JSON.parse(line);
  return kind === "acceptance" ? line : `${kind} ${key ?? key_fingerprint}`;
}

/**
 * The lines of a file that the newest digest names; null if it is not there, or not the one. Under another key than its
 * hash gives it, it is not looked for: that could lie anywhere.
 */
async function linesOf(
  store: ArchiveStore,
  { key, sha256, bytes }: ObjectRef,
  expectedKey: string,
  find: Find,
): Promise<string[] | null> {
  if (key !== expectedKey) {
    find("ERR_VERIFY_INDEX", key, `is named by the newest digest, where ${expectedKey} has its place.`);
    return null;
  }
  const object = await readOrTooLarge(store, key);
  if (object === null) {
    find("ERR_VERIFY_FILE_MISSING", key, "was removed: the newest digest names it. The next run writes it anew.");
    return null;
  }
  if (object === "too large" || object.body.length !== bytes || sha256Of(object.body) !== sha256) {
    find("ERR_VERIFY_FILE_CHANGED", key, `has other bytes than the newest digest names: SHA-256 ${sha256}.`);
    return null;
  }
  const lines = await unpackLines(object.body);
  if (lines === null) find("ERR_VERIFY_INDEX", key, "holds no lines that are packed with gzip.");
  return lines;
}

function checkMonth(
  ref: MonthRef,
  texts: readonly string[],
  chain: CheckedChain,
  indexed: Map<string, IndexLine>,
  wrong: Wrong,
): void {
  if (texts.length !== ref.records) wrong(ref.key, `has ${texts.length} lines; the digest has ${ref.records}.`);
  const lines = texts.flatMap((text) => parseIndexLine(text) ?? []);
  if (lines.length < texts.length) wrong(ref.key, "has a line that is none of an index.");
  if (sortedLines(lines).some((line, index) => line !== lines[index])) wrong(ref.key, "has its lines out of order.");
  for (const line of lines) {
    const name = dayName(line.dt, line.source, line.dataset);
    const message = wrongIn(line, chain.days.get(name), chain.newest?.signedBy ?? null);
    if (monthOf(line.dt) !== ref.month) wrong(ref.key, `has the day ${name}.`);
    if (indexed.has(name)) wrong(ref.key, `has ${name} more than once.`);
    if (message !== null) wrong(ref.key, `says of ${name} ${message}`);
    indexed.set(name, line);
  }
}

function wrongIn(line: IndexLine, vouched: VouchedState | undefined, newestKey: string | null): string | null {
  if (sha256Of(Buffer.from(`${line.record}\n`)) !== line.ledger.sha256) return "another record than its hash.";
  const history = vouched?.history ?? [];
  const own = history.findLast(({ signedBy }) => signedBy === newestKey)?.number ?? 0;
  if (line.digest === null) return own === 0 ? null : `that no digest vouches for it; ${own} does.`;
  const said = history.findLast(({ number }) => number === line.digest)?.day;
  if (said === undefined || line.digest < own) return `that digest ${line.digest} vouches for it.`;
  const isSame =
    JSON.stringify(line.ledger) === JSON.stringify(said.ledger) &&
    JSON.stringify(line.files) === JSON.stringify(said.files);
  return isSame ? null : `something else than digest ${line.digest}.`;
}
