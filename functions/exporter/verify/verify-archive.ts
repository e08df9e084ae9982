import { compareDays, dayName } from "../archive/digest.ts";
import { DATASETS, type Dataset, LEDGERS, ledgerKey, parseFileKey, parseLedgerKey } from "../archive/layout.ts";
import { listEntries, strayRootNames } from "../archive/listing.ts";
import type { ArchiveStore } from "../archive/store.ts";
import { PREFIXES } from "../contract.ts";
import { type CheckedChain, checkChain, type Trust, type VouchedState } from "./chain.ts";
import { checkLedger, type DayPlace } from "./day.ts";
import { FileCheck } from "./files.ts";
import { addedTo, type Find, type Finding } from "./finding.ts";
import { checkIndex } from "./index-check.ts";
import { checkErased, checkKeptRecords, type KnownErasures } from "./kept-records.ts";
import { LocalCopies } from "./local-copies.ts";
import { checkRows, type TakenFile } from "./rows.ts";
import { SessionReader } from "./session-reader.ts";
import { checkVersions } from "./versions.ts";

/** Days that are read at the same time. */
const DAYS_AT_ONCE = 4;

/** What a verification needs, and tells on its way. */
export interface VerifyPorts {
  readonly store: ArchiveStore;
  /** Of the store: a folder's path, or `s3://bucket/prefix`. */
  readonly location: string;
  /** A folder for temporary files: the files of four days, and what DuckDB puts aside. */
  readonly scratch: string;
  readonly trust: Trust;
  readonly signal?: AbortSignal;
  readonly onDay?: (done: number, all: number) => void;
}

/** A day whose content a run took over without knowing where it came from. */
export interface AdoptedDay {
  readonly dataset: Dataset;
  readonly dt: string;
  readonly source: string;
  /** The digest that vouched for it then. */
  readonly digest: number;
  /** Null in a digest of version 1, which does not say. */
  readonly reason: string | null;
  /** Who looked at it, and by which reference; null: nobody has. */
  readonly accepted: { readonly actor: string; readonly reference: string } | null;
}

/** What a verification came to. */
export interface Verification {
  readonly archiveId: string | null;
  readonly checked: {
    readonly digests: number;
    readonly days: number;
    readonly files: number;
    readonly rows: number;
    readonly bytes: number;
  };
  /** Digests with a good signature; null where no key was given. */
  readonly signed: number | null;
  /** `none`: the archive lies where no versions are kept; `denied`: they may not be listed. */
  readonly versions: "checked" | "none" | "denied";
  /** False if names beside the archive's own folders may not be listed. */
  readonly isRootListed: boolean;
  readonly head: CheckedChain["head"];
  /** Empty if the archive is as its runs left it. */
  readonly findings: readonly Finding[];
  readonly adopted: readonly AdoptedDay[];
}

/** Reads everything in an archive and finds what is not as runs left it. No run may be at work on it meanwhile. */
export async function verifyArchive(ports: VerifyPorts): Promise<Verification> {
  const { store, trust, signal } = ports;
  const findings: Finding[] = [];
  const find: Find = (code, key, message) => void findings.push({ code, key, message });
  const chain = await checkChain(store, trust, find);
  const root = await strayRootNames(store);
  for (const stray of root ?? []) addedTo(find)(stray);
  const copies = new LocalCopies(store, ports.location, ports.scratch, signal);
  const files = new FileCheck(copies, largestFile(chain), find);
  const days = await daysOf(store, chain, find);
  const erasures = await checkKeptRecords(store, chain.archiveId === null ? null : chain.state, find);
  const { rows, adopted, intact } = await checkDays(days, chain, files, erasures, ports, find);
  await checkIndex(store, chain, intact, find);
  await files.judge(dataKeys(store, find));
  const versions = await versionsOf(store, chain, find);
  return {
    archiveId: chain.archiveId,
    checked: { digests: chain.digests, days: days.length, ...files.totals, rows },
    signed: trust.publicKeys.length === 0 ? null : chain.signed,
    versions,
    isRootListed: root !== null,
    head: chain.head,
    findings: findings.sort((one, other) => compare(one.code, other.code) || compare(one.key, other.key)),
    adopted: [...adopted, ...checkAdoptions(chain, find)].sort(compareDays),
  };
}

/** An adopted day is content that nobody vouches for but the run that met it, until a person has looked at it. */
function checkAdoptions({ adoptions }: CheckedChain, find: Find): AdoptedDay[] {
  return adoptions.days.map(({ dataset, dt, source, digest, adopted: { reason }, accepted }) => {
    if (accepted === null) {
      const message =
        `was taken over by digest ${digest}: ${reason} Look at the day. If it is right, verify --accept-adopted ` +
        `${dt}/${source} --reference TEXT; else restore it, or export it again with --accept-fewer.`;
      find("ERR_VERIFY_ADOPTED", ledgerKey(dt, source, dataset), message);
    }
    const by = accepted && { actor: accepted.actor, reference: accepted.reference };
    return { dataset, dt, source, digest, reason, accepted: by };
  });
}

function largestFile({ days }: CheckedChain): number {
  return days.values().reduce((most, { files }) => Math.max(most, ...files.map(({ bytes }) => bytes)), 0);
}

/** Every day that a record or a digest tells of. */
async function daysOf(store: ArchiveStore, { days }: CheckedChain, find: Find): Promise<DayPlace[]> {
  const places = new Map<string, DayPlace>(
    days.entries().map(([name, { dataset, dt, source }]) => [name, { dataset, dt, source }]),
  );
  for (const dataset of DATASETS) {
    const parse = (key: string) => parseLedgerKey(key, dataset);
    for await (const { parsed } of listEntries(store, LEDGERS[dataset], parse, addedTo(find))) {
      const { day: dt, source } = parsed;
      places.set(dayName(dt, source, dataset), { dataset, dt, source });
    }
  }
  return [...places.values()];
}

interface CheckedDays {
  readonly rows: number;
  /** Days of digests of version 1 that a later run than the one that wrote them was the first to vouch for. */
  readonly adopted: readonly AdoptedDay[];
  /** Names of the days whose record is the one that is vouched for. */
  readonly intact: ReadonlySet<string>;
}

async function checkDays(
  days: readonly DayPlace[],
  chain: CheckedChain,
  files: FileCheck,
  erasures: KnownErasures,
  { store, scratch, signal, onDay }: VerifyPorts,
  find: Find,
): Promise<CheckedDays> {
  const reader = await SessionReader.open(scratch);
  const queue = [...days];
  const adopted: AdoptedDay[] = [];
  const intact = new Set<string>();
  let rows = 0;
  let done = 0;
  const work = async () => {
    for (let day = queue.pop(); day !== undefined; day = queue.pop()) {
      signal?.throwIfAborted();
      const name = dayName(day.dt, day.source, day.dataset);
      const vouched = chain.days.get(name);
      const result = await checkDay(day, vouched, { store, files, erasures, reader, find });
      rows += result.rows;
      if (result.isIntact) intact.add(name);
      if (vouched?.version === 1 && result.runId !== null && result.runId !== vouched.runId) {
        adopted.push({ ...day, digest: vouched.number, reason: null, accepted: null });
      }
      done += 1;
      onDay?.(done, days.length);
    }
  };
  try {
    await Promise.all(Array.from({ length: DAYS_AT_ONCE }, work));
  } finally {
    reader.close();
  }
  return { rows, adopted, intact };
}

interface DayTools {
  readonly store: ArchiveStore;
  readonly files: FileCheck;
  readonly erasures: KnownErasures;
  readonly reader: SessionReader;
  readonly find: Find;
}

async function checkDay(
  place: DayPlace,
  vouched: VouchedState | undefined,
  { store, files, erasures, reader, find }: DayTools,
): Promise<{ rows: number; runId: string | null; isIntact: boolean }> {
  const day = await checkLedger(place, vouched, store, find);
  if (day.record !== null) checkErased(day.record, erasures, find);
  const taken: TakenFile[] = [];
  try {
    for (const file of day.files) {
      const copy = await files.take(file);
      if (copy !== null) taken.push({ file, copy });
    }
    const rows = day.dataset === "sessions" ? await checkRows(day, taken, reader, find) : 0;
    return { rows, runId: day.record?.run_id ?? null, isIntact: day.isIntact };
  } finally {
    for (const { copy } of taken) await files.release(copy);
  }
}

const TABLES = [PREFIXES.sessions, PREFIXES.rejected, PREFIXES.messages, PREFIXES.rejectedMessages];

async function* dataKeys(store: ArchiveStore, find: Find): AsyncGenerator<string> {
  for (const prefix of TABLES) {
    for await (const { key } of listEntries(store, prefix, parseFileKey, addedTo(find))) yield key;
  }
}

async function versionsOf(store: ArchiveStore, chain: CheckedChain, find: Find): Promise<Verification["versions"]> {
  if (store.history === undefined) return "none";
  if (!(await store.history.mayList())) return "denied";
  await checkVersions(store.history, chain, find);
  return "checked";
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
